#include "bench/worker_tap.h"

#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

typedef struct tapped {
    const rb_graph *graph;
    rb_dtype dtype;
    int64_t next, end; /* nodes */
    json_t *dims;
    char *values;
    size_t bytes; /* so far */
} tapped;

static size_t value_bytes(const rb_graph *graph, int64_t node, rb_dtype dtype) {
    const rb_node *n = &graph->nodes[node];
    return (size_t)(graph->batch * n->oc * n->oh * n->ow) *
           (dtype == RB_F64 ? sizeof(double) : sizeof(float));
}

static rb_status keep_value(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                            rb_dtype dtype, const void *data, rb_error *err) {
    tapped *t = ctx;
    if (node < 0 || node >= t->graph->node_count)
        return rb_fail(err, RB_ERR_ENGINE, "node %d was shown, which does not exist", node);
    if (stage != RB_STAGE_VALUE || node < t->next || node >= t->end)
        return RB_OK; /* a node that is shown twice is taken once; one that is left out, below */
    const rb_node *n = &t->graph->nodes[node];
    if (node != t->next || dtype != t->dtype || dims[0] != t->graph->batch || dims[1] != n->oc ||
        dims[2] != n->oh || dims[3] != n->ow)
        return rb_fail(err, RB_ERR_ENGINE, "%s was not shown, or out of order or misshapen",
                       t->graph->nodes[t->next].name);
    const size_t bytes = value_bytes(t->graph, node, dtype);
    memcpy(t->values + t->bytes, data, bytes);
    t->bytes += bytes;
    t->next++;
    json_array_append_new(t->dims,
                          json_pack("[I, I, I, I]", (json_int_t)dims[0], (json_int_t)dims[1],
                                    (json_int_t)dims[2], (json_int_t)dims[3]));
    return RB_OK;
}

/* Room for all values: their bytes are known before. */
static rb_status make_room(const tapped *t, char **values, rb_error *err) {
    size_t bytes = 0;
    for (int64_t node = t->next; node < t->end; node++)
        bytes += value_bytes(t->graph, node, t->dtype);
    const rb_status status =
        rb_machine_check_memory("showing the values of these nodes", (double)bytes, err);
    if (status != RB_OK)
        return status;
    *values = aligned_alloc(RB_ALIGNMENT, (bytes / RB_ALIGNMENT + 1) * RB_ALIGNMENT);
    return *values ? RB_OK
                   : rb_fail(err, RB_ERR_MEMORY, "no memory for the values of %lld nodes",
                             (long long)(t->end - t->next));
}

rb_status rb_worker_tap(rb_case *c, int64_t first, int64_t count, rb_message *answer,
                        rb_error *err) {
    const rb_case_facts facts = rb_case_facts_of(c);
    const int64_t nodes = facts.graph->node_count;
    if (first < 0 || first >= nodes || count < 1 || count > nodes - first)
        return rb_fail(err, RB_ERR_USAGE, "%lld nodes from %lld on, of %lld", (long long)count,
                       (long long)first, (long long)nodes);
    tapped t = {.graph = facts.graph,
                .dtype = facts.engine->output_dtype,
                .next = first,
                .end = first + count};
    rb_status status = make_room(&t, &t.values, err);
    if (status != RB_OK)
        return status;
    t.dims = json_array();
    status = rb_case_tap(c, keep_value, &t, err);
    if (status == RB_OK && t.next < t.end)
        status = rb_fail(err, RB_ERR_ENGINE, "%s was not shown, or out of order or misshapen",
                         facts.graph->nodes[t.next].name);
    if (status == RB_OK) {
        json_object_set(answer->json, "dims", t.dims);
        answer->blob = t.values;
        answer->blob_bytes = t.bytes;
    } else {
        free(t.values);
    }
    json_decref(t.dims);
    return status;
}
