#include "model/graph_cost.h"

#include <stdbool.h>

/* Products below cannot overflow: rb_graph_create has checked them. */

int64_t rb_node_macs(const rb_graph *graph, const rb_node *node) {
    if (node->op != RB_OP_CONV && node->op != RB_OP_FC)
        return 0;
    return graph->batch * node->oc * node->oh * node->ow * node->ic * node->kh * node->kw;
}

int64_t rb_graph_macs(const rb_graph *graph) {
    int64_t macs = 0;
    for (int32_t i = 0; i < graph->node_count; i++)
        macs += rb_node_macs(graph, &graph->nodes[i]);
    return macs;
}

int64_t rb_tensor_elements(const rb_tensor_desc *tensor) {
    int64_t count = 1;
    for (int32_t d = 0; d < tensor->ndim; d++)
        count *= tensor->dims[d];
    return count;
}

int64_t rb_node_parameters(const rb_graph *graph, const rb_node *node) {
    const int32_t trained[] = {node->wei, node->bia, node->bn_weight, node->bn_bias};
    int64_t count = 0;
    for (size_t i = 0; i < sizeof trained / sizeof trained[0]; i++)
        if (trained[i] != RB_NONE)
            count += rb_tensor_elements(&graph->tensors[trained[i]]);
    return count;
}

int64_t rb_graph_parameters(const rb_graph *graph) {
    int64_t count = 0;
    for (int32_t i = 0; i < graph->node_count; i++)
        count += rb_node_parameters(graph, &graph->nodes[i]);
    return count;
}

int64_t rb_graph_weight_bytes(const rb_graph *graph) {
    int64_t bytes = 0;
    for (int32_t i = 0; i < graph->tensor_count; i++)
        bytes += rb_tensor_elements(&graph->tensors[i]) * (int64_t)sizeof(float);
    return bytes;
}

int64_t rb_node_value_bytes(const rb_graph *graph, const rb_node *node) {
    return graph->batch * node->oc * node->oh * node->ow * (int64_t)sizeof(float);
}

int64_t rb_graph_input_bytes(const rb_graph *graph) {
    return graph->batch * graph->channels * graph->height * graph->width * (int64_t)sizeof(float);
}

/* Places along an axis that some window of the kernel reaches; padding is no place. */
static int64_t reached(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before) {
    int64_t count = 0, next = 0; /* the first place that is not counted yet */
    for (int64_t o = 0; o < out; o++) {
        const int64_t from = o * stride - before, to = from + kernel;
        const int64_t first = from > next ? from : next, last = to < in ? to : in;
        if (last > first) {
            count += last - first;
            next = last;
        }
    }
    return count;
}

rb_node_traffic rb_node_compulsory_traffic(const rb_graph *graph, const rb_node *node) {
    const int64_t size = (int64_t)sizeof(float);
    const int64_t rows = reached(node->ih, node->oh, node->kh, node->stride_h, node->pad_top);
    const int64_t columns = reached(node->iw, node->ow, node->kw, node->stride_w, node->pad_left);
    const bool biased = node->bia != RB_NONE || node->bn_bias != RB_NONE;
    const int64_t weights =
        node->wei == RB_NONE ? 0 : rb_tensor_elements(&graph->tensors[node->wei]);
    const int64_t value = rb_node_value_bytes(graph, node);
    return (rb_node_traffic){.weight_bytes = (weights + (biased ? node->oc : 0)) * size,
                             .src_bytes = graph->batch * node->ic * rows * columns * size,
                             .dst_bytes = value,
                             .addend_bytes = node->add == RB_NONE ? 0 : value};
}

/* The last node that reads value; for a value nobody reads, the end of the run. */
static int32_t last_reader(const rb_graph *graph, int32_t value) {
    for (int32_t i = graph->node_count - 1; i > value; i--)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return i;
    return graph->node_count;
}

/* Bytes of a value that node `now` is the last to read; 0 for others. */
static int64_t ending_bytes(const rb_graph *graph, int32_t now, int32_t value) {
    if (value < RB_VALUE_INPUT || last_reader(graph, value) != now)
        return 0;
    return value == RB_VALUE_INPUT ? rb_graph_input_bytes(graph)
                                   : rb_node_value_bytes(graph, &graph->nodes[value]);
}

int64_t rb_graph_activation_bound_bytes(const rb_graph *graph) {
    int64_t bound = 0, alive = rb_graph_input_bytes(graph);
    for (int32_t now = 0; now < graph->node_count; now++) {
        const rb_node *node = &graph->nodes[now];
        const int64_t operand = ending_bytes(graph, now, node->add);
        const bool in_place = node->add >= 0; /* dst takes the operand's place; never the input's */
        alive += rb_node_value_bytes(graph, node) - (in_place ? operand : 0);
        if (alive > bound)
            bound = alive;
        alive -= in_place ? 0 : operand;
        if (node->src != node->add)
            alive -= ending_bytes(graph, now, node->src);
    }
    return bound;
}
