/* What the ABI promises of a session, whatever the arithmetic. */
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "loaders/synth.h"

#define BATCH 3
#define HEIGHT 40
#define WIDTH 36
#define IMAGE (3 * HEIGHT * WIDTH)

static const char *const engine_names[] = {"reference", "oracle"};

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

static size_t row_bytes(const rb_engine *engine) {
    const size_t size = engine->output_dtype == RB_F64 ? sizeof(double) : sizeof(float);
    return (size_t)graph->graph.classes * size;
}

static void *run(const rb_engine *engine, int32_t threads, const float *src) {
    void *dst = rb_test_alloc(BATCH * row_bytes(engine));
    rb_test_run(engine, &graph->graph, &weights->weights, threads, src, dst);
    return dst;
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    for (int e = 0; e < 2; e++) {
        const rb_engine *engine = rb_test_engine(engine_names[e]);
        void *one = run(engine, 1, input);
        for (int32_t threads = 2; threads <= 3; threads++) {
            void *more = run(engine, threads, input);
            assert_memory_equal(one, more, BATCH * row_bytes(engine));
            rb_test_free(more);
        }
        rb_test_free(one);
    }
}

static void permuted_batch_permutes_outputs(void **state) {
    (void)state;
    static const size_t from[BATCH] = {2, 0, 1};
    float *permuted = rb_test_alloc(BATCH * IMAGE * sizeof *permuted);
    for (size_t n = 0; n < BATCH; n++)
        memcpy(permuted + n * IMAGE, input + from[n] * IMAGE, IMAGE * sizeof *permuted);
    for (int e = 0; e < 2; e++) {
        const rb_engine *engine = rb_test_engine(engine_names[e]);
        const size_t row = row_bytes(engine);
        char *plain = run(engine, 2, input), *moved = run(engine, 2, permuted);
        for (size_t n = 0; n < BATCH; n++)
            assert_memory_equal(moved + n * row, plain + from[n] * row, row);
        assert_memory_not_equal(plain, plain + row, row);
        rb_test_free(plain);
        rb_test_free(moved);
    }
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
    for (int e = 0; e < 2; e++) {
        const rb_engine *engine = rb_test_engine(engine_names[e]);
        void *plain = run(engine, 2, input), *tapped = rb_test_alloc(BATCH * row_bytes(engine));
        rb_test_host host;
        rb_session *session;
        rb_error err = {""};
        rb_test_host_init(&host, 2);
        assert_int_equal(
            rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err), RB_OK);
        for (uint32_t stages = 0; stages < 8; stages++) {
            tap_record record = {.dtype = engine->output_dtype, .fail_at = -1};
            assert_int_equal(engine->tap(session, input, tapped, stages, on_tap, &record, &err),
                             RB_OK);
            assert_int_equal(record.calls[0], stages & RB_STAGE_CONV ? convolutions : 0);
            assert_int_equal(record.calls[1], stages & RB_STAGE_BN ? convolutions : 0);
            assert_int_equal(record.calls[2], stages & RB_STAGE_VALUE ? nodes : 0);
            assert_memory_equal(plain, tapped, BATCH * row_bytes(engine));
        }
        tap_record record = {.dtype = engine->output_dtype, .fail_at = 3};
        assert_int_equal(engine->tap(session, input, tapped, RB_STAGE_VALUE, on_tap, &record, &err),
                         RB_ERR_INTERRUPTED);
        assert_int_equal(record.last_node, 3);
        assert_string_equal(err.message, "enough");
        engine->close(session);
        rb_test_free(plain);
        rb_test_free(tapped);
    }
}

static void memory_is_the_hosts_account(void **state) {
    (void)state;
    for (int e = 0; e < 2; e++) {
        const rb_engine *engine = rb_test_engine(engine_names[e]);
        void *dst = rb_test_alloc(BATCH * row_bytes(engine));
        float *src = rb_test_alloc(BATCH * IMAGE * sizeof *src);
        memcpy(src, input, BATCH * IMAGE * sizeof *src);
        rb_test_host host;
        rb_session *session;
        rb_memory memory;
        rb_error err = {""};
        rb_test_host_init(&host, 2);
        assert_int_equal(
            rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err), RB_OK);
        const int64_t allocations = host.allocations;
        for (int i = 0; i < 2; i++)
            assert_int_equal(engine->run(session, src, dst, &err), RB_OK);
        assert_int_equal(host.allocations, allocations); /* run takes nothing */
        assert_memory_equal(src, input, BATCH * IMAGE * sizeof *src);
        assert_int_equal(engine->memory(session, &memory, &err), RB_OK);
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
            assert_int_equal(memory.bytes[kind], host.bytes[kind]);
            assert_true(memory.bytes[kind] > 0);
        }
        for (int32_t n = 0; n < graph->graph.node_count; n++)
            assert_non_null(engine->kernel(session, n));
        engine->close(session);
        assert_int_equal(host.blocks, 0);
        engine->close(NULL);
        rb_test_free(src);
        rb_test_free(dst);
    }
}

