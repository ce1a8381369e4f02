/* Batch norm folded into the layer before it. */
#ifndef ONEDNN_FOLD_H
#define ONEDNN_FOLD_H

#include "resbench/engine.h"

/* Weights and bias of node number index after folding, computed in double and rounded once.
 * wei: as many values as the node's weight tensor, OIHW (FC: OI); bia: (oc), or NULL where
 * the node is left without a bias. */
void rb_fold(const rb_graph *graph, const rb_weights *weights, int32_t index, float *wei,
             float *bia);

#endif
