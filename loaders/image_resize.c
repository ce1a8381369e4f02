#include "loaders/image_resize.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "resbench/checked.h"

/* The weights of one axis are fixed-point integers of 22 fraction bits: the 8 bits of a pixel
 * and 2 bits of head room fill an int32. A pass starts at one half, so that the final shift
 * rounds, and is clipped to 0..255; the second pass reads the first's 8-bit result. */
#define WEIGHT_BITS 22
#define ONE_HALF (1 << (WEIGHT_BITS - 1))

typedef struct axis_filter {
    int64_t taps;     /* room for weights per output pixel */
    int32_t *weights; /* (outputs, taps); those past size are unset */
    int32_t *first;   /* (outputs) first input pixel */
    int32_t *size;    /* (outputs) number of input pixels */
} axis_filter;

static void filter_release(axis_filter *filter) {
    free(filter->weights);
    free(filter->first);
    free(filter->size);
    *filter = (axis_filter){0};
}

/* Output pixel i covers the input around c = (i + 1/2) s, s = inputs / outputs. The weight of
 * input pixel j, whose centre is j + 1/2, is the triangle max(0, 1 - |j + 1/2 - c| / r) with
 * radius r = max(s, 1), scaled to sum 1. All in double, in the order of operations that
 * Pillow has, because the last bit decides how a weight is rounded. */
static void filter_row(axis_filter *filter, double *exact, int64_t i, int64_t inputs,
                       double scale) {
    const double radius = scale < 1.0 ? 1.0 : scale;
    const double centre = ((double)i + 0.5) * scale;
    const double inverse = 1.0 / radius;
    int64_t first = (int64_t)(centre - radius + 0.5), last = (int64_t)(centre + radius + 0.5);
    first = first < 0 ? 0 : first;
    last = last > inputs ? inputs : last;
    double sum = 0.0;
    for (int64_t j = first; j < last; j++) {
        const double distance = fabs(((double)j - centre + 0.5) * inverse);
        exact[j - first] = distance < 1.0 ? 1.0 - distance : 0.0;
        sum += exact[j - first];
    }
    for (int64_t j = first; j < last; j++) {
        const double weight = sum != 0.0 ? exact[j - first] / sum : exact[j - first];
        filter->weights[i * filter->taps + j - first] =
            (int32_t)(0.5 + weight * (double)(1 << WEIGHT_BITS));
    }
    filter->first[i] = (int32_t)first;
    filter->size[i] = (int32_t)(last - first);
}

static rb_status filter_create(const char *name, int64_t inputs, int64_t outputs,
                               axis_filter *filter, rb_error *error) {
    const double scale = (double)inputs / (double)outputs;
    *filter = (axis_filter){.taps = (int64_t)ceil(scale < 1.0 ? 1.0 : scale) * 2 + 1};
    /* taps * outputs is at most 2 inputs + 5 outputs, far from overflow below 10^8 pixels */
    filter->weights = malloc((size_t)(filter->taps * outputs) * sizeof *filter->weights);
    filter->first = malloc((size_t)outputs * sizeof *filter->first);
    filter->size = malloc((size_t)outputs * sizeof *filter->size);
    double *exact = malloc((size_t)filter->taps * sizeof *exact);
    if (!filter->weights || !filter->first || !filter->size || !exact) {
        filter_release(filter);
        free(exact);
        return rb_fail(error, RB_ERR_MEMORY, "%s: no memory for resizing", name);
    }
    for (int64_t i = 0; i < outputs; i++)
        filter_row(filter, exact, i, inputs, scale);
    free(exact);
    return RB_OK;
}

