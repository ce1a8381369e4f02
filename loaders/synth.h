/* Synthetic tensors that any language can regenerate bit for bit: docs/synthetic.md. */
#ifndef LOADERS_SYNTH_H
#define LOADERS_SYNTH_H

#include "resbench/graph.h"

#define RB_SYNTH_EPSILON 1e-5 /* BN epsilon that goes with synthetic weights */

/* Fills dst (rb_tensor_elements values) with the tensor of graph numbered index. */
void rb_synth_tensor(const rb_graph *graph, int32_t index, uint64_t seed, float *dst);

/* Fills dst with the first count values v, in [-1, 1), of the stream of a tensor called name. */
void rb_synth_values(const char *name, uint64_t seed, int64_t count, float *dst);

/* Fills dst, (batch, channels, height, width), with the values of the tensor `input`. */
void rb_synth_input(const int64_t dims[4], uint64_t seed, float *dst);

#endif
