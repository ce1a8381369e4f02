/* JPEG and PNG -> pixels -> the crop that a network sees. The first two bytes choose the resize. */
#include "fuzz_support.h"

#include "loaders/preprocess.h"

/* A header may ask for the 10^8 pixels that are allowed; hundreds of megabytes in every run would
 * leave the fuzzer no time. The limits themselves are unit tests. */
#define MAX_FUZZED_PIXELS (1 << 20)

static uint32_t number(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int too_slow(const uint8_t *data, size_t size) {
    if (rb_image_format_of(data, size) == RB_IMAGE_FORMAT_PNG)
        return size >= 24 && (uint64_t)number(data + 16) * number(data + 20) > MAX_FUZZED_PIXELS;
    for (size_t i = 0; i + 9 < size; i++) /* any start-of-frame marker */
        if (data[i] == 0xFF && data[i + 1] >= 0xC0 && data[i + 1] <= 0xCF &&
            (uint64_t)(data[i + 5] << 8 | data[i + 6]) *
                    (uint64_t)(data[i + 7] << 8 | data[i + 8]) >
                MAX_FUZZED_PIXELS)
            return 1;
    return 0;
}

static void crop(const rb_image *image, uint8_t resize, uint8_t side) {
    rb_preprocess preprocess;
    rb_error err = {""};
    rb_preprocess_init(&preprocess, side + 1, side + 1);
    preprocess.resize = resize;
    const size_t size = (size_t)(side + 1) * (size_t)(side + 1) * 3;
    uint8_t *pixels = malloc(size);
    float *values = malloc(size * sizeof *values);
    FUZZ_REQUIRE(pixels && values);
    const rb_status status = rb_preprocess_pixels(&preprocess, "fuzz", image, pixels, &err);
    if (status == RB_OK)
        rb_preprocess_normalise(&preprocess, pixels, values);
    else
        fuzz_check_refusal(status, &err);
    free(values);
    free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rb_image *image;
    rb_error err = {""};
    if (size < 2 || too_slow(data + 2, size - 2))
        return 0;
    const rb_status status = rb_image_decode_memory("fuzz", data + 2, size - 2, &image, &err);
    if (status != RB_OK) {
        FUZZ_REQUIRE(!image);
        fuzz_check_refusal(status, &err);
        return 0;
    }
    FUZZ_REQUIRE(image->height >= 1 && image->width >= 1);
    uint32_t sum = 0; /* every pixel is there to be read */
    for (int64_t i = 0; i < image->height * image->width * 3; i++)
        sum += image->pixels[i];
    FUZZ_REQUIRE(sum <= 255u * 3 * MAX_FUZZED_PIXELS);
    crop(image, data[0], data[1]);
    rb_image_destroy(image);
    return 0;
}
