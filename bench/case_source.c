#include "bench/case_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/jitter.h"
#include "bench/machine.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

static rb_status build_graph(const rb_case_spec *spec, rb_graph **graph, rb_error *err) {
    const rb_network *network;
    rb_weights_info info;
    rb_status status = rb_network_find(spec->network, &network, err);
    if (status == RB_OK)
        status = rb_weights_read_info(spec->weights, &info, err);
    if (status != RB_OK)
        return status;
    rb_graph_shape shape = rb_weights_graph_shape(&info, spec->batch, spec->height, spec->width);
    shape.classes = spec->classes; /* what the caller has room for; loading compares */
    return rb_graph_create(network, &shape, graph, err);
}

/* The same epsilon for every node that has batch norm. */
static rb_status bind(rb_case_source *source, const float *const *tensors, double epsilon,
                      rb_error *err) {
    const rb_graph *graph = source->graph;
    source->epsilon = calloc((size_t)graph->node_count, sizeof *source->epsilon);
    if (!source->epsilon)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", graph->node_count);
    for (int32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].bn_weight != RB_NONE)
            source->epsilon[i] = epsilon;
    source->weights =
        (rb_weights){.size = sizeof(rb_weights), .tensors = tensors, .epsilon = source->epsilon};
    return RB_OK;
}

rb_status rb_case_source_network(const rb_case_spec *spec, rb_case_source *source, rb_error *err) {
    *source = (rb_case_source){0};
    rb_status status = build_graph(spec, &source->graph, err);
    if (status != RB_OK)
        return status;
    const int64_t start = rb_now_ns();
    status = rb_weights_load(spec->weights, source->graph, &source->set, err);
    source->load_ns = (double)(rb_now_ns() - start);
    if (status == RB_OK && spec->jitter)
        status = rb_jitter_create(source->graph, source->set->tensors, spec->jitter, &source->moved,
                                  err);
    if (status == RB_OK)
        status =
            bind(source, source->moved ? (const float *const *)source->moved : source->set->tensors,
                 source->set->info.epsilon, err);
    if (status != RB_OK)
        rb_case_source_release(source);
    return status;
}

static rb_status copy_tensors(const rb_case_problem *spec, rb_case_source *source, rb_error *err) {
    const float *at = spec->tensors;
    const rb_status status = rb_machine_check_memory("the tensors of this problem",
                                                     2.0 * (double)spec->tensor_bytes, err);
    if (status != RB_OK)
        return status;
    for (int32_t t = 0; t < source->graph->tensor_count; t++) {
        const int64_t count = rb_tensor_elements(&source->graph->tensors[t]);
        char label[RB_PROBLEM_CAPACITY];
        snprintf(label, sizeof label, "its tensor %s", source->graph->tensors[t].name);
        source->tensors[t] = rb_guarded_alloc((size_t)count * sizeof *at, spec->guard, label);
        if (!source->tensors[t])
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the tensors of a problem");
        memcpy(source->tensors[t], at, (size_t)count * sizeof *at);
        at += count;
    }
    return RB_OK;
}

rb_status rb_case_source_problem(const rb_case_problem *spec, rb_case_source *source,
                                 rb_error *err) {
    *source = (rb_case_source){.is_problem = true};
    if (!(spec->epsilon >= 0 && isfinite(spec->epsilon)))
        return rb_fail(err, RB_ERR_USAGE, "the epsilon of a batch norm is finite and at least 0");
    rb_status status = rb_problem_graph_create(&spec->problem, &source->graph, err);
    if (status == RB_OK &&
        spec->tensor_bytes !=
            (size_t)rb_problem_tensor_elements(&spec->problem) * sizeof *spec->tensors)
        status = rb_fail(err, RB_ERR_USAGE, "tensors of %zu bytes, expected %lld values",
                         spec->tensor_bytes, (long long)rb_problem_tensor_elements(&spec->problem));
    if (status == RB_OK)
        status = copy_tensors(spec, source, err);
    if (status == RB_OK)
        status = bind(source, (const float *const *)source->tensors, spec->epsilon, err);
    if (status != RB_OK)
        rb_case_source_release(source);
    return status;
}

int64_t rb_case_source_weight_bytes(const rb_case_source *source) {
    int64_t elements = 0;
    for (int32_t t = 0; source->weights.tensors && t < source->graph->tensor_count; t++)
        elements += rb_tensor_elements(&source->graph->tensors[t]);
    return elements * (int64_t)sizeof(float);
}

/* FNV-1a, value by value. */
uint64_t rb_fingerprint(uint64_t start, const float *values, size_t bytes) {
    uint64_t hash = start;
    for (size_t i = 0; i < bytes / sizeof *values; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001B3u;
    }
    return hash;
}

uint64_t rb_case_source_fingerprint(const rb_case_source *source) {
    uint64_t hash = RB_FINGERPRINT_START;
    const rb_graph *graph = source->graph;
    for (int32_t t = 0; source->weights.tensors && t < graph->tensor_count; t++)
        hash = rb_fingerprint(hash, source->weights.tensors[t],
                              (size_t)rb_tensor_elements(&graph->tensors[t]) * sizeof(float));
    return hash;
}

bool rb_case_source_intact(const rb_case_source *source) {
    bool intact = true;
    for (size_t t = 0; intact && t < RB_PROBLEM_TENSORS; t++)
        intact = !source->tensors[t] || rb_guarded_intact(source->tensors[t]);
    return intact;
}

void rb_case_source_drop_weights(rb_case_source *source) {
    rb_jitter_destroy(source->graph, source->moved);
    rb_weights_destroy(source->set);
    for (size_t t = 0; t < RB_PROBLEM_TENSORS; t++)
        if (source->tensors[t] && !rb_guarded_seal(source->tensors[t])) {
            rb_guarded_free(source->tensors[t]);
            source->tensors[t] = NULL;
        }
    free(source->epsilon);
    source->moved = NULL;
    source->set = NULL;
    source->epsilon = NULL;
    source->weights = (rb_weights){0};
}

void rb_case_source_release(rb_case_source *source) {
    if (!source->graph)
        return;
    rb_case_source_drop_weights(source);
    for (size_t t = 0; t < RB_PROBLEM_TENSORS; t++)
        rb_guarded_free(source->tensors[t]);
    if (source->is_problem)
        rb_problem_graph_destroy(source->graph);
    else
        rb_graph_destroy(source->graph);
    *source = (rb_case_source){0};
}