static void failing_allocation_leaves_nothing(void **state) {
    (void)state;
    const rb_engine *engine = rb_test_engine("reference");
    rb_status status = RB_ERR_MEMORY;
    for (int64_t fail_at = 0; status != RB_OK; fail_at++) {
        rb_test_host host;
        rb_session *session = (rb_session *)&host;
        rb_error err = {""};
        rb_test_host_init(&host, 1);
        host.fail_at = fail_at;
        status = rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err);
        if (status == RB_OK) {
            assert_true(fail_at > 10);
            engine->close(session);
        } else {
            assert_int_equal(status, RB_ERR_MEMORY);
            assert_null(session);
            assert_true(strlen(err.message) > 0);
        }
        assert_int_equal(host.blocks, 0);
    }
}

/* open must refuse with UNSUPPORTED and name both numbers. */
static void refused(const rb_host *host, const rb_options *options, const char *found,
                    const char *known) {
    const rb_engine *engine = rb_test_engine("reference");
    rb_session *session = (rb_session *)&engine;
    rb_error err = {""};
    assert_int_equal(engine->open(host, &graph->graph, &weights->weights, options, &session, &err),
                     RB_ERR_UNSUPPORTED);
    assert_null(session);
    assert_non_null(strstr(err.message, found));
    assert_non_null(strstr(err.message, known));
}

static void requests_it_cannot_meet_are_refused(void **state) {
    (void)state;
    rb_test_host host;
    rb_test_host_init(&host, 1);
    const rb_options options = {sizeof options, RB_F32, RB_MODE_INFERENCE};
    char size[32];
    rb_host other = host.host;
    other.abi = 41;
    refused(&other, &options, "41", "0");
    other = host.host;
    other.size = 1234;
    snprintf(size, sizeof size, "%zu", sizeof other);
    refused(&other, &options, "1234", size);
    other = host.host;
    other.threads = 0;
    refused(&other, &options, "0", "1");
    rb_options changed = options;
    changed.size = 1234;
    snprintf(size, sizeof size, "%zu", sizeof changed);
    refused(&host.host, &changed, "1234", size);
    changed = options;
    changed.dtype = RB_F64;
    refused(&host.host, &changed, "2", "1");
    changed = options;
    changed.mode = RB_MODE_TRAINING;
    refused(&host.host, &changed, "2", "1");
    assert_int_equal(host.allocations, 0);
}

/* Spoils one field of a node, expects a refusal, and puts it back. */
static void contradiction(int64_t *field, int64_t value) {
    const int64_t kept = *field;
    rb_test_host host;
    rb_session *session = NULL;
    rb_error err = {""};
    rb_test_host_init(&host, 1);
    *field = value;
    const rb_status status = rb_test_open(rb_test_engine("reference"), &host, &graph->graph,
                                          &weights->weights, &session, &err);
    *field = kept;
    if (status != RB_ERR_INPUT && status != RB_ERR_MEMORY)
        fail_msg("status %d for a graph that contradicts itself", (int)status);
    assert_true(strlen(err.message) > 0);
    assert_int_equal(host.blocks, 0);
}

static void contradictory_graphs_are_refused(void **state) {
    (void)state;
    rb_node *n = rb_test_node(graph, "layer2.0.conv1");
    int64_t *const fields[] = {&n->ic, &n->ih,       &n->iw,       &n->oc,      &n->oh,
                               &n->ow, &n->stride_h, &n->stride_w, &n->pad_top, &n->pad_left};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        contradiction(fields[i], -1);
        contradiction(fields[i], INT64_MAX);
        contradiction(fields[i], INT64_MIN);
    }
    contradiction(&n->kh, 9);
    contradiction(&n->oh, n->oh + 1);
    contradiction(&graph->graph.classes, 999);
    contradiction(&graph->graph.batch, 0);
    contradiction(&graph->graph.batch, INT64_MAX);
    const int32_t src = n->src, wei = n->wei;
    n->src = graph->graph.node_count;
    contradiction(&graph->graph.batch, BATCH);
    n->src = src;
    n->wei = RB_NONE;
    contradiction(&graph->graph.batch, BATCH);
    n->wei = graph->graph.tensor_count;
    contradiction(&graph->graph.batch, BATCH);
    n->wei = wei;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(permuted_batch_permutes_outputs),
        cmocka_unit_test(tap_shows_what_is_asked),
        cmocka_unit_test(memory_is_the_hosts_account),
        cmocka_unit_test(failing_allocation_leaves_nothing),
        cmocka_unit_test(requests_it_cannot_meet_are_refused),
        cmocka_unit_test(contradictory_graphs_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
