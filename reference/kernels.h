/* The layers of a residual network, each as the plain definition: one function a layer.
 *
 * The sources of this directory are compiled twice, with RB_REAL=float (engine `reference`)
 * and RB_REAL=double (engine `oracle`). Sizes are those of a graph's node; shapes are
 * (n, c, h, w) in C order. No function allocates or fails. Every output element is computed
 * by one thread with operations in a fixed order and without fused multiply-add, so the bits
 * depend neither on the number of threads nor on the instruction set.
 * Cost is given as m, the multiply-adds, or e, the elements of dst. */
#ifndef REFERENCE_KERNELS_H
#define REFERENCE_KERNELS_H

#include <stdint.h>

#include "resbench/graph.h"

typedef RB_REAL rb_real;

/* Output channels computed side by side, one per lane: 16 floats or 8 doubles. */
#define RB_LANES ((int64_t)(64 / sizeof(rb_real)))
typedef rb_real rb_lanes __attribute__((vector_size(64)));

/* Output columns computed side by side. 7 divides the widths 112, 56, 28, 14 and 7 of an
 * ImageNet network, and 7 accumulators of 64 bytes fit the registers of AVX2 as of AVX-512. */
#define RB_TILE 7

/* Blocks of RB_LANES output channels; the last one may be partly empty. */
static inline int64_t rb_lane_blocks(int64_t oc) {
    return (oc + RB_LANES - 1) / RB_LANES;
}

/* Weights (oc, k) -> (blocks of oc, k, RB_LANES), lanes past oc are 0. k is ic*kh*kw of a
 * convolution or ic of a fully connected layer. dst holds rb_lane_blocks(oc) * k lanes. */
void rb_ref_pack(rb_lanes *dst, const float *src, int64_t oc, int64_t k);

/* Elements rb_ref_conv needs at `padded`; the node's padded plane must not overflow int64_t. */
int64_t rb_ref_conv_padded_elements(const rb_node *node);

/* Convolution (cross-correlation), He et al. 2015, section 3.3:
 *   dst[n][oc][oh][ow] = sum over ic, kh, kw of
 *       wei[oc][ic][kh][kw] * src[n][ic][oh*stride_h + kh - pad_top][ow*stride_w + kw - pad_left]
 *   + bia[oc], where src is 0 outside its plane and bia, which may be NULL, is added last.
 * Order: one serial sum, ic slowest, kw fastest. src (n, ic, ih, iw), dst (n, oc, oh, ow), wei
 * packed, bia (oc). `padded` is work space; nothing overlaps. m = n*oc*oh*ow*ic*kh*kw. */
void rb_ref_conv(rb_real *dst, const rb_real *src, const rb_lanes *wei, const rb_real *bia,
                 rb_real *padded, const rb_node *node, int64_t batch, int threads);

/* Multiply-adds that are computed for a node: whole tiles of columns and whole blocks of lanes. */
int64_t rb_ref_node_macs(const rb_node *node, int64_t batch);

/* rb_ref_conv's algorithm and the instruction set it uses on this machine: "direct:avx2". */
const char *rb_ref_conv_kernel(void);

typedef struct rb_batch_norm {
    const rb_real *weight, *bias, *mean, *var; /* gamma, beta and the running statistics */
    double epsilon;
} rb_batch_norm;

/* Batch normalisation at inference, Ioffe and Szegedy 2015, algorithm 2:
 *   x[n][c][h][w] = (x - mean[c]) / sqrt(var[c] + epsilon) * weight[c] + bias[c]
 * in this order; the square root in double, rounded once. In place. x (n, oc, oh, ow).
 * e divisions and multiplications, 2 e additions. */
void rb_ref_batch_norm(rb_real *x, const rb_batch_norm *bn, const rb_node *node, int64_t batch,
                       int threads);

/* The shortcut, He et al. 2015, equations 1 and 2: x = x + shortcut. In place; the two do not
 * overlap. Both hold `count` elements. The shortcut is the block's source (identity) or
 * another convolution of it (projection); which one is the graph's business. */
void rb_ref_add(rb_real *x, const rb_real *shortcut, int64_t count, int threads);

/* Rectifier: x = max(0, x), in place; NaN stays NaN. */
void rb_ref_relu(rb_real *x, int64_t count, int threads);

/* Max-pool, He et al. 2015, table 1 (conv2_x):
 *   dst[n][c][oh][ow] = max over kh, kw of src[n][c][oh*stride_h + kh - pad_top][...]
 * over the elements inside the plane: padding never wins. A NaN in the window is the result, a
 * window without elements gives -infinity. src (n, c, ih, iw), dst (n, c, oh, ow), apart.
 * e*kh*kw comparisons. */
void rb_ref_max_pool(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                     int threads);

/* Global average pool, He et al. 2015, section 3.3: dst[n][c] = (sum over h, w of
 * src[n][c][h][w]) / (ih*iw). Order: row by row, one serial sum. src (n, c, ih, iw), dst
 * (n, c, 1, 1), apart. e*ih*iw additions. */
void rb_ref_average_pool(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                         int threads);

/* Parameter-free shortcut, He et al. 2015, section 3.3, option A: dst[n][c][y][x] =
 * src[n][c - (oc-ic)/2][y*stride_h][x*stride_w], 0 for the channels src does not have. src
 * (n, c, ih, iw), dst (n, c, oh, ow), apart. No arithmetic. */
void rb_ref_shortcut(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                     int threads);

/* Fully connected layer: dst[n][oc] = (sum over ic of wei[oc][ic] * src[n][ic]) + bia[oc].
 * Order: one serial sum, bia (which may be NULL) last. src (n, ic), dst (n, oc), wei packed, bia
 * (oc); apart. m = n*oc*ic. */
void rb_ref_fully_connected(rb_real *dst, const rb_real *src, const rb_lanes *wei,
                            const rb_real *bia, const rb_node *node, int64_t batch, int threads);

#endif
