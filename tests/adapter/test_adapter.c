/* What the adapter makes of a plug-in: single problems in every pair of layouts, the account of
 * memory, and every way in which a plug-in may fail. */
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "adapter/layout.h"
#include "adapter_fixture.h"
#include "model/problem.h"
#include "naive_kernel.h"
#include "parity/cmocka_includes.h"

static const rb_layout layouts[] = {RB_LAYOUT_NCHW, RB_LAYOUT_NHWC, RB_LAYOUT_NCHW8C,
                                    RB_LAYOUT_NCHW16C};
#define LAYOUTS (sizeof layouts / sizeof layouts[0])

/* A problem with values for all that it reads. */
typedef struct problem_case {
    rb_graph *graph;
    float *tensors[RB_PROBLEM_TENSORS];
    double epsilon;
    rb_weights weights;
    float *src, *addend;
} problem_case;

static problem_case make_case(const char *text) {
    problem_case c = {.epsilon = 1e-3};
    rb_problem problem;
    rb_error err = {""};
    if (rb_problem_parse(text, &problem, &err) != RB_OK ||
        rb_problem_graph_create(&problem, &c.graph, &err) != RB_OK)
        fail_msg("%s", err.message);
    for (int32_t t = 0; t < c.graph->tensor_count; t++) {
        const rb_tensor_desc *tensor = &c.graph->tensors[t];
        int64_t count = 1;
        for (int32_t d = 0; d < tensor->ndim; d++)
            count *= tensor->dims[d];
        c.tensors[t] = rb_noise(count, 10 + (uint32_t)t);
        for (int64_t i = 0; strcmp(tensor->name, "bn_var") == 0 && i < count; i++)
            c.tensors[t][i] += 1.5f;
    }
    c.src = rb_noise(rb_problem_src_elements(&problem), 1);
    c.addend = problem.add ? rb_noise(rb_problem_dst_elements(&problem), 2) : NULL;
    return c;
}

static const rb_weights *weights_of(problem_case *c) {
    c->weights = (rb_weights){.size = sizeof(rb_weights),
                              .tensors = (const float *const *)c->tensors,
                              .epsilon = &c->epsilon};
    return &c->weights;
}

static void release_case(problem_case *c) {
    for (int32_t t = 0; t < RB_PROBLEM_TENSORS; t++)
        rb_test_free(c->tensors[t]);
    rb_test_free(c->src);
    rb_test_free(c->addend);
    rb_problem_graph_destroy(c->graph);
}

static const rb_engine *adapt(const naive_kernel *kernel) {
    const rb_engine *engine = rb_adapter_create(&kernel->table, rb_test_engine("reference"));
    assert_non_null(engine);
    assert_ptr_equal(engine, rb_adapter_create(&kernel->table, rb_test_engine("reference")));
    assert_true(engine->flags & RB_ENGINE_CONV_ONLY);
    return engine;
}

static void problems_are_right_in_every_pair_of_layouts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "mb2ic5ih7iw6oc13kh3ph1+bn+add+relu", "ic17ih9oc9oh5kh3sh2ph1+bias+add",
        "mb3ic16ih1oc20kh1+add+relu", "ic3ih11iw8oc16oh6ow4kh4kw2sh2ph1pw0+bn",
        "mb2ic8ih4oc8kh1sh2+relu"};
    static naive_kernel kernels[LAYOUTS * LAYOUTS];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        problem_case c = make_case(texts[i]);
        const rb_weights *weights = weights_of(&c);
        rb_seen truth = rb_see(rb_test_engine("oracle"), c.graph, weights, c.src, c.addend);
        rb_seen plain = rb_see(rb_test_engine("reference"), c.graph, weights, c.src, c.addend);
        for (size_t k = 0; k < LAYOUTS * LAYOUTS; k++) {
            kernels[k] = naive_kernel_make(layouts[k / LAYOUTS], layouts[k % LAYOUTS], 0);
            rb_seen found = rb_see(adapt(&kernels[k]), c.graph, weights, c.src, c.addend);
            rb_seen_compare(texts[i], &found, &plain, &truth);
            rb_seen_release(&found);
        }
        rb_seen_release(&plain);
        rb_seen_release(&truth);
        release_case(&c);
    }
}

