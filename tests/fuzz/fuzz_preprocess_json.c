/* The preprocessing attribute of a foreign file -> what an image goes through. The first bytes are
 * the network's input size. */
#include "fuzz_support.h"

#include "loaders/preprocess.h"

/* What is parsed can be written and parsed again, to the same. */
static void round_trip(const rb_preprocess *parsed) {
    char text[RB_PREPROCESS_CAPACITY];
    rb_preprocess again;
    rb_error err = {""};
    FUZZ_REQUIRE(rb_preprocess_format(parsed, text, sizeof text, &err) == RB_OK);
    FUZZ_REQUIRE(rb_preprocess_parse(text, "fuzz", &again, &err) == RB_OK);
    FUZZ_REQUIRE(again.resize == parsed->resize && again.crop_height == parsed->crop_height &&
                 again.crop_width == parsed->crop_width && again.bgr == parsed->bgr &&
                 again.divisor == parsed->divisor);
    for (int c = 0; c < 3; c++)
        FUZZ_REQUIRE(again.mean[c] == parsed->mean[c] && again.std[c] == parsed->std[c]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    size_t length;
    rb_preprocess preprocess;
    rb_error err = {""};
    const int64_t height = 1 + fuzz_take(&bytes), width = 1 + fuzz_take(&bytes);
    uint8_t *block = fuzz_take_block(&bytes, size, &length);
    char *text = malloc(length + 1);
    FUZZ_REQUIRE(text);
    memcpy(text, block, length);
    text[length] = '\0';
    rb_status status = rb_preprocess_parse(text, "fuzz", &preprocess, &err);
    if (status == RB_OK)
        round_trip(&preprocess);
    else
        fuzz_check_refusal(status, &err);
    status =
        rb_preprocess_choose(text, "fuzz", RB_RESIZE_STORED, height, width, 224, &preprocess, &err);
    if (status == RB_OK)
        FUZZ_REQUIRE(preprocess.crop_height == height && preprocess.crop_width == width);
    else
        FUZZ_REQUIRE(err.message[0]);
    free(text);
    free(block);
    return 0;
}
