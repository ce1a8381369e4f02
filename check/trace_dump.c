#include "check/trace_dump.h"

#include <stdlib.h>
#include <string.h>

#include "check/slices.h"
#include "loaders/tensor_file.h"

struct rb_trace_dump {
    const rb_graph *graph;
    const char *directory;
    rb_tensor_writer *sides[2];
};

static rb_status open_side(const rb_trace_plan *plan, const rb_trace *trace, int side,
                           rb_trace_dump *dump, rb_error *err) {
    const bool same = strcmp(trace->engine, trace->against) == 0;
    const char *label = side == 0 ? trace->engine : trace->against;
    const rb_text_attribute attributes[] = {
        {"network", trace->network},
        {"engine", label},
        {"engine_version", side == 0 ? trace->engine_version : trace->against_version},
        {"weights_sha256", trace->weights_sha256},
        {"input", trace->input}};
    char name[160], path[RB_PATH_CAPACITY];
    snprintf(name, sizeof name, "activations-%s%s.h5", label, same && side ? "-against" : "");
    const rb_status status = rb_path_in(plan->dump, name, path, err);
    return status == RB_OK ? rb_tensor_writer_create(path, attributes, 5, &dump->sides[side], err)
                           : status;
}

rb_status rb_trace_dump_create(const rb_trace_plan *plan, const rb_trace *trace,
                               const rb_graph *graph, rb_trace_dump **dump, rb_error *err) {
    *dump = NULL;
    if (!plan->dump)
        return RB_OK;
    rb_status status = rb_make_directories(plan->dump, err);
    if (status != RB_OK)
        return status;
    rb_trace_dump *own = calloc(1, sizeof *own);
    if (!own)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a dump");
    own->graph = graph;
    own->directory = plan->dump;
    for (int side = 0; status == RB_OK && side < 2; side++)
        status = open_side(plan, trace, side, own, err);
    if (status == RB_OK)
        *dump = own;
    else
        rb_trace_dump_discard(own);
    return status;
}

static rb_status add_node(rb_trace_dump *dump, int side, bool wide, int32_t node,
                          const double *values, rb_error *err) {
    const rb_node *n = &dump->graph->nodes[node];
    const int64_t dims[RB_MAX_DIMS] = {dump->graph->batch, n->oc, n->oh, n->ow};
    const int64_t elements = rb_slice_elements(dump->graph, node, 1);
    const char *name = n->value_name ? n->value_name : n->name;
    if (wide)
        return rb_tensor_writer_add(dump->sides[side], name, RB_F64, 4, dims, values, err);
    float *narrow = malloc((size_t)elements * sizeof *narrow);
    if (!narrow)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the value of %s", n->name);
    for (int64_t i = 0; i < elements; i++)
        narrow[i] = (float)values[i]; /* exact: they were float32 */
    const rb_status status =
        rb_tensor_writer_add(dump->sides[side], name, RB_F32, 4, dims, narrow, err);
    free(narrow);
    return status;
}

rb_status rb_trace_dump_add(rb_trace_dump *dump, int side, bool wide, int32_t first, int32_t count,
                            const double *values, rb_error *err) {
    rb_status status = RB_OK;
    for (int32_t i = 0; dump && status == RB_OK && i < count; i++)
        status = add_node(dump, side, wide, first + i,
                          values + rb_slice_elements(dump->graph, first, i), err);
    return status;
}

rb_status rb_trace_dump_commit(rb_trace_dump *dump, const float *input, rb_error *err) {
    if (!dump)
        return RB_OK;
    const rb_graph *graph = dump->graph;
    const int64_t dims[RB_MAX_DIMS] = {graph->batch, graph->channels, graph->height, graph->width};
    const rb_text_attribute network = {"network", graph->name};
    char path[RB_PATH_CAPACITY];
    rb_status status = rb_path_in(dump->directory, "input.h5", path, err);
    if (status == RB_OK)
        status = rb_tensor_write(path, "input", RB_F32, 4, dims, input, &network, 1, err);
    for (int side = 0; status == RB_OK && side < 2; side++) {
        status = rb_tensor_writer_commit(dump->sides[side], err);
        dump->sides[side] = NULL;
    }
    rb_trace_dump_discard(dump);
    return status;
}

void rb_trace_dump_discard(rb_trace_dump *dump) {
    for (int side = 0; dump && side < 2; side++)
        rb_tensor_writer_discard(dump->sides[side]);
    free(dump);
}
