/* Convolution: pad the source, then sum tiles of RB_TILE columns x RB_LANES channels. */
#include <string.h>

#include "kernels.h"

void rb_ref_pack(rb_lanes *dst, const float *src, int64_t oc, int64_t k) {
    for (int64_t block = 0; block < rb_lane_blocks(oc); block++)
        for (int64_t i = 0; i < k; i++)
            for (int64_t lane = 0; lane < RB_LANES; lane++) {
                const int64_t o = block * RB_LANES + lane;
                dst[block * k + i][lane] = o < oc ? (rb_real)src[o * k + i] : 0;
            }
}

static int64_t padded_height(const rb_node *node) {
    return node->pad_top + node->ih + node->pad_bottom;
}

static int64_t padded_width(const rb_node *node) {
    return node->pad_left + node->iw + node->pad_right;
}

/* The last tile of a row is computed whole, so it may read past its row: into the next one,
 * and after the last row into this many elements more. The results are not stored. */
int64_t rb_ref_conv_padded_elements(const rb_node *node) {
    return node->ic * padded_height(node) * padded_width(node) + RB_TILE * node->stride_w;
}

/* One image: (ic, ih, iw) -> (ic, padded_height, padded_width), zeros around. */
static void pad_image(rb_real *dst, const rb_real *src, const rb_node *node, int threads) {
    const int64_t height = padded_height(node), width = padded_width(node);
#pragma omp parallel for collapse(2) num_threads(threads)
    for (int64_t c = 0; c < node->ic; c++)
        for (int64_t h = 0; h < height; h++) {
            rb_real *row = dst + (c * height + h) * width;
            const int64_t ih = h - node->pad_top;
            memset(row, 0, (size_t)width * sizeof *row);
            if (ih >= 0 && ih < node->ih)
                memcpy(row + node->pad_left, src + (c * node->ih + ih) * node->iw,
                       (size_t)node->iw * sizeof *row);
        }
}

typedef void (*sum_tile_fn)(rb_lanes sum[RB_TILE], const rb_real *src, const rb_lanes *wei,
                            const rb_node *node);

#define SUM_TILE sum_tile_base
#define SUM_TILE_TARGET
#define SUM_TILE_BYTES 16
#include "sum_tile.inc"

/* The same for wider registers. Chosen at run time by hand: the compiler's own mechanism
 * (target_clones) is resolved before a sanitizer is ready, and clang 14 lacks it. */
#if defined(__x86_64__)
#define SUM_TILE sum_tile_avx2
#define SUM_TILE_TARGET __attribute__((target("avx2")))
#define SUM_TILE_BYTES 32
#include "sum_tile.inc"

#define SUM_TILE sum_tile_avx512
#define SUM_TILE_TARGET __attribute__((target("avx512f")))
#define SUM_TILE_BYTES 64
#include "sum_tile.inc"
#endif

typedef struct rb_variant {
    const char *kernel;
    sum_tile_fn sum_tile;
} rb_variant;

static rb_variant choose_variant(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (rb_variant){"direct:avx512f", sum_tile_avx512};
    if (__builtin_cpu_supports("avx2"))
        return (rb_variant){"direct:avx2", sum_tile_avx2};
#endif
    return (rb_variant){"direct", sum_tile_base};
}

const char *rb_ref_conv_kernel(void) {
    return choose_variant().kernel;
}

/* dst: (oc, oh, ow) of one image. Stores the part of the tile that exists. */
static void store_tile(rb_real *dst, const rb_lanes sum[RB_TILE], const rb_real *bia,
                       const rb_node *node, int64_t oc, int64_t oh, int64_t ow) {
    const int64_t channels = node->oc - oc < RB_LANES ? node->oc - oc : RB_LANES;
    const int64_t columns = node->ow - ow < RB_TILE ? node->ow - ow : RB_TILE;
    for (int64_t c = 0; c < channels; c++) {
        rb_real *row = dst + ((oc + c) * node->oh + oh) * node->ow + ow;
        for (int64_t column = 0; column < columns; column++)
            row[column] = bia ? sum[column][c] + bia[oc + c] : sum[column][c];
    }
}

void rb_ref_conv(rb_real *dst, const rb_real *src, const rb_lanes *wei, const rb_real *bia,
                 rb_real *padded, const rb_node *node, int64_t batch, int threads) {
    const sum_tile_fn sum_tile = choose_variant().sum_tile;
    const int64_t k = node->ic * node->kh * node->kw, width = padded_width(node);
    for (int64_t n = 0; n < batch; n++) {
        pad_image(padded, src + n * node->ic * node->ih * node->iw, node, threads);
        rb_real *image = dst + n * node->oc * node->oh * node->ow;
#pragma omp parallel for collapse(3) num_threads(threads)
        for (int64_t block = 0; block < rb_lane_blocks(node->oc); block++)
            for (int64_t oh = 0; oh < node->oh; oh++)
                for (int64_t ow = 0; ow < node->ow; ow += RB_TILE) {
                    rb_lanes sum[RB_TILE];
                    const rb_real *corner =
                        padded + oh * node->stride_h * width + ow * node->stride_w;
                    sum_tile(sum, corner, wei + block * k, node);
                    store_tile(image, sum, bia, node, block * RB_LANES, oh, ow);
                }
    }
}

int64_t rb_ref_node_macs(const rb_node *node, int64_t batch) {
    const int64_t lanes = batch * rb_lane_blocks(node->oc) * RB_LANES;
    if (node->op == RB_OP_FC)
        return lanes * node->ic;
    if (node->op != RB_OP_CONV)
        return 0;
    const int64_t columns = (node->ow + RB_TILE - 1) / RB_TILE * RB_TILE;
    return lanes * node->oh * columns * node->ic * node->kh * node->kw;
}
