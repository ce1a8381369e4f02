/* A kernel plug-in for resbench: direct convolution on blocks of channels.
 *
 * dst lies as (n, blocks, h, w, LANES): the channels of a block are one vector register. A tile of
 * PIXELS neighbours in a row times BLOCKS such vectors is summed in registers: for every weight
 * position the tile loads BLOCKS vectors of weights, and multiplies each by a value of src at every
 * pixel. For this the weights are repacked once, in prepare, into the order in which they are read.
 * What bounds the tile are the registers: BLOCKS (PIXELS + 1) vectors and one for the value. */
#include <stdint.h>
#include <string.h>

#include "resbench/handshake.h"

#if defined(__AVX512F__) /* 32 registers of 16 floats */
#define LANES 16
#define LAYOUT RB_LAYOUT_NCHW16C
#define PIXELS 14 /* divides the widths 112, 56, 28 and 14 of a ResNet */
#define FEWER 7   /* what is left of a row, and all of a row of 7 */
#define KERNEL "blocked:avx512"
#else /* 16 registers of 8 floats, as in AVX2; right everywhere, quick there */
#define LANES 8
#define LAYOUT RB_LAYOUT_NCHW8C
#define PIXELS 6
#define FEWER 4
#define KERNEL "blocked:8"
#endif
#define BLOCKS 2

/* Loops over the tile must go, or its sums would live in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define foreach(i, count) UNROLL for (int i = 0; i < (count); i++)

/* The compiler's own vectors: operators work lane by lane, on whatever registers there are. */
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));

