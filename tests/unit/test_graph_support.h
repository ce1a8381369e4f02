/* Graphs for the tests of model/. */
#ifndef UNIT_TEST_GRAPH_SUPPORT_H
#define UNIT_TEST_GRAPH_SUPPORT_H

#include "test_support.h"

#include "model/graph_build.h"
#include "model/graph_cost.h"

static inline rb_graph *build(const char *name, rb_graph_shape shape) {
    const rb_network *network;
    rb_graph *graph;
    assert_ok(rb_network_find(name, &network, &err));
    assert_ok(rb_graph_create(network, &shape, &graph, &err));
    return graph;
}

static inline const rb_node *node_of(const rb_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    fail_msg("%s has no node %s", graph->name, name);
    return NULL;
}

static inline void check_plane(const rb_graph *graph, const char *name, int64_t oc, int64_t oh,
                               int64_t ow) {
    const rb_node *node = node_of(graph, name);
    assert_int_equal(node->oc, oc);
    assert_int_equal(node->oh, oh);
    assert_int_equal(node->ow, ow);
}

#endif
