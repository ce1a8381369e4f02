/* test_golden FILE CASE: the engines against one case of a golden file.
 * Exits with 77 (skipped) when the file is not there. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/jitter.h"
#include "bench/parity.h"
#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "golden_compare.h"
#include "loaders/synth.h"
#include "model/graph_cost.h"

#define SKIPPED 77
#define ORACLE_LIMIT 1e-11
#define REFERENCE_FACTOR 4     /* times what torch's own float32 run loses in the logits */
#define REFERENCE_CEILING 4e-6 /* of the limit, whatever the file says; see test_nodes.c */

static const char *golden_path, *golden_case;

typedef struct rb_setup {
    rb_golden *golden;
    rb_test_graph *graph;
    rb_test_weights *weights;
    float *input;
    rb_golden_score moved; /* of the oracle, under bench/jitter.h */
} rb_setup;

/* The file does not say what torch loses in a module, and what is compared of one rests on few
 * elements: one for absmax, 16 for the probes. An element may be off by several times what the
 * whole is, so the limit is not the logits': it is what the oracle's own figures move by. */
static double module_limit(const rb_setup *s) {
    return s->moved.module_error;
}

static int32_t threads(void) {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 8 ? 8 : online < 1 ? 1 : (int32_t)online;
}

/* The oracle's score with its weights moved by float32's roundings (bench/jitter.h), the larger of
 * all draws. */
static rb_golden_score moved_score(const rb_setup *s) {
    const rb_graph *graph = &s->graph->graph;
    rb_golden_score most = {0};
    for (int32_t way = 1; way <= RB_JITTERS; way++) {
        rb_error err;
        float **tensors;
        rb_golden_score score;
        if (rb_jitter_create(graph, s->weights->weights.tensors, way, &tensors, &err) != RB_OK)
            fail_msg("%s", err.message);
        const rb_weights weights = {.size = sizeof weights,
                                    .tensors = (const float *const *)tensors,
                                    .epsilon = s->weights->epsilon};
        rb_golden_compare(rb_test_engine("oracle"), graph, &weights, s->input, s->golden, threads(),
                          NULL, &score);
        rb_jitter_destroy(graph, tensors);
        most.worst_image_error = fmax(most.worst_image_error, score.worst_image_error);
        most.module_error = fmax(most.module_error, score.module_error);
    }
    return most;
}

static int set_up(void **state) {
    static rb_setup s;
    s.golden = rb_golden_read(golden_path, golden_case);
    s.graph = rb_golden_graph(s.golden, "");
    s.weights = rb_test_weights_create(&s.graph->graph, (uint64_t)s.golden->seed);
    const int64_t dims[4] = {s.golden->batch, 3, s.golden->height, s.golden->width};
    s.input = rb_test_alloc((size_t)(dims[0] * dims[1] * dims[2] * dims[3]) * sizeof(float));
    rb_synth_input(dims, (uint64_t)s.golden->seed, s.input);
    s.moved = moved_score(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    rb_setup *s = *state;
    rb_golden_destroy(s->golden);
    rb_test_graph_destroy(s->graph);
    rb_test_weights_destroy(s->weights);
    rb_test_free(s->input);
    return 0;
}

static void oracle_agrees_everywhere(void **state) {
    const rb_setup *s = *state;
    rb_golden_score score;
    rb_golden_compare(rb_test_engine("oracle"), &s->graph->graph, &s->weights->weights, s->input,
                      s->golden, threads(), NULL, &score);
    assert_true(score.compared > 0);
    assert_int_equal(score.missing, 0);
    assert_int_equal(score.unknown, 0);
    if (!(score.logits_error <= ORACLE_LIMIT))
        fail_msg("logits are off by %.2e, limit %.2e", score.logits_error, ORACLE_LIMIT);
    if (!(score.module_error <= ORACLE_LIMIT))
        fail_msg("%s is off by %.2e, limit %.2e", score.worst, score.module_error, ORACLE_LIMIT);
}

static void reference_loses_no_more_than_torch(void **state) {
    const rb_setup *s = *state;
    rb_golden_score score;
    rb_golden_compare(rb_test_engine("reference"), &s->graph->graph, &s->weights->weights, s->input,
                      s->golden, threads(), NULL, &score);
    const double limit = REFERENCE_FACTOR * s->golden->f32_rel_l2_error;
    assert_int_equal(score.missing, 0);
    assert_int_equal(score.unknown, 0);
    if (!(limit > 0 && limit <= REFERENCE_CEILING && score.logits_error <= limit))
        fail_msg("logits are off by %.2e, limit %.2e", score.logits_error, limit);
    if (!(score.module_error <= module_limit(s)))
        fail_msg("%s is off by %.2e, limit %.2e", score.worst, score.module_error, module_limit(s));
}

/* What an optimised engine shows of itself (no module before batch norm), and the logits. */
static void onednn_loses_no_more_than_torch(void **state) {
    const rb_setup *s = *state;
    rb_golden_score score;
    rb_golden_compare(rb_test_engine("onednn"), &s->graph->graph, &s->weights->weights, s->input,
                      s->golden, threads(), NULL, &score);
    const double limit = REFERENCE_FACTOR * s->golden->f32_rel_l2_error;
    assert_int_equal(score.unknown, 0);
    assert_true(score.compared >= s->graph->graph.node_count);
    if (!(limit > 0 && limit <= REFERENCE_CEILING && score.logits_error <= limit))
        fail_msg("logits are off by %.2e, limit %.2e", score.logits_error, limit);
    if (!(score.module_error <= module_limit(s)))
        fail_msg("%s is off by %.2e, limit %.2e", score.worst, score.module_error, module_limit(s));
}

/* The limit that the harness gives the reference, held against a float32 run that is not ours:
 * torch must pass, and not with ten times the room it needs (or 8 u, the least that is given). */
static void the_limit_of_the_reference_fits_torch(void **state) {
    const rb_setup *s = *state;
    const double limit = rb_parity_reference_limit(s->moved.worst_image_error);
    const double torch = s->golden->f32_rel_l2_error;
    print_message("torch loses %.2e, the reference may %.2e\n", torch, limit);
    assert_true(torch <= limit);
    assert_true(limit <= fmax(10 * torch, 8 * 0x1p-24));
    assert_true(limit <= REFERENCE_CEILING);
}

static void parameters_are_torchs(void **state) {
    const rb_setup *s = *state;
    assert_int_equal(rb_graph_parameters(&s->graph->graph), s->golden->parameters);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return EXIT_FAILURE;
    golden_path = argv[1];
    golden_case = argv[2];
    if (access(golden_path, R_OK) != 0) {
        print_message(
            "SKIPPED: there is no golden file %s (configure with -DRESBENCH_GOLDEN=FILE)\n",
            golden_path);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_torchs),
        cmocka_unit_test(oracle_agrees_everywhere),
        cmocka_unit_test(reference_loses_no_more_than_torch),
        cmocka_unit_test(the_limit_of_the_reference_fits_torch),
        cmocka_unit_test(onednn_loses_no_more_than_torch),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