/* By hand: 3 channels of 2 pixels. */
static void layouts_are_what_the_header_says(void **state) {
    (void)state;
    const rb_shape shape = {.n = 1, .c = 3, .plane = 2};
    const float nchw[] = {1, 2, 3, 4, 5, 6};
    const float nhwc[] = {1, 3, 5, 2, 4, 6};
    const float eight[] = {1, 3, 5, 0, 0, 0, 0, 0, 2, 4, 6, 0, 0, 0, 0, 0};
    float out[32], back[6];
    assert_int_equal(rb_layout_elements(RB_LAYOUT_NHWC, shape), 6);
    assert_int_equal(rb_layout_elements(RB_LAYOUT_NCHW8C, shape), 16);
    assert_int_equal(rb_layout_elements(RB_LAYOUT_NCHW16C, shape), 32);
    rb_layout_reorder(RB_LAYOUT_NHWC, out, RB_LAYOUT_NCHW, nchw, shape, 2);
    assert_memory_equal(out, nhwc, sizeof nhwc);
    rb_layout_reorder(RB_LAYOUT_NCHW8C, out, RB_LAYOUT_NHWC, nhwc, shape, 2);
    assert_memory_equal(out, eight, sizeof eight);
    assert_true(rb_layout_padding_is_zero(RB_LAYOUT_NCHW8C, out, shape));
    rb_layout_reorder(RB_LAYOUT_NCHW, back, RB_LAYOUT_NCHW8C, eight, shape, 2);
    assert_memory_equal(back, nchw, sizeof nchw);
    for (int i = 0; i < 16; i++) {
        const float kept = out[i];
        out[i] = 1;
        assert_int_equal(rb_layout_padding_is_zero(RB_LAYOUT_NCHW8C, out, shape), i % 8 < 3);
        out[i] = kept;
    }
    const rb_shape pixel = {.n = 2, .c = 16, .plane = 1}, odd = {.n = 2, .c = 12, .plane = 1};
    assert_true(rb_layout_same(RB_LAYOUT_NCHW, RB_LAYOUT_NHWC, odd));
    assert_true(rb_layout_same(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW16C, pixel));
    assert_false(rb_layout_same(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW16C, odd));
    assert_false(rb_layout_same(RB_LAYOUT_NCHW, RB_LAYOUT_NHWC, shape));
}

typedef struct network {
    rb_test_graph *graph;
    rb_test_weights *weights;
} network;

static network make_network(void) {
    network n = {.graph = rb_test_graph_create("resnet20", 1, 32, 32)};
    n.weights = rb_test_weights_create(&n.graph->graph, 3);
    return n;
}

static void release_network(network *n) {
    rb_test_weights_destroy(n->weights);
    rb_test_graph_destroy(n->graph);
}

static void memory_is_the_hosts_account(void **state) {
    (void)state;
    static naive_kernel kernels[2];
    network n = make_network();
    for (int keeps = 0; keeps < 2; keeps++) {
        rb_test_host host;
        rb_session *session;
        rb_memory memory;
        rb_error err = {""};
        kernels[keeps] = naive_kernel_make(RB_LAYOUT_NHWC, RB_LAYOUT_NCHW16C,
                                           keeps ? RB_KERNEL_KEEPS_WEIGHTS : 0);
        const rb_engine *engine = adapt(&kernels[keeps]);
        rb_test_host_init(&host, 1);
        assert_int_equal(
            rb_test_open(engine, &host, &n.graph->graph, &n.weights->weights, &session, &err),
            RB_OK);
        assert_int_equal(engine->memory(session, &memory, &err), RB_OK);
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
            assert_int_equal(memory.bytes[kind], host.bytes[kind]);
            assert_true(memory.bytes[kind] > 0);
        }
        engine->close(session);
        engine->close(NULL);
        assert_int_equal(host.blocks, 0);
        assert_int_equal(naive_prepared, 0);
    }
    release_network(&n);
}

