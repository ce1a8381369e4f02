/* The ABI of a kernel plug-in: one operation, a two-dimensional convolution, and nothing else.
 *
 * A kernel plug-in is a shared object that exports rb_kernel_get. It includes this header and links
 * nothing of ours. The harness makes an engine of it: batch norm is folded into weights and bias
 * before the plug-in sees them, values are brought into the layouts that it asks for, and pools,
 * fully connected layers and parameter-free shortcuts are the reference's.
 *
 * Life of a convolution, always from one thread at a time: prepare -> run ... -> release.
 * Every function returns RB_OK, or another status with one sentence in err. Plug-ins never print,
 * exit or abort. */
#ifndef RESBENCH_KERNEL_H
#define RESBENCH_KERNEL_H

#include "resbench/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RB_KERNEL_SYMBOL "rb_kernel_get"

/* How the values of a tensor (n, c, h, w) lie in memory, float32. In blocks, channels are padded to
 * a whole block with zeros, which a kernel may rely on in src and must write in dst. */
typedef enum rb_layout {
    RB_LAYOUT_NCHW = 1,
    RB_LAYOUT_NHWC = 2,
    RB_LAYOUT_NCHW8C = 3, /* (n, ceil(c / 8), h, w, 8) */
    RB_LAYOUT_NCHW16C = 4 /* (n, ceil(c / 16), h, w, 16) */
} rb_layout;

/* dst[n][o][y][x] = relu(bia[o] + add[n][o][y][x] + sum over i, r, s of
 *   wei[o][i][r][s] src[n][i][y stride_h + r - pad_top][x stride_w + s - pad_left])
 * with src 0 outside its plane; cross-correlation, He et al. 2015, section 3.3. */
typedef struct rb_conv2d {
    uint32_t size;    /* sizeof(rb_conv2d) of the harness */
    int32_t add;      /* 1: add is given to run; 0: it is NULL, and nothing is added */
    int32_t relu;     /* 1: max(0, x) as the last step */
    int32_t reserved; /* 0 */
    int64_t batch;
    int64_t ic, ih, iw; /* source: (batch, ic, ih, iw) */
    int64_t oc, oh, ow; /* destination: (batch, oc, oh, ow) */
    int64_t kh, kw, stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
} rb_conv2d;

typedef struct rb_prepared rb_prepared; /* the plug-in's own */

/* What prepare tells of the convolution it has prepared; the harness has filled in size, NCHW and
 * RB_ALGORITHM_DIRECT, and "" as the name. */
typedef struct rb_kernel_choice {
    uint32_t size;          /* sizeof(rb_kernel_choice) of the harness */
    rb_layout src, dst;     /* that run reads and writes; add lies like dst */
    rb_algorithm algorithm; /* the rule of its sums: decides which limits hold */
    const char *kernel;     /* its name and instruction set, "im2col:avx2"; lives until release */
} rb_kernel_choice;

typedef struct rb_kernel rb_kernel;

struct rb_kernel {
    uint32_t abi;  /* RB_ENGINE_ABI the plug-in was built with: both headers share the version */
    uint32_t size; /* sizeof(rb_kernel) the plug-in was built with */
    const char *name;
    const char *version;
    const char *description;
    uint32_t flags; /* RB_ENGINE_KEEPS_WEIGHTS: wei and bia stay where they are until release */

    /* self: this table. host lives until release; what is taken from it is counted. wei (oc, ic,
     * kh, kw) and bia (oc) float32, batch norm folded in, never NULL; valid during prepare only
     * (but see flags). RB_ERR_UNSUPPORTED: not this shape. On error *prepared is NULL and nothing
     * is held. */
    rb_status (*prepare)(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err);

    /* src, add and dst in the layouts of the choice, RB_ALIGNMENT-aligned; src and add are not
     * modified; none overlap. Uses host->threads threads. Must not allocate. */
    rb_status (*run)(rb_prepared *prepared, const float *src, const float *add, float *dst,
                     rb_error *err);

    void (*release)(rb_prepared *prepared); /* NULL is fine */
};

/* The exported function: a table that lives as long as the shared object. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const rb_kernel *
rb_kernel_get(void);

#ifdef __cplusplus
}
#endif

#endif
