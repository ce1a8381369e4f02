/* test_nodes ENGINE NETWORK BATCH HEIGHT WIDTH [conv_bias|folded]: the value of every node, and the
 * logits, against the float64 oracle; the limit is max(4 x the reference's own error there, 8 u).
 * The same comparison must fail, at the right node, for values and graphs that are wrong in one
 * place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "golden_compare.h"
#include "loaders/synth.h"
#include "model/graph_cost.h"

#define UNIT_ROUNDOFF 0x1p-24

/* What the reference itself may lose at any node, so that a wrong reference does not widen the
 * limit of others. Not measured by it: torch's float32 logits are off by at most 9.71e-7 in any
 * case of the golden files (f32_rel_l2_error; ResNet-101), and docs/design.md gives the
 * reference 4 times that. */
#define REFERENCE_CEILING 4e-6

static const char *engine_name, *network_name;
static rb_graph_shape shape;

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
        engine->tap(session, src, NULL, dst, RB_STAGE_VALUE, keep, &o, &err) != RB_OK)
        fail_msg("%s: %s", name, err.message);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
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

/* All that a comparison needs, observed once. */
typedef struct rb_setup {
    rb_test_graph *graph;
    rb_test_weights *weights;
    float *src;
    rb_observation truth, plain, found;
} rb_setup;

static int set_up(void **state) {
    static rb_setup s;
    const int64_t dims[4] = {shape.batch, 3, shape.height, shape.width};
    s.graph = rb_test_graph_build(network_name, &shape);
    s.weights = rb_test_weights_create(&s.graph->graph, 1);
    s.src = rb_test_alloc((size_t)rb_graph_input_bytes(&s.graph->graph));
    rb_synth_input(dims, 1, s.src);
    s.truth = observe("oracle", &s.graph->graph, &s.weights->weights, s.src);
    s.plain = observe("reference", &s.graph->graph, &s.weights->weights, s.src);
    s.found = observe(engine_name, &s.graph->graph, &s.weights->weights, s.src);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    rb_setup *s = *state;
    release(&s->truth);
    release(&s->plain);
    release(&s->found);
    rb_test_free(s->src);
    rb_test_weights_destroy(s->weights);
    rb_test_graph_destroy(s->graph);
    return 0;
}

typedef struct rb_verdict {
    int32_t offender;   /* the first node beyond its limit (node_count: logits); -1: none */
    bool by_reference;  /* it is the reference that is beyond */
    double worst;       /* largest error of the engine, in units of its limit */
    double worst_plain; /* largest error of the reference */
} rb_verdict;

static rb_verdict compare(const rb_setup *s, const rb_observation *found) {
    const rb_graph *graph = &s->graph->graph;
    rb_verdict verdict = {.offender = -1};
    for (int32_t i = 0; i <= graph->node_count && verdict.offender < 0; i++) {
        const int64_t count = i == graph->node_count ? graph->batch * graph->classes
                                                     : elements_of(graph, &graph->nodes[i]);
        const double reference = rb_relative_l2(s->plain.values[i], s->truth.values[i], count);
        const double error = rb_relative_l2(found->values[i], s->truth.values[i], count);
        const double limit = fmax(4 * reference, 8 * UNIT_ROUNDOFF);
        verdict.by_reference = !(reference <= REFERENCE_CEILING);
        if (verdict.by_reference || !(error <= limit))
            verdict.offender = i;
        verdict.worst = fmax(verdict.worst, error / limit);
        verdict.worst_plain = fmax(verdict.worst_plain, reference);
    }
    return verdict;
}

static void every_node_is_right(void **state) {
    const rb_setup *s = *state;
    const rb_graph *graph = &s->graph->graph;
    const rb_verdict verdict = compare(s, &s->found);
    print_message("%s %s: %d nodes, worst at %.0f %% of its limit; reference off by %.2e at most\n",
                  engine_name, network_name, graph->node_count, 100 * verdict.worst,
                  verdict.worst_plain);
    if (verdict.offender >= 0)
        fail_msg("%s is beyond its limit at %s", verdict.by_reference ? "reference" : engine_name,
                 verdict.offender < graph->node_count ? graph->nodes[verdict.offender].name
                                                      : "logits");
}

static int64_t largest_element(const double *values, int64_t count) {
    int64_t largest = 0;
    for (int64_t i = 1; i < count; i++)
        if (fabs(values[i]) > fabs(values[largest]))
            largest = i;
    return largest;
}

/* As after a store that was left out, in the engine and, which must not widen its limit, in the
 * reference. */
static void one_missing_element_fails(void **state) {
    rb_setup *s = *state;
    const rb_graph *graph = &s->graph->graph;
    const int32_t nodes[] = {0, 1, graph->node_count / 2, graph->node_count};
    for (size_t k = 0; k < sizeof nodes / sizeof nodes[0]; k++) {
        const int32_t i = nodes[k];
        const int64_t count = i == graph->node_count ? graph->batch * graph->classes
                                                     : elements_of(graph, &graph->nodes[i]);
        double *const sides[] = {s->found.values[i], s->plain.values[i]};
        for (size_t side = 0; side < 2; side++) {
            double *element = &sides[side][largest_element(sides[side], count)];
            const double kept = *element;
            *element = 0;
            const rb_verdict verdict = compare(s, &s->found);
            *element = kept;
            assert_int_equal(verdict.offender, i);
            assert_int_equal(verdict.by_reference, side == 1);
        }
    }
}

/* The engine is given a graph without one of the ReLUs: that node must be named. */
static void another_graph_fails(void **state) {
    rb_setup *s = *state;
    int32_t i = s->graph->graph.node_count / 2;
    while (!s->graph->nodes[i].relu)
        i++;
    s->graph->nodes[i].relu = 0;
    rb_observation other = observe(engine_name, &s->graph->graph, &s->weights->weights, s->src);
    s->graph->nodes[i].relu = 1;
    const rb_verdict verdict = compare(s, &other);
    release(&other);
    assert_int_equal(verdict.offender, i);
    assert_false(verdict.by_reference);
}

int main(int argc, char **argv) {
    if (argc < 6 || argc > 7)
        return EXIT_FAILURE;
    engine_name = argv[1];
    network_name = argv[2];
    shape = (rb_graph_shape){.batch = atoll(argv[3]),
                             .height = atoll(argv[4]),
                             .width = atoll(argv[5]),
                             .conv_bias = argc == 7 && strcmp(argv[6], "conv_bias") == 0,
                             .folded = argc == 7 && strcmp(argv[6], "folded") == 0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_is_right),
        cmocka_unit_test(one_missing_element_fails),
        cmocka_unit_test(another_graph_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
