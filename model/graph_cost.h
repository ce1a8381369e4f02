/* What a graph costs, from its shapes alone. */
#ifndef MODEL_GRAPH_COST_H
#define MODEL_GRAPH_COST_H

#include <stdbool.h>
#include <stddef.h>

#include "resbench/graph.h"

/* Multiply-adds of convolutions and FC for the whole batch. Additions, pooling and
 * normalisation are not counted, as in the paper and in torchvision. */
int64_t rb_node_macs(const rb_graph *graph, const rb_node *node);
int64_t rb_graph_macs(const rb_graph *graph);

/* Trainable values: running mean and variance do not count. */
int64_t rb_node_parameters(const rb_graph *graph, const rb_node *node);
int64_t rb_graph_parameters(const rb_graph *graph);

/* Values of a tensor, and bytes of all tensors as stored (float32, running statistics included). */
int64_t rb_tensor_elements(const rb_tensor_desc *tensor);
int64_t rb_graph_weight_bytes(const rb_graph *graph);

/* Bytes of a node's value (the whole batch, float32), and of the network's input. */
int64_t rb_node_value_bytes(const rb_graph *graph, const rb_node *node);
int64_t rb_graph_input_bytes(const rb_graph *graph);

/* What a node has to move at least, in float32, when nothing of it is in a cache: its weights with
 * batch norm folded in (one bias a channel), those pixels of its source that a window reaches, its
 * value once, and what is added to it. */
typedef struct rb_node_traffic {
    int64_t weight_bytes, src_bytes, dst_bytes, addend_bytes;
} rb_node_traffic;

rb_node_traffic rb_node_compulsory_traffic(const rb_graph *graph, const rb_node *node);

/* The most bytes of values (float32) that must be alive at once when nodes run in order: a
 * value lives from its node to its last reader, the input from the start, the logits to the
 * end. An addition may take place in its operand; nothing is padded. */
int64_t rb_graph_activation_bound_bytes(const rb_graph *graph);

#endif
