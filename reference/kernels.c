/* All layers but the convolution. */
#include "kernels.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

void rb_ref_batch_norm(rb_real *x, const rb_batch_norm *bn, const rb_node *node, int64_t batch,
                       int threads) {
    const int64_t plane = node->oh * node->ow;
#pragma omp parallel for collapse(2) num_threads(threads)
    for (int64_t n = 0; n < batch; n++)
        for (int64_t c = 0; c < node->oc; c++) {
            rb_real *p = x + (n * node->oc + c) * plane;
            const rb_real deviation = (rb_real)sqrt((double)bn->var[c] + bn->epsilon);
            const rb_real mean = bn->mean[c], weight = bn->weight[c], bias = bn->bias[c];
            for (int64_t i = 0; i < plane; i++)
                p[i] = (p[i] - mean) / deviation * weight + bias;
        }
}

void rb_ref_add(rb_real *x, const rb_real *shortcut, int64_t count, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < count; i++)
        x[i] += shortcut[i];
}

void rb_ref_relu(rb_real *x, int64_t count, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < count; i++)
        x[i] = x[i] < 0 ? 0 : x[i]; /* false for NaN, which therefore stays */
}

/* One output element: the window's part inside the plane (ih, iw). */
static rb_real window_max(const rb_real *plane, const rb_node *node, int64_t oh, int64_t ow) {
    const int64_t top = oh * node->stride_h - node->pad_top;
    const int64_t left = ow * node->stride_w - node->pad_left;
    rb_real max = (rb_real)-INFINITY;
    for (int64_t h = top; h < top + node->kh; h++)
        for (int64_t w = left; w < left + node->kw; w++)
            if (h >= 0 && h < node->ih && w >= 0 && w < node->iw) {
                const rb_real value = plane[h * node->iw + w];
                if (value > max || isnan(value)) /* nothing is greater than NaN: it stays */
                    max = value;
            }
    return max;
}

void rb_ref_max_pool(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                     int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t nc = 0; nc < batch * node->oc; nc++)
        for (int64_t oh = 0; oh < node->oh; oh++)
            for (int64_t ow = 0; ow < node->ow; ow++)
                dst[(nc * node->oh + oh) * node->ow + ow] =
                    window_max(src + nc * node->ih * node->iw, node, oh, ow);
}

void rb_ref_average_pool(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                         int threads) {
    const int64_t plane = node->ih * node->iw;
#pragma omp parallel for num_threads(threads)
    for (int64_t nc = 0; nc < batch * node->oc; nc++) {
        rb_real sum = 0;
        for (int64_t i = 0; i < plane; i++)
            sum += src[nc * plane + i];
        dst[nc] = sum / (rb_real)plane;
    }
}

/* One channel of one image; NULL for a channel that src does not have. */
static void subsample(rb_real *dst, const rb_real *src, const rb_node *node) {
    for (int64_t oh = 0; oh < node->oh; oh++)
        for (int64_t ow = 0; ow < node->ow; ow++)
            dst[oh * node->ow + ow] =
                src ? src[oh * node->stride_h * node->iw + ow * node->stride_w] : 0;
}

void rb_ref_shortcut(rb_real *dst, const rb_real *src, const rb_node *node, int64_t batch,
                     int threads) {
    const int64_t first = (node->oc - node->ic) / 2;
#pragma omp parallel for collapse(2) num_threads(threads)
    for (int64_t n = 0; n < batch; n++)
        for (int64_t oc = 0; oc < node->oc; oc++) {
            const int64_t ic = oc - first;
            const bool has = ic >= 0 && ic < node->ic;
            subsample(dst + (n * node->oc + oc) * node->oh * node->ow,
                      has ? src + (n * node->ic + ic) * node->ih * node->iw : NULL, node);
        }
}

void rb_ref_fully_connected(rb_real *dst, const rb_real *src, const rb_lanes *wei,
                            const rb_real *bia, const rb_node *node, int64_t batch, int threads) {
#pragma omp parallel for collapse(2) num_threads(threads)
    for (int64_t n = 0; n < batch; n++)
        for (int64_t block = 0; block < rb_lane_blocks(node->oc); block++) {
            rb_lanes sum = {0};
            for (int64_t i = 0; i < node->ic; i++)
                sum += src[n * node->ic + i] * wei[block * node->ic + i];
            for (int64_t lane = 0; lane < RB_LANES; lane++) {
                const int64_t o = block * RB_LANES + lane;
                if (o < node->oc)
                    dst[n * node->oc + o] = bia ? sum[lane] + bia[o] : sum[lane];
            }
        }
}
