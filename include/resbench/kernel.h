/* The ABI of a kernel plug-in: one operation, a two-dimensional convolution, and nothing else.
 * It shares the version of engine.h, and what is said there of threads, errors, NaN and of what is
 * checked holds here as well. docs/plugins.md shows how to write one.
 *
 * A kernel plug-in is a shared object that exports rb_kernel_get. It includes the headers in
 * resbench/ and links nothing of resbench's. resbench makes an engine of it: batch norm is folded
 * into weights and bias before the plug-in sees them, values are brought into the layouts that it
 * asks for, and pools, fully connected layers and parameter-free shortcuts are the reference's.
 *
 * Life of a convolution, called by one thread at a time: prepare -> run, run ... -> release. */
#ifndef RESBENCH_KERNEL_H
#define RESBENCH_KERNEL_H

#include "resbench/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RB_KERNEL_SYMBOL "rb_kernel_get"

/* How the values of a tensor (n, c, h, w) lie in memory, float32. In blocks, channels are padded to
 * a whole block with zeros, which a kernel may rely on in src and add and must write in dst. */
typedef enum rb_layout {
    RB_LAYOUT_NCHW = 1,
    RB_LAYOUT_NHWC = 2,
    RB_LAYOUT_NCHW8C = 3, /* (n, ceil(c / 8), h, w, 8) */
    RB_LAYOUT_NCHW16C = 4 /* (n, ceil(c / 16), h, w, 16) */
} rb_layout;
RB_ASSERT_WIDTH(rb_layout);

/* dst[n][o][y][x] = relu(bia[o] + add[n][o][y][x] + sum over i, r, s of
 *   wei[o][i][r][s] src[n][i][y stride_h + r - pad_top][x stride_w + s - pad_left])
 * with src 0 outside its plane; cross-correlation, He et al. 2015, section 3.3.
 * oh = (pad_top + ih + pad_bottom - kh) / stride_h + 1, and so for ow; paddings may differ. */
typedef struct rb_conv2d {
    uint32_t size;        /* sizeof(rb_conv2d) of the harness */
    uint32_t reserved;    /* 0 */
    int32_t add;          /* 1: add is given to run; 0: it is NULL, and nothing is added */
    int32_t relu;         /* 1: max(0, x) as the last step; 0: no such step */
    rb_layout src_layout; /* how src lies before the plug-in chooses: the same costs no reorder */
    rb_layout add_layout; /* the same of add; RB_LAYOUT_NCHW where there is none */
    int64_t batch;
    int64_t ic, ih, iw; /* source: (batch, ic, ih, iw) */
    int64_t oc, oh, ow; /* destination: (batch, oc, oh, ow) */
    int64_t kh, kw, stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t reserved_extents[4]; /* 0; what is not asks for something newer than this header */
} rb_conv2d;

typedef struct rb_prepared rb_prepared; /* the plug-in's own */

/* What prepare tells of the convolution it has prepared. The harness has filled it in as said. */
typedef struct rb_kernel_choice {
    uint32_t size;          /* sizeof(rb_kernel_choice) of the harness */
    uint32_t reserved;      /* 0 */
    rb_layout src, dst;     /* NCHW: that run reads and writes; add lies like dst */
    rb_algorithm algorithm; /* RB_ALGORITHM_DIRECT: decides which limits hold */
    int32_t reserved_word;  /* 0 */
    const char *kernel;     /* "": name and instruction set, "im2col:avx2"; lives until release */
    int64_t scratch_bytes;  /* 0: work space of a run, which all convolutions share */
    int64_t reserved_values[1]; /* 0 */
    int64_t executed_macs;      /* 0: not told; as rb_engine.executed_macs tells it */
} rb_kernel_choice;

/* Bits of rb_kernel.flags. */
#define RB_KERNEL_KEEPS_WEIGHTS 1u /* wei and bia stay where they are until release */
#define RB_KERNEL_PARTIAL 2u       /* in a network, the reference may do what prepare refuses */
#define RB_KERNEL_FLAGS 3u         /* all that this header knows */

typedef struct rb_kernel rb_kernel;

struct rb_kernel {
    uint32_t abi;  /* RB_ENGINE_ABI the plug-in was built with: both headers share the version */
    uint32_t size; /* sizeof(rb_kernel) the plug-in was built with */
    const char *name;
    const char *version; /* of the plug-in and of the library under it */
    const char *description;
    uint32_t flags;    /* RB_KERNEL_* */
    uint32_t reserved; /* 0 */

    /* self: this table. host lives until release; what is taken from it is counted. wei (oc, ic,
     * kh, kw) and bia (oc) float32, RB_ALIGNMENT-aligned, batch norm folded in, never NULL; valid
     * during prepare only (but see RB_KERNEL_KEEPS_WEIGHTS). handshake.h refuses what a plug-in
     * cannot understand. RB_ERR_UNSUPPORTED: not this convolution; then the network is refused, or
     * the reference does this one (RB_KERNEL_PARTIAL). On error *prepared is NULL and nothing is
     * held. */
    rb_status (*prepare)(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err);

    /* src, add and dst in the layouts of the choice; src and add are not modified. scratch: the
     * bytes that the choice asks for, contents undefined; NULL for 0. All are RB_ALIGNMENT-aligned,
     * none overlap, and they may be others in the next call. Must not allocate. */
    rb_status (*run)(rb_prepared *prepared, const float *src, const float *add, float *dst,
                     void *scratch, rb_error *err);

    void (*release)(rb_prepared *prepared); /* NULL is fine */

    void *reserved_members[4]; /* NULL */
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
