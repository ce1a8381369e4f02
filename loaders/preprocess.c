#include "loaders/preprocess.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "loaders/image_resize.h"
#include "resbench/checked.h"

void rb_preprocess_init(rb_preprocess *preprocess, int64_t height, int64_t width) {
    int64_t scaled; /* a size out of range is left to rb_preprocess_check */
    if (!rb_mul_i64(height > width ? height : width, RB_PREPROCESS_RESIZE, &scaled))
        scaled = 0;
    *preprocess = (rb_preprocess){
        .resize = scaled / RB_PREPROCESS_CROP,
        .crop_height = height,
        .crop_width = width,
        .divisor = 255,
        .mean = {0.485f, 0.456f, 0.406f},
        .std = {0.229f, 0.224f, 0.225f},
    };
}

void rb_preprocess_fit(rb_preprocess *preprocess, int64_t height, int64_t width) {
    const int64_t before = preprocess->crop_height > preprocess->crop_width
                               ? preprocess->crop_height
                               : preprocess->crop_width;
    int64_t scaled;
    if (before > 0 && (preprocess->crop_height != height || preprocess->crop_width != width)) {
        if (!rb_mul_i64(height > width ? height : width, preprocess->resize, &scaled))
            scaled = 0;
        preprocess->resize = scaled / before;
    }
    preprocess->crop_height = height;
    preprocess->crop_width = width;
}

/* Numbers that make of 0 and 255, and so of everything between, finite values. */
static rb_status check_normalisation(const rb_preprocess *preprocess, rb_error *error) {
    if (!isfinite(preprocess->divisor) || !(preprocess->divisor > 0))
        return rb_fail(error, RB_ERR_USAGE, "a positive divisor is needed, found %g",
                       (double)preprocess->divisor);
    for (int c = 0; c < 3; c++) {
        const float mean = preprocess->mean[c], std = preprocess->std[c];
        if (!isfinite(mean) || !isfinite(std) || !(std > 0))
            return rb_fail(error, RB_ERR_USAGE,
                           "a finite mean and a positive std are needed for channel %d, found "
                           "mean %g and std %g",
                           c, (double)mean, (double)std);
        if (!isfinite((255.0f / preprocess->divisor - mean) / std) || !isfinite(mean / std))
            return rb_fail(error, RB_ERR_USAGE,
                           "divisor %g, mean %g and std %g of channel %d make infinite values",
                           (double)preprocess->divisor, (double)mean, (double)std, c);
    }
    return RB_OK;
}

rb_status rb_preprocess_check(const rb_preprocess *preprocess, rb_error *error) {
    int64_t pixels;
    if (preprocess->crop_height < 1 || preprocess->crop_width < 1 ||
        !rb_mul_i64(preprocess->crop_height, preprocess->crop_width, &pixels) ||
        pixels > RB_IMAGE_MAX_PIXELS)
        return rb_fail(error, RB_ERR_USAGE,
                       "a crop of 1 to %" PRId64 " pixels is needed, found %" PRId64 " x %" PRId64,
                       RB_IMAGE_MAX_PIXELS, preprocess->crop_height, preprocess->crop_width);
    if (preprocess->resize < 0 || preprocess->resize > RB_IMAGE_MAX_PIXELS)
        return rb_fail(error, RB_ERR_USAGE,
                       "a resize of the shorter side to 1 to %" PRId64
                       " pixels, or 0 for none, is needed, found %" PRId64,
                       RB_IMAGE_MAX_PIXELS, preprocess->resize);
    return check_normalisation(preprocess, error);
}

/* Where a crop begins: half of what is too much, a half rounded to the even neighbour as Python's
 * round does. */
static int64_t centre(int64_t size, int64_t crop) {
    const int64_t below = (size - crop) / 2;
    return (size - crop) % 2 == 1 && below % 2 == 1 ? below + 1 : below;
}

rb_status rb_preprocess_pixels(const rb_preprocess *preprocess, const char *name,
                               const rb_image *image, uint8_t *dst, rb_error *error) {
    rb_status status = rb_preprocess_check(preprocess, error);
    if (status != RB_OK)
        return status;
    const int64_t crop_height = preprocess->crop_height, crop_width = preprocess->crop_width;
    rb_image *resized = NULL;
    if (preprocess->resize > 0) {
        /* at most 10^8 each, so that the products are far from overflow */
        const int64_t size = preprocess->resize;
        const bool upright = image->height >= image->width;
        status =
            rb_image_resize(name, image, upright ? size * image->height / image->width : size,
                            upright ? size : size * image->width / image->height, &resized, error);
        if (status != RB_OK)
            return status;
        image = resized;
    }
    if (image->height < crop_height || image->width < crop_width) {
        status =
            rb_fail(error, RB_ERR_INPUT,
                    "%s: at least %" PRId64 " x %" PRId64 " pixels (height x width) are needed "
                    "for the crop%s, found %" PRId64 " x %" PRId64,
                    name, crop_height, crop_width, resized ? " after the resize" : "",
                    image->height, image->width);
        goto cleanup;
    }
    const int64_t top = centre(image->height, crop_height), left = centre(image->width, crop_width);
    for (int64_t y = 0; y < crop_height; y++)
        memcpy(dst + y * crop_width * 3, image->pixels + ((top + y) * image->width + left) * 3,
               (size_t)crop_width * 3);
cleanup:
    rb_image_destroy(resized);
    return status;
}

void rb_preprocess_normalise(const rb_preprocess *preprocess, const uint8_t *src, float *dst) {
    const int64_t plane = preprocess->crop_height * preprocess->crop_width;
    for (int c = 0; c < 3; c++) {
        float values[256];
        for (int v = 0; v < 256; v++)
            values[v] = ((float)v / preprocess->divisor - preprocess->mean[c]) / preprocess->std[c];
        const int channel = preprocess->bgr ? 2 - c : c;
        for (int64_t i = 0; i < plane; i++)
            dst[c * plane + i] = values[src[i * 3 + channel]];
    }
}

rb_status rb_preprocess_image(const rb_preprocess *preprocess, const char *name,
                              const rb_image *image, float *dst, rb_error *error) {
    rb_status status = rb_preprocess_check(preprocess, error);
    if (status != RB_OK)
        return status;
    uint8_t *pixels = malloc((size_t)(preprocess->crop_height * preprocess->crop_width) * 3);
    if (pixels)
        status = rb_preprocess_pixels(preprocess, name, image, pixels, error);
    else
        status = rb_fail(error, RB_ERR_MEMORY, "%s: no memory for its pixels", name);
    if (status == RB_OK)
        rb_preprocess_normalise(preprocess, pixels, dst);
    free(pixels);
    return status;
}

rb_status rb_preprocess_file(const rb_preprocess *preprocess, const char *path, float *dst,
                             rb_error *error) {
    rb_image *image = NULL;
    rb_status status = rb_preprocess_check(preprocess, error);
    if (status == RB_OK)
        status = rb_image_decode_file(path, &image, error);
    if (status == RB_OK)
        status = rb_preprocess_image(preprocess, path, image, dst, error);
    rb_image_destroy(image);
    return status;
}
