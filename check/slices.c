#include "check/slices.h"

#define SLICE_ELEMENTS ((int64_t)32 << 20) /* 256 MiB of doubles */

int64_t rb_slice_elements(const rb_graph *graph, int32_t first, int32_t count) {
    int64_t elements = 0;
    for (int32_t i = first; i < first + count; i++) {
        const rb_node *n = &graph->nodes[i];
        elements += graph->batch * n->oc * n->oh * n->ow;
    }
    return elements;
}

int32_t rb_slice_count(const rb_graph *graph, int32_t first) {
    int64_t elements = 0;
    int32_t count = 0;
    for (; first + count < graph->node_count; count++) {
        elements += rb_slice_elements(graph, first + count, 1);
        if (count > 0 && elements > SLICE_ELEMENTS)
            break;
    }
    return count;
}

int64_t rb_slice_most(const rb_graph *graph) {
    int64_t most = 0;
    for (int32_t first = 0, count; (count = rb_slice_count(graph, first)) > 0; first += count) {
        const int64_t elements = rb_slice_elements(graph, first, count);
        most = elements > most ? elements : most;
    }
    return most;
}
