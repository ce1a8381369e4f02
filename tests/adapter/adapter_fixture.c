#include "adapter_fixture.h"

#include <math.h>
#include <stdlib.h>

#include "parity/cmocka_includes.h"
#include "parity/golden_compare.h"

#define UNIT_ROUNDOFF 0x1p-24

static int64_t elements_of(const rb_graph *graph, int32_t node) {
    const rb_node *n = &graph->nodes[node < graph->node_count ? node : graph->node_count - 1];
    return graph->batch * n->oc * n->oh * n->ow;
}

static double *widen(const void *data, rb_dtype dtype, int64_t count) {
    double *wide = rb_test_alloc((size_t)count * sizeof *wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = dtype == RB_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
    return wide;
}

static rb_status keep(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    rb_seen *seen = ctx;
    const rb_node *n = &seen->graph->nodes[node];
    if (stage != RB_STAGE_VALUE || node != seen->count || dims[0] != seen->graph->batch ||
        dims[1] != n->oc || dims[2] != n->oh || dims[3] != n->ow)
        return rb_fail(err, RB_ERR_ENGINE, "node %d was shown out of order or misshapen", node);
    seen->values[seen->count++] = widen(data, dtype, elements_of(seen->graph, node));
    return RB_OK;
}

rb_seen rb_see(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
               const float *src, const float *addend) {
    const int64_t count = graph->batch * graph->classes;
    rb_seen seen = {.graph = graph};
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    double *dst = rb_test_alloc((size_t)count * sizeof *dst);
    seen.values = calloc((size_t)graph->node_count + 1, sizeof *seen.values);
    assert_non_null(seen.values);
    rb_test_host_init(&host, 2);
    if (rb_test_open(engine, &host, graph, weights, &session, &err) != RB_OK ||
        engine->tap(session, src, addend, dst, RB_STAGE_VALUE, keep, &seen, &err) != RB_OK)
        fail_msg("%s: %s", engine->name, err.message);
    const int64_t allocations = host.allocations;
    for (int64_t i = 0; i < count; i++)
        dst[i] = NAN;
    if (engine->run(session, src, addend, dst, &err) != RB_OK)
        fail_msg("%s: %s", engine->name, err.message);
    assert_int_equal(host.allocations, allocations);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
    assert_int_equal(seen.count, graph->node_count);
    seen.values[graph->node_count] = widen(dst, engine->output_dtype, count);
    rb_test_free(dst);
    return seen;
}

void rb_seen_release(rb_seen *seen) {
    for (int32_t i = 0; i <= seen->graph->node_count; i++)
        rb_test_free(seen->values[i]);
    free(seen->values);
}

void rb_seen_compare(const char *what, const rb_seen *found, const rb_seen *plain,
                     const rb_seen *truth) {
    for (int32_t i = 0; i <= truth->graph->node_count; i++) {
        const int64_t count = elements_of(truth->graph, i);
        const double reference = rb_relative_l2(plain->values[i], truth->values[i], count);
        const double error = rb_relative_l2(found->values[i], truth->values[i], count);
        const double limit = fmax(4 * reference, 8 * UNIT_ROUNDOFF);
        if (!(reference <= 4e-6) || !(error <= limit))
            fail_msg("%s: value %d is off by %.2e, allowed are %.2e", what, i, error, limit);
    }
}

float *rb_noise(int64_t count, uint32_t seed) {
    float *values = rb_test_alloc((size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
    return values;
}
