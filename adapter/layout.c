#include "layout.h"

#define TILE_CHANNELS 16
#define TILE_PIXELS 128 /* a tile of both sides fits the first cache */

static int64_t lanes_of(rb_layout layout, int64_t channels) {
    switch (layout) {
    case RB_LAYOUT_NCHW:
        return 1;
    case RB_LAYOUT_NHWC:
        return channels;
    case RB_LAYOUT_NCHW8C:
        return 8;
    case RB_LAYOUT_NCHW16C:
        return 16;
    }
    return 0;
}

bool rb_layout_is_known(rb_layout layout) {
    return lanes_of(layout, 1) > 0;
}

static int64_t padded_channels(rb_layout layout, int64_t channels) {
    const int64_t lanes = lanes_of(layout, channels);
    return (channels + lanes - 1) / lanes * lanes;
}

int64_t rb_layout_elements(rb_layout layout, rb_shape shape) {
    return shape.n * padded_channels(layout, shape.c) * shape.plane;
}

bool rb_layout_same(rb_layout a, rb_layout b, rb_shape shape) {
    return padded_channels(a, shape.c) == padded_channels(b, shape.c) &&
           (lanes_of(a, shape.c) == lanes_of(b, shape.c) || shape.plane == 1);
}

/* Where channel c of image n begins; its pixels are `lanes` apart. */
static int64_t offset_of(rb_layout layout, rb_shape shape, int64_t n, int64_t c) {
    const int64_t lanes = lanes_of(layout, shape.c);
    return (n * padded_channels(layout, shape.c) + c / lanes * lanes) * shape.plane + c % lanes;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Channels c .. and pixels p .. of one image. */
static void reorder_tile(rb_layout to, float *dst, rb_layout from, const float *src, rb_shape shape,
                         int64_t n, int64_t c, int64_t p) {
    const int64_t to_lanes = lanes_of(to, shape.c), from_lanes = lanes_of(from, shape.c);
    const int64_t channels = smaller(TILE_CHANNELS, padded_channels(to, shape.c) - c);
    const int64_t pixels = smaller(TILE_PIXELS, shape.plane - p);
    for (int64_t k = c; k < c + channels; k++) {
        float *out = dst + offset_of(to, shape, n, k) + p * to_lanes;
        if (k >= shape.c) {
            for (int64_t i = 0; i < pixels; i++)
                out[i * to_lanes] = 0;
            continue;
        }
        const float *in = src + offset_of(from, shape, n, k) + p * from_lanes;
        for (int64_t i = 0; i < pixels; i++)
            out[i * to_lanes] = in[i * from_lanes];
    }
}

void rb_layout_reorder(rb_layout to, float *dst, rb_layout from, const float *src, rb_shape shape,
                       int threads) {
    (void)threads; /* without OpenMP */
#pragma omp parallel for collapse(3) num_threads(threads)
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < padded_channels(to, shape.c); c += TILE_CHANNELS)
            for (int64_t p = 0; p < shape.plane; p += TILE_PIXELS)
                reorder_tile(to, dst, from, src, shape, n, c, p);
}

bool rb_layout_padding_is_zero(rb_layout layout, const float *values, rb_shape shape) {
    const int64_t lanes = lanes_of(layout, shape.c);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = shape.c; c < padded_channels(layout, shape.c); c++) {
            const float *channel = values + offset_of(layout, shape, n, c);
            for (int64_t p = 0; p < shape.plane; p++)
                if (!(channel[p * lanes] == 0))
                    return false;
        }
    return true;
}
