/* test_nodes ENGINE NETWORK BATCH HEIGHT WIDTH: the value of every node, and the logits, against
 * the float64 oracle; the limit is max(4 x the reference's own error there, 8 u). */
#include <math.h>
#include <stdlib.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "golden_compare.h"
#include "loaders/synth.h"

#define UNIT_ROUNDOFF 0x1p-24

static const char *engine_name, *network_name;
static int64_t batch, height, width;

/* Values of all nodes as double, (count) arrays; the last entry holds the logits. */
typedef struct rb_observation {
    const rb_graph *graph;
    double **values;
    int32_t seen;
} rb_observation;

static int64_t elements_of(const rb_graph *graph, const rb_node *node) {
    return graph->batch * node->oc * node->oh * node->ow;
}

static double as_double(const void *data, rb_dtype dtype, int64_t i) {
    return dtype == RB_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static rb_status keep(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    rb_observation *o = ctx;
    const rb_node *n = &o->graph->nodes[node];
    const int64_t count = elements_of(o->graph, n);
    if (stage != RB_STAGE_VALUE || node != o->seen || dims[0] != o->graph->batch ||
        dims[1] != n->oc || dims[2] != n->oh || dims[3] != n->ow)
        return rb_fail(err, RB_ERR_ENGINE, "node %d was shown out of order or misshapen", node);
    o->values[node] = rb_test_alloc((size_t)count * sizeof(double));
    for (int64_t i = 0; i < count; i++)
        o->values[node][i] = as_double(data, dtype, i);
    o->seen++;
    return RB_OK;
}

static rb_observation observe(const char *name, const rb_graph *graph, const rb_weights *weights,
                              const float *src) {
    const rb_engine *engine = rb_test_engine(name);
    const int64_t count = graph->batch * graph->classes;
    rb_observation o = {.graph = graph};
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    o.values = calloc((size_t)graph->node_count + 1, sizeof *o.values);
    o.values[graph->node_count] = rb_test_alloc((size_t)count * sizeof(double));
    void *dst = rb_test_alloc((size_t)count * sizeof(double));
    rb_test_host_init(&host, 2);
    if (rb_test_open(engine, &host, graph, weights, &session, &err) != RB_OK ||
        engine->tap(session, src, dst, RB_STAGE_VALUE, keep, &o, &err) != RB_OK)
        fail_msg("%s: %s", name, err.message);
    engine->close(session);
    assert_int_equal(o.seen, graph->node_count);
    for (int64_t i = 0; i < count; i++)
        o.values[graph->node_count][i] = as_double(dst, engine->output_dtype, i);
    rb_test_free(dst);
    return o;
}

static void release(rb_observation *o) {
    for (int32_t i = 0; i <= o->graph->node_count; i++)
        rb_test_free(o->values[i]);
    free(o->values);
}

static void every_node_is_right(void **state) {
    rb_test_graph *g = rb_test_graph_create(network_name, batch, height, width);
    const rb_graph *graph = &g->graph;
    rb_test_weights *w = rb_test_weights_create(graph, 1);
    const int64_t dims[4] = {batch, 3, height, width};
    float *src = rb_test_alloc((size_t)(batch * 3 * height * width) * sizeof *src);
    (void)state;
    rb_synth_input(dims, 1, src);
    rb_observation truth = observe("oracle", graph, &w->weights, src);
    rb_observation plain = observe("reference", graph, &w->weights, src);
    rb_observation found = observe(engine_name, graph, &w->weights, src);
    double worst = 0;
    for (int32_t i = 0; i <= graph->node_count; i++) {
        const bool logits = i == graph->node_count;
        const char *name = logits ? "logits" : graph->nodes[i].name;
        const int64_t count =
            logits ? batch * graph->classes : elements_of(graph, &graph->nodes[i]);
        const double reference = rb_relative_l2(plain.values[i], truth.values[i], count);
        const double error = rb_relative_l2(found.values[i], truth.values[i], count);
        const double limit = fmax(4 * reference, 8 * UNIT_ROUNDOFF);
        if (!(error <= limit))
            fail_msg("%s is off by %.2e, limit %.2e", name, error, limit);
        worst = fmax(worst, error / limit);
    }
    print_message("%s %s: %d nodes, worst at %.0f %% of its limit\n", engine_name, network_name,
                  graph->node_count, 100 * worst);
    release(&truth);
    release(&plain);
    release(&found);
    rb_test_free(src);
    rb_test_weights_destroy(w);
    rb_test_graph_destroy(g);
}

int main(int argc, char **argv) {
    if (argc != 6)
        return EXIT_FAILURE;
    engine_name = argv[1];
    network_name = argv[2];
    batch = atoll(argv[3]);
    height = atoll(argv[4]);
    width = atoll(argv[5]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_node_is_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