static uint8_t to_byte(int32_t sum) {
    const int32_t value = sum >> WEIGHT_BITS; /* arithmetic shift: rounds down, also below 0 */
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* src (rows, src->width, 3) -> dst (rows, dst->width, 3); the sum runs left to right. */
static void resize_rows(const rb_image *src, const axis_filter *filter, rb_image *dst) {
    for (int64_t y = 0; y < src->height; y++) {
        const uint8_t *line = src->pixels + y * src->width * 3;
        uint8_t *out = dst->pixels + y * dst->width * 3;
        for (int64_t x = 0; x < dst->width; x++, out += 3) {
            const uint8_t *pixel = line + (int64_t)filter->first[x] * 3;
            const int32_t *weight = filter->weights + x * filter->taps;
            int32_t red = ONE_HALF, green = ONE_HALF, blue = ONE_HALF;
            for (int32_t k = 0; k < filter->size[x]; k++, pixel += 3) {
                red += pixel[0] * weight[k];
                green += pixel[1] * weight[k];
                blue += pixel[2] * weight[k];
            }
            out[0] = to_byte(red);
            out[1] = to_byte(green);
            out[2] = to_byte(blue);
        }
    }
}

/* src (src->height, columns, 3) -> dst (dst->height, columns, 3); the sum runs downwards, one
 * input row at a time into sums, (columns, 3). */
static void resize_columns(const rb_image *src, const axis_filter *filter, int32_t *sums,
                           rb_image *dst) {
    const int64_t count = src->width * 3;
    for (int64_t y = 0; y < dst->height; y++) {
        const int32_t *weights = filter->weights + y * filter->taps;
        for (int64_t i = 0; i < count; i++)
            sums[i] = ONE_HALF;
        for (int32_t k = 0; k < filter->size[y]; k++) {
            const uint8_t *line = src->pixels + ((int64_t)filter->first[y] + k) * count;
            const int32_t weight = weights[k];
            for (int64_t i = 0; i < count; i++)
                sums[i] += line[i] * weight;
        }
        uint8_t *out = dst->pixels + y * count;
        for (int64_t i = 0; i < count; i++)
            out[i] = to_byte(sums[i]);
    }
}

/* One pass: horizontal when the height stays, vertical when the width stays. */
static rb_status resize_axis(const char *name, const rb_image *src, int64_t height, int64_t width,
                             rb_image **dst, rb_error *error) {
    const bool vertical = height != src->height;
    axis_filter filter = {0};
    int32_t *sums = NULL;
    rb_status status = rb_image_create(name, height, width, dst, error);
    if (status == RB_OK)
        status = filter_create(name, vertical ? src->height : src->width, vertical ? height : width,
                               &filter, error);
    if (status != RB_OK)
        goto cleanup;
    if (!vertical) {
        resize_rows(src, &filter, *dst);
        goto cleanup;
    }
    sums = malloc((size_t)width * 3 * sizeof *sums);
    if (sums)
        resize_columns(src, &filter, sums, *dst);
    else
        status = rb_fail(error, RB_ERR_MEMORY, "%s: no memory for resizing", name);
cleanup:
    if (status != RB_OK) {
        rb_image_destroy(*dst);
        *dst = NULL;
    }
    filter_release(&filter);
    free(sums);
    return status;
}

rb_status rb_image_resize(const char *name, const rb_image *src, int64_t height, int64_t width,
                          rb_image **dst, rb_error *error) {
    *dst = NULL;
    int64_t pixels;
    if (height < 1 || width < 1 || !rb_mul_i64(height, width, &pixels) ||
        pixels > RB_IMAGE_MAX_PIXELS)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: 1 to %" PRId64 " pixels are possible after the resize, %" PRId64
                       " wide and %" PRId64 " high were asked of an image %" PRId64
                       " wide and %" PRId64 " high",
                       name, RB_IMAGE_MAX_PIXELS, width, height, src->width, src->height);
    rb_image *between = NULL;
    rb_status status = RB_OK;
    const rb_image *wide = src;
    if (width != src->width) {
        status = resize_axis(name, src, src->height, width, &between, error);
        wide = between;
    }
    if (status == RB_OK && height != src->height) {
        status = resize_axis(name, wide, height, width, dst, error);
    } else if (status == RB_OK && between) {
        *dst = between;
        between = NULL;
    } else if (status == RB_OK) {
        status = rb_image_create(name, height, width, dst, error);
        if (status == RB_OK)
            memcpy((*dst)->pixels, src->pixels, (size_t)pixels * 3);
    }
    rb_image_destroy(between);
    return status;
}
