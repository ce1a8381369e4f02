/* test_session ENGINE: what the ABI promises of a session, whatever the arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "golden_compare.h"
#include "loaders/synth.h"

#define BATCH 3
#define HEIGHT 40
#define WIDTH 36
#define IMAGE (3 * HEIGHT * WIDTH)

/* Between thread counts, where an engine may split its sums: twenty times what float32 costs a
 * ResNet-18 (5e-7, tests/golden), and far below what any wrong value does to the logits. */
#define THREADS_LIMIT 1e-5

static const rb_engine *engine;
static bool plain_loops; /* reference, oracle: the same bits with any threads, and all stages */

static rb_test_graph *graph;
static rb_test_weights *weights;
static float *input; /* (BATCH, 3, HEIGHT, WIDTH) */

static int set_up(void **state) {
    (void)state;
    graph = rb_test_graph_create("resnet18", BATCH, HEIGHT, WIDTH);
    weights = rb_test_weights_create(&graph->graph, 2);
    input = rb_test_alloc(BATCH * IMAGE * sizeof *input);
    rb_synth_input((const int64_t[4]){BATCH, 3, HEIGHT, WIDTH}, 2, input);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rb_test_graph_destroy(graph);
    rb_test_weights_destroy(weights);
    rb_test_free(input);
    return 0;
}

static size_t row_bytes(void) {
    const size_t size = engine->output_dtype == RB_F64 ? sizeof(double) : sizeof(float);
    return (size_t)graph->graph.classes * size;
}

static void *run(int32_t threads, const float *src) {
    void *dst = rb_test_alloc(BATCH * row_bytes());
    rb_test_run(engine, &graph->graph, &weights->weights, threads, src, dst);
    return dst;
}

static double *widen(const void *data) {
    const int64_t count = BATCH * graph->graph.classes;
    double *wide = rb_test_alloc((size_t)count * sizeof *wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = engine->output_dtype == RB_F64 ? ((const double *)data)[i]
                                                 : (double)((const float *)data)[i];
    return wide;
}

static void threads_do_not_change_the_result(void **state) {
    (void)state;
    void *one = run(1, input);
    double *wide_one = widen(one);
    for (int32_t threads = 2; threads <= 3; threads++) {
        void *more = run(threads, input);
        double *wide_more = widen(more);
        if (plain_loops)
            assert_memory_equal(one, more, BATCH * row_bytes());
        const double error = rb_relative_l2(wide_more, wide_one, BATCH * graph->graph.classes);
        if (!(error <= THREADS_LIMIT))
            fail_msg("%d threads change the logits by %.2e", threads, error);
        rb_test_free(wide_more);
        rb_test_free(more);
    }
    rb_test_free(wide_one);
    rb_test_free(one);
}

static void permuted_batch_permutes_outputs(void **state) {
    (void)state;
    static const size_t from[BATCH] = {2, 0, 1};
    float *permuted = rb_test_alloc(BATCH * IMAGE * sizeof *permuted);
    for (size_t n = 0; n < BATCH; n++)
        memcpy(permuted + n * IMAGE, input + from[n] * IMAGE, IMAGE * sizeof *permuted);
    const size_t row = row_bytes();
    char *plain = run(2, input), *moved = run(2, permuted);
    for (size_t n = 0; n < BATCH; n++)
        assert_memory_equal(moved + n * row, plain + from[n] * row, row);
    assert_memory_not_equal(plain, plain + row, row);
    rb_test_free(plain);
    rb_test_free(moved);
    rb_test_free(permuted);
}

typedef struct tap_record {
    int32_t calls[3]; /* by stage: convolution, BN, value */
    int32_t last_node;
    rb_dtype dtype;
    int32_t fail_at; /* node at which to end the tap, or -1 */
} tap_record;

static rb_status on_tap(void *ctx, int32_t index, rb_stage stage, const int64_t dims[4],
                        rb_dtype dtype, const void *data, rb_error *err) {
    tap_record *record = ctx;
    const rb_node *n = &graph->nodes[index];
    assert_true(index >= record->last_node);
    assert_non_null(data);
    assert_int_equal(dtype, record->dtype);
    assert_int_equal(dims[0], BATCH);
    assert_int_equal(dims[1], n->oc);
    assert_int_equal(dims[2], n->oh);
    assert_int_equal(dims[3], n->ow);
    record->last_node = index;
    record->calls[stage == RB_STAGE_CONV ? 0 : stage == RB_STAGE_BN ? 1 : 2]++;
    return index == record->fail_at ? rb_fail(err, RB_ERR_INTERRUPTED, "enough") : RB_OK;
}

static void tap_shows_what_is_asked(void **state) {
    (void)state;
    const int32_t convolutions = 20, nodes = graph->graph.node_count;
    void *plain = run(2, input), *tapped = rb_test_alloc(BATCH * row_bytes());
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    rb_test_host_init(&host, 2);
    assert_int_equal(rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err),
                     RB_OK);
    for (uint32_t stages = 0; stages < 8; stages++) {
        tap_record record = {.dtype = engine->output_dtype, .fail_at = -1};
        assert_int_equal(engine->tap(session, input, NULL, tapped, stages, on_tap, &record, &err),
                         RB_OK);
        const int32_t inner = plain_loops ? convolutions : 0; /* elsewhere they may be fused away */
        assert_int_equal(record.calls[0], stages & RB_STAGE_CONV ? inner : 0);
        assert_int_equal(record.calls[1], stages & RB_STAGE_BN ? inner : 0);
        assert_int_equal(record.calls[2], stages & RB_STAGE_VALUE ? nodes : 0);
        assert_memory_equal(plain, tapped, BATCH * row_bytes());
    }
    tap_record record = {.dtype = engine->output_dtype, .fail_at = 3};
    assert_int_equal(
        engine->tap(session, input, NULL, tapped, RB_STAGE_VALUE, on_tap, &record, &err),
        RB_ERR_INTERRUPTED);
    assert_int_equal(record.last_node, 3);
    assert_string_equal(err.message, "enough");
    engine->close(session);
    rb_test_free(plain);
    rb_test_free(tapped);
}

