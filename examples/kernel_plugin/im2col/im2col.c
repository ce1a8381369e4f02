/* A kernel plug-in for resbench: convolution as a matrix product (Chellapilla et al. 2006).
 *
 * Of an image, the windows of a few output pixels at a time are copied into the columns of a matrix
 * (ic kh kw, pixels); the weights (oc, ic kh kw) times this matrix are these pixels of all output
 * channels. The product is BLAS's. Each thread takes its own pixels, with a BLAS that stays on the
 * thread: the columns are used while they are in its cache, and no memory grows with the image. */
#include <cblas.h>
#include <stdint.h>
#include <string.h>

#include "resbench/handshake.h"

#define MOST_PIXELS 256 /* columns of a matrix: 0.6 MiB at 64 channels of 3x3 */

/* BLAS libraries with threads of their own have one of these; weak, so that either may be absent.
 */
extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern void bli_thread_set_num_threads(int64_t threads) __attribute__((weak));
extern void MKL_Set_Num_Threads(int threads) __attribute__((weak));

static void keep_blas_on_one_thread(void) {
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (bli_thread_set_num_threads)
        bli_thread_set_num_threads(1);
    if (MKL_Set_Num_Threads)
        MKL_Set_Num_Threads(1);
}

/* What a convolution keeps from prepare to release. A plug-in names its own struct rb_prepared. */
struct rb_prepared {
    const rb_host *host;
    rb_conv2d conv;
    int64_t pixels;         /* columns of a matrix */
    const float *wei, *bia; /* the harness's: RB_KERNEL_KEEPS_WEIGHTS, for BLAS packs by itself */
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of the matrix: one for each value of a window. */
static int64_t window(const rb_conv2d *c) {
    return c->ic * c->kh * c->kw;
}

static rb_status prepare(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err) {
    (void)self;
    *prepared = NULL;
    const rb_status status = rb_kernel_handshake_check(host, conv, choice, err);
    if (status != RB_OK)
        return status;
    if (window(conv) > INT32_MAX || conv->oc > INT32_MAX || conv->oh * conv->ow > INT32_MAX)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "its sizes do not fit the int of CBLAS");
    /* All memory comes from the host, so that it is counted, and fenced by guards. */
    rb_prepared *p = host->alloc(host->ctx, RB_MEMORY_SCRATCH, sizeof *p);
    if (!p)
        return rb_fail(err, RB_ERR_MEMORY, "the host has no %zu bytes left", sizeof *p);
    /* Small planes are cut so that every thread has some. */
    const int64_t share = (conv->batch * conv->oh * conv->ow + host->threads - 1) / host->threads;
    *p = (rb_prepared){.host = host,
                       .conv = *conv,
                       .pixels = smaller(smaller(MOST_PIXELS, share), conv->oh * conv->ow),
                       .wei = wei,
                       .bia = bia};
    keep_blas_on_one_thread();
    choice->src = choice->dst = RB_LAYOUT_NCHW;
    choice->kernel = "im2col:sgemm";
    /* A matrix for each thread. Convolutions run one after the other and share this memory. */
    choice->scratch_bytes = host->threads * window(conv) * p->pixels * (int64_t)sizeof(float);
    *prepared = p;
    return RB_OK;
}

/* columns[(i, r, s)][k] = the source value under weight (i, r, s) at output pixel first + k. */
static void copy_windows(float *columns, const float *src, const rb_conv2d *c, int64_t first,
                         int64_t count) {
    for (int64_t row = 0; row < window(c); row++) {
        const int64_t i = row / (c->kh * c->kw), r = row / c->kw % c->kh, s = row % c->kw;
        const float *plane = src + i * c->ih * c->iw;
        float *out = columns + row * count;
        for (int64_t k = 0; k < count;) {
            const int64_t oy = (first + k) / c->ow, ox = (first + k) % c->ow;
            const int64_t end = smaller(count, k + c->ow - ox); /* of this row of output */
            const int64_t y = oy * c->stride_h + r - c->pad_top;
            int64_t x = ox * c->stride_w + s - c->pad_left;
            const float *line = plane + y * c->iw;
            if (y < 0 || y >= c->ih)
                memset(out + k, 0, (size_t)(end - k) * sizeof *out);
            else
                for (int64_t at = k; at < end; at++, x += c->stride_w)
                    out[at] = x >= 0 && x < c->iw ? line[x] : 0;
            k = end;
        }
    }
}

/* `count` pixels of one image, from `first` on; what BLAS has summed is completed in place. */
static void convolve(const rb_prepared *p, const float *src, const float *add, float *dst,
                     float *columns, int64_t first, int64_t count) {
    const rb_conv2d *c = &p->conv;
    const int64_t plane = c->oh * c->ow;
    copy_windows(columns, src, c, first, count);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)c->oc, (int)count, (int)window(c),
                1, p->wei, (int)window(c), columns, (int)count, 0, dst + first, (int)plane);
    for (int64_t o = 0; o < c->oc; o++)
        for (int64_t k = o * plane + first; k < o * plane + first + count; k++) {
            const float value = dst[k] + p->bia[o] + (add ? add[k] : 0);
            dst[k] = c->relu && value < 0 ? 0 : value; /* written so that NaN stays NaN */
        }
}

static rb_status run(rb_prepared *p, const float *src, const float *add, float *dst, void *scratch,
                     rb_error *err) {
    (void)err;
    const rb_conv2d *c = &p->conv;
    const int64_t plane = c->oh * c->ow, tiles = (plane + p->pixels - 1) / p->pixels;
    const int threads = p->host->threads; /* not omp_get_max_threads(): the harness decides */
#pragma omp parallel for num_threads(threads)
    for (int64_t thread = 0; thread < threads; thread++)
        for (int64_t t = thread; t < c->batch * tiles; t += threads) {
            const int64_t n = t / tiles, first = t % tiles * p->pixels;
            const int64_t out = n * c->oc * plane;
            convolve(p, src + n * c->ic * c->ih * c->iw, add ? add + out : NULL, dst + out,
                     (float *)scratch + thread * window(c) * p->pixels, first,
                     smaller(p->pixels, plane - first));
        }
    return RB_OK;
}

static void release(rb_prepared *p) {
    if (p)
        p->host->release(p->host->ctx, p);
}

const rb_kernel *rb_kernel_get(void) {
    static const rb_kernel table = {
        .abi = RB_ENGINE_ABI,
        .size = sizeof table,
        .name = "im2col",
        .version = "1.0 (" BLAS_NAME ")",
        .description = "windows into columns, then BLAS",
        .flags = RB_KERNEL_KEEPS_WEIGHTS,
        .prepare = prepare,
        .run = run,
        .release = release,
    };
    return &table;
}
