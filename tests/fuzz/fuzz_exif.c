/* The payload of a JPEG marker -> orientation, and an image turned by it. */
#include "fuzz_support.h"

#include "loaders/image_exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    rb_image *image;
    const uint8_t sides = fuzz_take(&bytes);
    uint8_t *block = fuzz_take_block(&bytes, size, &size);
    const int orientation = rb_exif_orientation(block, size);
    FUZZ_REQUIRE(orientation >= 0 && orientation <= 8);
    free(block);
    FUZZ_REQUIRE(rb_image_create("fuzz", 1 + sides % 16, 1 + sides / 16, &image, NULL) == RB_OK);
    const int64_t pixels = image->height * image->width;
    for (int64_t i = 0; i < pixels * 3; i++)
        image->pixels[i] = (uint8_t)(i / 3);
    FUZZ_REQUIRE(rb_image_orient("fuzz", &image, orientation, NULL) == RB_OK);
    int64_t sum = 0; /* turned, and none lost */
    for (int64_t i = 0; i < pixels * 3; i++)
        sum += image->pixels[i];
    for (int64_t i = 0; i < pixels; i++)
        sum -= 3 * (i & 255);
    FUZZ_REQUIRE(sum == 0);
    rb_image_destroy(image);
    return 0;
}
