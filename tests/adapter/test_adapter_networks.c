/* test_adapter_networks NETWORK BATCH HEIGHT WIDTH [conv_bias|folded]: every node of a network with
 * the naive plug-in in all layouts, against the float64 oracle. */
#include <stdlib.h>
#include <string.h>

#include "adapter/adapter.h"
#include "adapter_fixture.h"
#include "loaders/synth.h"
#include "model/graph_cost.h"
#include "naive_kernel.h"
#include "parity/cmocka_includes.h"

static const char *network_name;
static rb_graph_shape shape;

static rb_test_graph *graph;
static rb_test_weights *weights;
static float *src;
static rb_seen truth, plain;

static int set_up(void **state) {
    (void)state;
    graph = rb_test_graph_build(network_name, &shape);
    weights = rb_test_weights_create(&graph->graph, 5);
    for (int32_t i = 0; i < graph->graph.node_count; i++)
        weights->epsilon[i] *= 1 + 100 * i; /* each node has one of its own */
    src = rb_test_alloc((size_t)rb_graph_input_bytes(&graph->graph));
    rb_synth_input((const int64_t[4]){shape.batch, 3, shape.height, shape.width}, 5, src);
    truth = rb_see(rb_test_engine("oracle"), &graph->graph, &weights->weights, src, NULL);
    plain = rb_see(rb_test_engine("reference"), &graph->graph, &weights->weights, src, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rb_seen_release(&truth);
    rb_seen_release(&plain);
    rb_test_free(src);
    rb_test_weights_destroy(weights);
    rb_test_graph_destroy(graph);
    return 0;
}

static void check(const char *what, const naive_kernel *kernel) {
    const rb_engine *engine = rb_adapter_create(&kernel->table, rb_test_engine("reference"));
    rb_seen found = rb_see(engine, &graph->graph, &weights->weights, src, NULL);
    rb_seen_compare(what, &found, &plain, &truth);
    assert_int_equal(naive_prepared, 0);
    rb_seen_release(&found);
}

static void every_layout_is_right_at_every_node(void **state) {
    (void)state;
    static naive_kernel kernels[6];
    const rb_layout layouts[][2] = {
        {RB_LAYOUT_NCHW, RB_LAYOUT_NCHW},     {RB_LAYOUT_NHWC, RB_LAYOUT_NHWC},
        {RB_LAYOUT_NCHW8C, RB_LAYOUT_NCHW8C}, {RB_LAYOUT_NCHW16C, RB_LAYOUT_NCHW16C},
        {RB_LAYOUT_NHWC, RB_LAYOUT_NCHW8C},   {RB_LAYOUT_NCHW16C, RB_LAYOUT_NHWC}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        char what[32];
        snprintf(what, sizeof what, "layouts %d to %d", layouts[i][0], layouts[i][1]);
        kernels[i] =
            naive_kernel_make(layouts[i][0], layouts[i][1], i % 2 ? RB_KERNEL_KEEPS_WEIGHTS : 0);
        check(what, &kernels[i]);
    }
}

/* A plug-in that leaves out its 3x3, and says that the reference may do them. */
static void what_it_refuses_is_the_references(void **state) {
    (void)state;
    static naive_kernel kernel;
    kernel = naive_kernel_make(RB_LAYOUT_NHWC, RB_LAYOUT_NCHW16C, RB_KERNEL_PARTIAL);
    kernel.fault = NAIVE_REFUSES_3X3;
    check("partial", &kernel);
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6)
        return EXIT_FAILURE;
    network_name = argv[1];
    shape = (rb_graph_shape){.batch = atoll(argv[2]),
                             .height = atoll(argv[3]),
                             .width = atoll(argv[4]),
                             .conv_bias = argc == 6 && strcmp(argv[5], "conv_bias") == 0,
                             .folded = argc == 6 && strcmp(argv[5], "folded") == 0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_is_right_at_every_node),
        cmocka_unit_test(what_it_refuses_is_the_references),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
