#include "check/convolutions.h"

#include <stdlib.h>

#include "model/graph_build.h"

static rb_convolution_count *find(const rb_convolutions *all, rb_problem problem) {
    problem.batch = 1;
    for (size_t i = 0; i < all->count; i++)
        if (rb_problem_equal(&all->items[i].problem, &problem))
            return &all->items[i];
    return NULL;
}

const rb_convolution_count *rb_convolutions_find(const rb_convolutions *convolutions,
                                                 const rb_problem *problem) {
    return find(convolutions, *problem);
}

static rb_convolution_count *append(rb_convolutions *all, const rb_problem *problem) {
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity ? 2 * all->capacity : 64;
        rb_convolution_count *items = realloc(all->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        all->items = items;
        all->capacity = capacity;
    }
    rb_convolution_count *item = &all->items[all->count++];
    *item = (rb_convolution_count){.problem = *problem};
    return item;
}

static rb_status count_graph(const rb_graph *graph, size_t network, rb_convolutions *all,
                             rb_error *err) {
    for (int32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].op != RB_OP_CONV)
            continue;
        const rb_problem problem = rb_problem_of_node(graph, i);
        rb_convolution_count *item = find(all, problem);
        if (!item)
            item = append(all, &problem);
        if (!item)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the convolutions of %s", graph->name);
        item->counts[network]++;
        all->networks[network].convolutions++;
    }
    return RB_OK;
}

rb_status rb_convolutions_collect(const rb_network *const *networks, size_t count,
                                  rb_convolutions *convolutions, rb_error *err) {
    rb_status status = RB_OK;
    *convolutions = (rb_convolutions){.network_count = count};
    if (count > RB_KERNEL_NETWORKS)
        return rb_fail(err, RB_ERR_USAGE, "%zu networks, at most %d have a column", count,
                       RB_KERNEL_NETWORKS);
    for (size_t n = 0; status == RB_OK && n < count; n++) {
        rb_graph *graph;
        rb_kernel_network *network = &convolutions->networks[n];
        snprintf(network->name, sizeof network->name, "%s", networks[n]->name);
        status = rb_graph_create(networks[n], &(rb_graph_shape){.batch = 1}, &graph, err);
        if (status == RB_OK)
            status = count_graph(graph, n, convolutions, err);
        rb_graph_destroy(graph);
    }
    if (status != RB_OK)
        rb_convolutions_release(convolutions);
    return status;
}

void rb_convolutions_release(rb_convolutions *convolutions) {
    free(convolutions->items);
    convolutions->items = NULL;
    convolutions->count = convolutions->capacity = 0;
}