struct rb_prepared {
    const rb_host *host;
    rb_conv2d conv;
    int64_t src_lanes;     /* channels side by side in src: LANES, or all of a source with fewer */
    int64_t height, width; /* of the source with its padding */
    lanes *wei;            /* (blocks of oc, ic, kh, kw), channels of a block of src innermost */
    lanes *bia;            /* (blocks of oc) */
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t blocks_of(int64_t channels, int64_t width) {
    return (channels + width - 1) / width;
}

/* Weights (oc, ic, kh, kw) -> (blocks of oc, blocks of ic, kh, kw, channels of the block), a vector
 * of LANES output channels each; 0 for those beyond oc, so that their sums are 0, as they must. */
static void repack(const rb_prepared *p, const float *wei, const float *bia) {
    const rb_conv2d *c = &p->conv;
    lanes *out = p->wei;
    for (int64_t block = 0; block < blocks_of(c->oc, LANES); block++) {
        for (int64_t lane = 0; lane < LANES; lane++)
            p->bia[block][lane] = block * LANES + lane < c->oc ? bia[block * LANES + lane] : 0;
        for (int64_t first = 0; first < c->ic; first += p->src_lanes)
            for (int64_t at = 0; at < c->kh * c->kw; at++)
                for (int64_t i = first; i < smaller(first + p->src_lanes, c->ic); i++, out++)
                    for (int64_t lane = 0; lane < LANES; lane++) {
                        const int64_t o = block * LANES + lane;
                        (*out)[lane] = o < c->oc ? wei[(o * c->ic + i) * c->kh * c->kw + at] : 0;
                    }
    }
}

static int is_padded(const rb_conv2d *c) {
    return c->pad_top || c->pad_left || c->pad_bottom || c->pad_right;
}

static void release(rb_prepared *p) {
    if (!p)
        return;
    const rb_host *host = p->host;
    host->release(host->ctx, p->wei);
    host->release(host->ctx, p->bia);
    host->release(host->ctx, p);
}

static rb_status prepare(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err) {
    (void)self;
    *prepared = NULL;
    const rb_status status = rb_kernel_handshake_check(host, conv, choice, err);
    if (status != RB_OK)
        return status;
    const int64_t blocks = blocks_of(conv->oc, LANES);
    rb_prepared *p = host->alloc(host->ctx, RB_MEMORY_SCRATCH, sizeof *p);
    if (!p)
        return rb_fail(err, RB_ERR_MEMORY, "the host has no %zu bytes left", sizeof *p);
    *p = (rb_prepared){.host = host,
                       .conv = *conv,
                       .src_lanes = smaller(conv->ic, LANES),
                       .height = conv->pad_top + conv->ih + conv->pad_bottom,
                       .width = conv->pad_left + conv->iw + conv->pad_right};
    const size_t vectors = (size_t)(blocks * conv->ic * conv->kh * conv->kw);
    p->wei = host->alloc(host->ctx, RB_MEMORY_WEIGHTS, vectors * sizeof(lanes));
    p->bia = host->alloc(host->ctx, RB_MEMORY_WEIGHTS, (size_t)blocks * sizeof(lanes));
    if (!p->wei || !p->bia) {
        release(p); /* on error nothing may be held */
        return rb_fail(err, RB_ERR_MEMORY, "the host has no memory for the weights");
    }
    repack(p, wei, bia);
    /* A block of three colours would be mostly padding: there the channels alone are the block. */
    choice->src = conv->ic < LANES ? RB_LAYOUT_NHWC : LAYOUT;
    choice->dst = LAYOUT;
    choice->kernel = KERNEL;
    if (is_padded(conv)) /* one image, copied between its margins */
        choice->scratch_bytes = blocks_of(conv->ic, p->src_lanes) * p->height * p->width *
                                p->src_lanes * (int64_t)sizeof(float);
    *prepared = p;
    return RB_OK;
}

/* Row y (margins counted) of block b of an image, between its margins. */
static void pad_row(const rb_prepared *p, float *padded, const float *src, int64_t b, int64_t y) {
    const rb_conv2d *c = &p->conv;
    const int64_t n = p->src_lanes, ih = y - c->pad_top;
    float *row = padded + (b * p->height + y) * p->width * n;
    memset(row, 0, (size_t)(p->width * n) * sizeof *row);
    if (ih >= 0 && ih < c->ih)
        memcpy(row + c->pad_left * n, src + (b * c->ih + ih) * c->iw * n,
               (size_t)(c->iw * n) * sizeof *row);
}

/* The tile: `pixels` neighbours of `blocks` blocks, from src (its first window's corner) to dst.
 * Inlined with constants for both, so that sum stays in registers. */
static inline __attribute__((always_inline)) void tile(const rb_prepared *p, int pixels, int blocks,
                                                       const float *corner, const lanes *wei,
                                                       const lanes *bia, const lanes *add,
                                                       lanes *dst) {
    const rb_conv2d *c = &p->conv;
    const int64_t weights = c->ic * c->kh * c->kw, plane = c->oh * c->ow;
    const int64_t step = c->stride_w * p->src_lanes;
    lanes sum[BLOCKS][PIXELS];
    foreach (b, blocks)
        foreach (x, pixels)
            sum[b][x] = (lanes){0};
    for (int64_t first = 0; first < c->ic;
         first += p->src_lanes, corner += p->height * p->width * p->src_lanes) {
        const int64_t channels = smaller(p->src_lanes, c->ic - first);
        for (int64_t r = 0; r < c->kh; r++)
            for (int64_t s = 0; s < c->kw; s++) {
                const float *src = corner + (r * p->width + s) * p->src_lanes;
                for (int64_t i = 0; i < channels; i++, wei++) {
                    lanes w[BLOCKS];
                    foreach (b, blocks)
                        w[b] = wei[b * weights];
                    foreach (x, pixels) {
                        const float value = src[x * step + i];
                        foreach (b, blocks)
                            sum[b][x] += w[b] * value;
                    }
                }
            }
    }
    foreach (b, blocks)
        foreach (x, pixels) {
            lanes value = sum[b][x] + bia[b];
            if (add)
                value += add[b * plane + x];
            if (c->relu) /* all bits of a lane below 0 are cleared; NaN is not below 0 and stays */
                value = (lanes)((mask)value & ~(value < 0));
            dst[b * plane + x] = value;
        }
}

/* One row of `blocks` blocks, in the widest tiles that fit. */
static inline __attribute__((always_inline)) void row(const rb_prepared *p, int blocks,
                                                      const float *src, const lanes *wei,
                                                      const lanes *bia, const lanes *add,
                                                      lanes *dst) {
    const int64_t ow = p->conv.ow, step = p->conv.stride_w * p->src_lanes;
    for (int64_t x = 0; x < ow;) {
        const float *corner = src + x * step;
        const lanes *added = add ? add + x : NULL;
        const int64_t left = ow - x;
        if (left >= PIXELS)
            tile(p, PIXELS, blocks, corner, wei, bia, added, dst + x);
        else if (left >= FEWER)
            tile(p, FEWER, blocks, corner, wei, bia, added, dst + x);
        else if (left >= 2)
            tile(p, 2, blocks, corner, wei, bia, added, dst + x);
        else
            tile(p, 1, blocks, corner, wei, bia, added, dst + x);
        x += left >= PIXELS ? PIXELS : left >= FEWER ? FEWER : left >= 2 ? 2 : 1;
    }
}

/* Row y of the blocks from b on: BLOCKS of them, or the one that is left. */
static void rows(const rb_prepared *p, const float *src, const lanes *add, lanes *dst, int64_t b,
                 int64_t y) {
    const rb_conv2d *c = &p->conv;
    const int64_t out = (b * c->oh + y) * c->ow;
    const float *from = src + y * c->stride_h * p->width * p->src_lanes;
    const lanes *wei = p->wei + b * c->ic * c->kh * c->kw;
    const lanes *added = add ? add + out : NULL;
    if (b + BLOCKS <= blocks_of(c->oc, LANES))
        row(p, BLOCKS, from, wei, p->bia + b, added, dst + out);
    else
        row(p, 1, from, wei, p->bia + b, added, dst + out);
}

static rb_status run(rb_prepared *p, const float *src, const float *add, float *dst, void *scratch,
                     rb_error *err) {
    (void)err;
    const rb_conv2d *c = &p->conv;
    const int64_t in_blocks = blocks_of(c->ic, p->src_lanes), blocks = blocks_of(c->oc, LANES);
    const int64_t in = in_blocks * c->ih * c->iw * p->src_lanes, out = blocks * c->oh * c->ow;
    const int threads = p->host->threads; /* not omp_get_max_threads(): the harness decides */
#pragma omp parallel num_threads(threads)
    for (int64_t n = 0; n < c->batch; n++) {
        const float *image = src + n * in;
        if (is_padded(c)) {
#pragma omp for collapse(2)
            for (int64_t b = 0; b < in_blocks; b++)
                for (int64_t y = 0; y < p->height; y++)
                    pad_row(p, scratch, src + n * in, b, y);
            image = scratch;
        }
#pragma omp for collapse(2)
        for (int64_t b = 0; b < blocks; b += BLOCKS)
            for (int64_t y = 0; y < c->oh; y++)
                rows(p, image, add ? (const lanes *)add + n * out : NULL, (lanes *)dst + n * out, b,
                     y);
    } /* each `omp for` ends with a barrier: the margins are ready, the next image may overwrite */
    return RB_OK;
}

const rb_kernel *rb_kernel_get(void) {
    static const rb_kernel table = {
        .abi = RB_ENGINE_ABI,
        .size = sizeof table,
        .name = "blocked",
        .version = "1.0",
        .description = "direct convolution on blocks of channels",
        .prepare = prepare,
        .run = run,
        .release = release,
    };
    return &table;
}
