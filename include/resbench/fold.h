/* Batch norm folded into a convolution's weights and bias. In a header, because an engine links
 * nothing of ours. */
#ifndef RESBENCH_FOLD_H
#define RESBENCH_FOLD_H

#include <math.h>

#include "resbench/engine.h"

static inline double rb_fold_value(const rb_weights *weights, int32_t tensor, int64_t i,
                                   double absent) {
    return tensor == RB_NONE ? absent : (double)weights->tensors[tensor][i];
}

/* y = gamma (w x + b - mean) / sqrt(var + eps) + beta = w' x + b' with
 *   w' = w gamma / sqrt(var + eps),  b' = beta + (b - mean) gamma / sqrt(var + eps)
 * (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 2). */
static inline void rb_fold(const rb_graph *graph, const rb_weights *weights, int32_t index,
                           float *wei, float *bia) {
    const rb_node *node = &graph->nodes[index];
    const int64_t per_channel = node->ic * node->kh * node->kw; /* FC: kh = kw = 1 */
    const float *from = weights->tensors[node->wei];
    for (int64_t o = 0; o < node->oc; o++) {
        double scale = 1;
        double shift = rb_fold_value(weights, node->bia, o, 0);
        if (node->bn_weight != RB_NONE) {
            const double var = rb_fold_value(weights, node->bn_var, o, 1);
            scale =
                rb_fold_value(weights, node->bn_weight, o, 1) / sqrt(var + weights->epsilon[index]);
            shift = rb_fold_value(weights, node->bn_bias, o, 0) +
                    (shift - rb_fold_value(weights, node->bn_mean, o, 0)) * scale;
        }
        for (int64_t k = o * per_channel; k < (o + 1) * per_channel; k++)
            wei[k] = (float)((double)from[k] * scale);
        if (bia)
            bia[o] = (float)shift;
    }
}

#endif