static void failing_allocation_leaves_nothing(void **state) {
    (void)state;
    static naive_kernel kernel;
    network n = make_network();
    rb_status status = RB_ERR_MEMORY;
    kernel = naive_kernel_make(RB_LAYOUT_NHWC, RB_LAYOUT_NCHW16C, 0);
    int64_t fail_at = 0;
    for (; status != RB_OK; fail_at++) {
        rb_test_host host;
        rb_session *session = (rb_session *)&host;
        rb_error err = {""};
        rb_test_host_init(&host, 1);
        host.fail_at = fail_at;
        status = rb_test_open(adapt(&kernel), &host, &n.graph->graph, &n.weights->weights, &session,
                              &err);
        if (status == RB_OK) {
            adapt(&kernel)->close(session);
        } else {
            assert_int_equal(status, RB_ERR_MEMORY);
            assert_null(session);
            assert_true(strlen(err.message) > 0);
        }
        assert_int_equal(host.blocks, 0);
        assert_int_equal(naive_prepared, 0);
    }
    assert_true(fail_at > 100); /* four for each of the 21 convolutions, and more */
    release_network(&n);
}

/* Opening a graph with a plug-in must fail with status, and say each of the words. */
static void open_fails(const naive_kernel *kernel, const rb_graph *graph, const rb_weights *weights,
                       rb_status expected, const char *const words[3]) {
    rb_test_host host;
    rb_error err = {""};
    rb_session *session = (rb_session *)&host;
    rb_test_host_init(&host, 1);
    const rb_status status = rb_test_open(adapt(kernel), &host, graph, weights, &session, &err);
    assert_int_equal(status, expected);
    assert_null(session);
    for (int i = 0; i < 3 && words[i]; i++)
        if (!strstr(err.message, words[i]))
            fail_msg("'%s' is not in: %s", words[i], err.message);
    assert_int_equal(host.blocks, 0);
    assert_int_equal(naive_prepared, 0);
}

static void refused_convolutions_are_named(void **state) {
    (void)state;
    static naive_kernel kernels[2];
    network n = make_network();
    problem_case c = make_case("ic4ih6oc4kh3ph1+relu");
    const char *const network_words[] = {"conv1", "ic3ih32oc16oh32kh3ph1+bn+relu", "no 3x3 today"};
    const char *const problem_words[] = {"problem", "ic4ih6oc4oh6kh3ph1+relu", "no 3x3 today"};
    for (int partial = 0; partial < 2; partial++) {
        kernels[partial] =
            naive_kernel_make(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW, partial ? RB_KERNEL_PARTIAL : 0);
        kernels[partial].fault = NAIVE_REFUSES_3X3;
        /* Never the reference's result in place of the plug-in's. */
        open_fails(&kernels[partial], c.graph, weights_of(&c), RB_ERR_UNSUPPORTED, problem_words);
    }
    open_fails(&kernels[0], &n.graph->graph, &n.weights->weights, RB_ERR_UNSUPPORTED,
               network_words);
    release_case(&c);
    release_network(&n);
}

static void kernels_are_named(void **state) {
    (void)state;
    static naive_kernel kernel;
    network n = make_network();
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    kernel = naive_kernel_make(RB_LAYOUT_NHWC, RB_LAYOUT_NCHW, RB_KERNEL_PARTIAL);
    kernel.fault = NAIVE_REFUSES_3X3;
    kernel.algorithm = RB_ALGORITHM_WINOGRAD;
    rb_node *fc = rb_test_node(n.graph, "fc"), *conv = rb_test_node(n.graph, "layer1.0.conv1");
    const int32_t last = (int32_t)(fc - n.graph->nodes), first = (int32_t)(conv - n.graph->nodes);
    const rb_engine *engine = adapt(&kernel);
    rb_test_host_init(&host, 1);
    assert_int_equal(
        rb_test_open(engine, &host, &n.graph->graph, &n.weights->weights, &session, &err), RB_OK);
    assert_memory_equal(engine->kernel(session, last), "reference:", 10);
    assert_memory_equal(engine->kernel(session, first), "reference:", 10);
    assert_int_equal(engine->algorithm(session, first), RB_ALGORITHM_DIRECT);
    engine->close(session);
    kernel.fault = NAIVE_FINE;
    assert_int_equal(
        rb_test_open(engine, &host, &n.graph->graph, &n.weights->weights, &session, &err), RB_OK);
    assert_string_equal(engine->kernel(session, first), "reorder+naive:c");
    assert_int_equal(engine->algorithm(session, first), RB_ALGORITHM_WINOGRAD);
    assert_int_equal(engine->algorithm(session, last), RB_ALGORITHM_DIRECT);
    engine->close(session);
    release_network(&n);
}