static void memory_is_the_hosts_account(void **state) {
    (void)state;
    void *dst = rb_test_alloc(BATCH * row_bytes());
    float *src = rb_test_alloc(BATCH * IMAGE * sizeof *src);
    memcpy(src, input, BATCH * IMAGE * sizeof *src);
    rb_test_host host;
    rb_session *session;
    rb_memory memory;
    rb_error err = {""};
    rb_test_host_init(&host, 2);
    assert_int_equal(rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err),
                     RB_OK);
    const int64_t allocations = host.allocations;
    for (int i = 0; i < 2; i++)
        assert_int_equal(engine->run(session, src, NULL, dst, &err), RB_OK);
    assert_int_equal(host.allocations, allocations); /* run takes nothing */
    assert_memory_equal(src, input, BATCH * IMAGE * sizeof *src);
    assert_int_equal(engine->memory(session, &memory, &err), RB_OK);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        assert_int_equal(memory.bytes[kind], host.bytes[kind]);
        assert_true(memory.bytes[kind] > 0 || kind == RB_MEMORY_SCRATCH);
    }
    for (int32_t n = 0; n < graph->graph.node_count; n++) {
        assert_non_null(engine->kernel(session, n));
        assert_true(strlen(engine->kernel(session, n)) > 0);
    }
    engine->close(session);
    assert_int_equal(host.blocks, 0);
    engine->close(NULL);
    rb_test_free(src);
    rb_test_free(dst);
}

/* On the stem and the first stage: all kinds of allocation, and little time in between. */
static void failing_allocation_leaves_nothing(void **state) {
    (void)state;
    const rb_node *last = rb_test_node(graph, "layer1.1.conv2");
    rb_graph stem = graph->graph;
    stem.node_count = (int32_t)(last - graph->nodes) + 1;
    stem.classes = last->oc * last->oh * last->ow;
    rb_status status = RB_ERR_MEMORY;
    for (int64_t fail_at = 0; status != RB_OK; fail_at++) {
        rb_test_host host;
        rb_session *session = (rb_session *)&host;
        rb_error err = {""};
        rb_test_host_init(&host, 1);
        host.fail_at = fail_at;
        status = rb_test_open(engine, &host, &stem, &weights->weights, &session, &err);
        if (status == RB_OK) {
            assert_true(fail_at >= (plain_loops ? 10 : 2)); /* weights and activations at least */
            engine->close(session);
        } else {
            assert_int_equal(status, RB_ERR_MEMORY);
            assert_null(session);
            assert_true(strlen(err.message) > 0);
        }
        assert_int_equal(host.blocks, 0);
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        return EXIT_FAILURE;
    engine = rb_test_engine(argv[1]);
    plain_loops = strcmp(argv[1], "reference") == 0 || strcmp(argv[1], "oracle") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_the_result),
        cmocka_unit_test(permuted_batch_permutes_outputs),
        cmocka_unit_test(tap_shows_what_is_asked),
        cmocka_unit_test(memory_is_the_hosts_account),
        cmocka_unit_test(failing_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
