#include "check/recorded.h"

#include <stdlib.h>
#include <string.h>

#include "bench/engine_loader.h"
#include "check/slices.h"
#include "model/graph_cost.h"

static int64_t elements_of(const rb_graph *graph, int32_t node) {
    return rb_slice_elements(graph, node, 1);
}

static rb_status copy_input(const rb_case_spec *spec, const rb_inputs *inputs,
                            rb_recording *recording, rb_error *err) {
    const size_t bytes = (size_t)rb_graph_input_bytes(recording->source.graph);
    if (inputs->count < spec->batch || inputs->height != spec->height ||
        inputs->width != spec->width)
        return rb_fail(err, RB_ERR_INPUT, "%lld images of %lldx%lld, expected %lld of %lldx%lld",
                       (long long)inputs->count, (long long)inputs->height,
                       (long long)inputs->width, (long long)spec->batch, (long long)spec->height,
                       (long long)spec->width);
    recording->input = malloc(bytes);
    if (!recording->input)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the input of %s", spec->network);
    memcpy(recording->input, inputs->images, bytes);
    return RB_OK;
}

rb_status rb_recording_begin(const rb_case_spec *spec, const rb_inputs *inputs,
                             rb_recording *recording, rb_error *err) {
    *recording = (rb_recording){0};
    rb_case_spec own = *spec;
    own.jitter = 0;
    rb_status status = rb_case_source_network(&own, &recording->source, err);
    if (status != RB_OK)
        return status;
    status = copy_input(spec, inputs, recording, err);
    if (status == RB_OK) {
        recording->values =
            calloc((size_t)recording->source.graph->node_count, sizeof *recording->values);
        if (!recording->values)
            status = rb_fail(err, RB_ERR_MEMORY, "no memory for a recording of %s", spec->network);
    }
    if (status != RB_OK)
        rb_recording_release(recording);
    return status;
}

rb_status rb_recording_take(rb_recording *recording, rb_remote *remote, int32_t first,
                            int32_t count, rb_error *err) {
    const int64_t total = rb_slice_elements(recording->source.graph, first, count);
    double *all = malloc((size_t)total * sizeof *all);
    if (!all)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d values of %s", count,
                       recording->source.graph->name);
    rb_status status =
        rb_remote_tap(remote, recording->source.graph, recording->input, first, count, all, err);
    const double *at = all;
    for (int32_t i = first; status == RB_OK && i < first + count; i++) {
        const int64_t own = elements_of(recording->source.graph, i);
        rb_recording_forget(recording, i);
        recording->values[i] = malloc((size_t)own * sizeof *at);
        if (!recording->values[i])
            status = rb_fail(err, RB_ERR_MEMORY, "no memory for the value of %s",
                             recording->source.graph->nodes[i].name);
        else
            memcpy(recording->values[i], at, (size_t)own * sizeof *at);
        at += own;
    }
    free(all);
    return status;
}

static rb_status record_oracle(const rb_worker_options *options, const rb_case_spec *spec,
                               rb_recording *recording, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    rb_case_spec own = *spec;
    rb_remote *remote;
    rb_status status = rb_engine_find_own("oracle", path, err);
    if (status != RB_OK)
        return status;
    own.engine_path = path;
    own.jitter = 0;
    status = rb_remote_open(options, &own, &remote, err);
    if (status != RB_OK)
        return status;
    int32_t count = 0;
    for (int32_t first = 0; status == RB_OK && first < recording->source.graph->node_count;
         first += count) {
        count = rb_slice_count(recording->source.graph, first);
        status = rb_recording_take(recording, remote, first, count, err);
    }
    rb_remote_close(remote);
    return status;
}

rb_status rb_recording_make(const rb_worker_options *options, const rb_case_spec *spec,
                            const rb_inputs *inputs, rb_recording *recording, rb_error *err) {
    rb_status status = rb_recording_begin(spec, inputs, recording, err);
    if (status != RB_OK)
        return status;
    status = record_oracle(options, spec, recording, err);
    if (status != RB_OK)
        rb_recording_release(recording);
    return status;
}

void rb_recording_forget(rb_recording *recording, int32_t node) {
    free(recording->values[node]);
    recording->values[node] = NULL;
}

void rb_recording_release(rb_recording *recording) {
    for (int32_t i = 0; recording->values && i < recording->source.graph->node_count; i++)
        free(recording->values[i]);
    free(recording->values);
    free(recording->input);
    rb_case_source_release(&recording->source);
    *recording = (rb_recording){0};
}

/* Rounds a value, or copies the input. */
static rb_status feed(const rb_recording *recording, int32_t value, float *to, rb_error *err) {
    const rb_graph *graph = recording->source.graph;
    if (value == RB_VALUE_INPUT) {
        memcpy(to, recording->input, (size_t)rb_graph_input_bytes(graph));
        return RB_OK;
    }
    if (!recording->values[value])
        return rb_fail(err, RB_ERR_USAGE, "the value of %s is not recorded",
                       graph->nodes[value].name);
    for (int64_t i = 0; i < elements_of(graph, value); i++)
        to[i] = (float)recording->values[value][i];
    return RB_OK;
}

rb_status rb_recording_problem(const rb_recording *recording, int32_t node, rb_problem *problem,
                               rb_operands *operands, rb_error *err) {
    const rb_graph *graph = recording->source.graph;
    const rb_node *n = &graph->nodes[node];
    const int32_t tensors[RB_PROBLEM_TENSORS] = {n->wei,     n->bia,     n->bn_weight,
                                                 n->bn_bias, n->bn_mean, n->bn_var};
    *problem = rb_problem_of_node(graph, node);
    rb_status status = rb_operands_create(problem, operands, err);
    if (status != RB_OK)
        return status;
    float *at = operands->tensors;
    for (size_t t = 0; t < RB_PROBLEM_TENSORS; t++) {
        if (tensors[t] == RB_NONE)
            continue;
        const int64_t count = rb_tensor_elements(&graph->tensors[tensors[t]]);
        memcpy(at, recording->source.weights.tensors[tensors[t]], (size_t)count * sizeof *at);
        at += count;
    }
    operands->epsilon = recording->source.weights.epsilon[node];
    status = feed(recording, n->src, operands->src, err);
    if (status == RB_OK && n->add != RB_NONE)
        status = feed(recording, n->add, operands->addend, err);
    if (status != RB_OK)
        rb_operands_release(operands);
    return status;
}