static void failures_of_prepare_are_told(void **state) {
    (void)state;
    char right[16];
    snprintf(right, sizeof right, "%zu", sizeof(rb_kernel_choice));
    char wrong[16];
    snprintf(wrong, sizeof wrong, "%zu", sizeof(rb_kernel_choice) + 8);
    const struct {
        naive_fault fault;
        const char *words[3];
    } cases[] = {{NAIVE_PREPARE_FAILS, {"layer1.0.conv1", "ic16ih32oc16", "rather not prepare"}},
                 {NAIVE_NOTHING_PREPARED, {"layer1.0.conv1", "without anything prepared"}},
                 {NAIVE_UNKNOWN_LAYOUT, {"layouts 1 and 47", "1 to 4"}},
                 {NAIVE_UNKNOWN_ALGORITHM, {"algorithm 47", "0 and 1"}},
                 {NAIVE_CHOICE_SIZE, {right, wrong}},
                 {NAIVE_CHOICE_RESERVED, {"ABI version 1"}},
                 {NAIVE_SCRATCH_NEGATIVE, {"-47 bytes"}}};
    static naive_kernel kernels[sizeof cases / sizeof cases[0]];
    network n = make_network();
    n.graph->graph.nodes++; /* from the first convolution of a block on: its input is 16 wide */
    n.graph->graph.node_count = 1;
    n.graph->graph.channels = n.graph->nodes[1].ic;
    n.graph->graph.classes = n.graph->nodes[1].oc * n.graph->nodes[1].oh * n.graph->nodes[1].ow;
    n.graph->nodes[1].src = RB_VALUE_INPUT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kernels[i] = naive_kernel_make(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW, 0);
        kernels[i].fault = cases[i].fault;
        open_fails(&kernels[i], &n.graph->graph, &n.weights->weights, RB_ERR_ENGINE,
                   cases[i].words);
    }
    release_network(&n);
}

/* Runs a problem that must fail with ENGINE and say what. */
static void run_fails(const naive_kernel *kernel, const char *what) {
    problem_case c = make_case("ic4ih6oc4kh3ph1");
    const rb_engine *engine = adapt(kernel);
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    float *dst = rb_noise(c.graph->classes, 1);
    rb_test_host_init(&host, 1);
    assert_int_equal(rb_test_open(engine, &host, c.graph, weights_of(&c), &session, &err), RB_OK);
    assert_int_equal(engine->run(session, c.src, NULL, dst, &err), RB_ERR_ENGINE);
    if (!strstr(err.message, what) || !strstr(err.message, "ic4ih6oc4oh6kh3ph1"))
        fail_msg("'%s' is not in: %s", what, err.message);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
    rb_test_free(dst);
    release_case(&c);
}

static void failures_of_run_are_told(void **state) {
    (void)state;
    static naive_kernel fails, dirty;
    fails = naive_kernel_make(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW, 0);
    fails.fault = NAIVE_RUN_FAILS;
    run_fails(&fails, "rather not run");
    dirty = naive_kernel_make(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW8C, 0);
    dirty.fault = NAIVE_DIRTY_PADDING;
    run_fails(&dirty, "are not 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problems_are_right_in_every_pair_of_layouts),
        cmocka_unit_test(layouts_are_what_the_header_says),
        cmocka_unit_test(memory_is_the_hosts_account),
        cmocka_unit_test(failing_allocation_leaves_nothing),
        cmocka_unit_test(refused_convolutions_are_named),
        cmocka_unit_test(kernels_are_named),
        cmocka_unit_test(failures_of_prepare_are_told),
        cmocka_unit_test(failures_of_run_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
