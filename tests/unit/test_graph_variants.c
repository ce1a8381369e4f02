/* What graphs of ImageNet networks do not have: "same" padding, shortcuts without parameters,
 * biases of convolutions, folded batch norm. */
#include "test_graph_support.h"

static void check_pads(const rb_graph *graph, const char *name, int64_t top, int64_t left,
                       int64_t bottom, int64_t right) {
    const rb_node *n = node_of(graph, name);
    const int64_t pads[] = {top, left, bottom, right};
    const int64_t found[] = {n->pad_top, n->pad_left, n->pad_bottom, n->pad_right};
    assert_memory_equal(found, pads, sizeof pads);
}

/* TensorFlow's rule by hand: out = ceil(in / stride); total = (out - 1) stride + kernel - in, its
 * smaller half in front. 34 -> 17: 1 in all; 45 -> 23: 2; 23 -> 12: 2; 17 -> 9: 2. */
static void same_padding_is_tensorflows(void **state) {
    (void)state;
    rb_graph *even = build("resnet8", (rb_graph_shape){.batch = 1});
    check_pads(even, "conv1", 1, 1, 1, 1);
    check_pads(even, "layer2.0.conv1", 0, 0, 1, 1);
    check_pads(even, "layer2.0.conv2", 1, 1, 1, 1);
    check_pads(even, "layer2.0.downsample.0", 0, 0, 0, 0);
    check_pads(even, "layer3.0.conv1", 0, 0, 1, 1);
    check_plane(even, "layer2.0.conv1", 32, 16, 16);
    check_plane(even, "layer3.0.downsample.0", 64, 8, 8);
    rb_graph_destroy(even);
    rb_graph *odd = build("resnet8", (rb_graph_shape){.batch = 1, .height = 45, .width = 34});
    check_pads(odd, "conv1", 1, 1, 1, 1);
    check_pads(odd, "layer2.0.conv1", 1, 0, 1, 1);
    check_pads(odd, "layer2.0.downsample.0", 0, 0, 0, 0);
    check_pads(odd, "layer3.0.conv1", 1, 1, 1, 1);
    check_plane(odd, "layer2.0.conv1", 32, 23, 17);
    check_plane(odd, "layer2.0.downsample.0", 32, 23, 17);
    check_plane(odd, "layer3.0.conv1", 64, 12, 9);
    check_plane(odd, "layer3.0.downsample.0", 64, 12, 9);
    rb_graph_destroy(odd);
}

static void a_shortcut_without_parameters_is_a_node(void **state) {
    (void)state;
    rb_graph *graph = build("resnet56", (rb_graph_shape){.batch = 2, .height = 45, .width = 34});
    const rb_node *n = node_of(graph, "layer3.0.shortcut");
    const rb_node *before = node_of(graph, "layer2.8.conv2"),
                  *sum = node_of(graph, "layer3.0.conv2");
    assert_int_equal(n->op, RB_OP_SHORTCUT);
    assert_int_equal(n->src, before - graph->nodes);
    assert_int_equal(sum->add, n - graph->nodes);
    assert_int_equal(n + 1 - graph->nodes, sum - graph->nodes);
    assert_int_equal(n->ic, 32);
    assert_int_equal(n->stride_h, 2);
    assert_int_equal(n->stride_w, 2);
    assert_int_equal(n->kh * n->kw, 1);
    assert_int_equal(n->wei, RB_NONE);
    check_pads(graph, n->name, 0, 0, 0, 0);
    check_plane(graph, n->name, 64, 12, 9);
    assert_int_equal(rb_node_macs(graph, n), 0);
    assert_int_equal(rb_node_parameters(graph, n), 0);
    assert_int_equal(rb_node_value_bytes(graph, n), 2 * 64 * 12 * 9 * 4);
    rb_graph_destroy(graph);
}

/* Keras counts its running statistics: 78666 values in the file of ResNet-8; the ResNet-50 of Keras
 * applications has 25636712. */
static void biases_of_convolutions_are_tensors(void **state) {
    (void)state;
    rb_graph *tiny = build("resnet8", (rb_graph_shape){.batch = 1, .conv_bias = true});
    rb_graph *keras = build("resnet50-v1", (rb_graph_shape){.batch = 1, .conv_bias = true});
    assert_int_equal(rb_graph_weight_bytes(tiny), 4 * 78666);
    assert_int_equal(rb_graph_weight_bytes(keras), 4 * 25636712);
    const rb_node *n = node_of(keras, "layer2.0.downsample.0");
    assert_string_equal(keras->tensors[n->bia].name, "layer2.0.downsample.0.bias");
    assert_int_equal(keras->tensors[n->bia].ndim, 1);
    assert_int_equal(keras->tensors[n->bia].dims[0], 512);
    assert_string_equal(keras->tensors[n->bn_bias].name, "layer2.0.downsample.1.bias");
    n = node_of(tiny, "layer3.0.downsample.0");
    assert_string_equal(tiny->tensors[n->bia].name, "layer3.0.downsample.0.bias");
    assert_int_equal(n->bn_weight, RB_NONE);
    rb_graph_destroy(tiny);
    rb_graph_destroy(keras);
}

static void a_folded_graph_has_no_batch_norm(void **state) {
    (void)state;
    rb_graph *folded = build("resnet50", (rb_graph_shape){.batch = 1, .folded = true});
    rb_graph *whole = build("resnet50", (rb_graph_shape){.batch = 1});
    assert_int_equal(folded->node_count, whole->node_count);
    assert_int_equal(folded->tensor_count, 2 * 54);
    assert_int_equal(rb_graph_macs(folded), rb_graph_macs(whole));
    for (int32_t i = 0; i < folded->node_count; i++) {
        const rb_node *n = &folded->nodes[i];
        assert_string_equal(n->name, whole->nodes[i].name);
        assert_int_equal(n->bn_weight, RB_NONE);
        assert_int_equal(n->bn_var, RB_NONE);
        assert_int_equal(n->bia == RB_NONE, n->op != RB_OP_CONV && n->op != RB_OP_FC);
    }
    /* One bias for the weight and the bias of a batch norm. */
    int64_t channels = 0;
    for (int32_t i = 0; i < whole->node_count; i++)
        channels += whole->nodes[i].bn_var != RB_NONE ? whole->nodes[i].oc : 0;
    assert_int_equal(rb_graph_parameters(whole) - rb_graph_parameters(folded), channels);
    assert_int_equal(rb_graph_weight_bytes(folded), 4 * rb_graph_parameters(folded));
    rb_graph_destroy(folded);
    rb_graph_destroy(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_padding_is_tensorflows),
        cmocka_unit_test(a_shortcut_without_parameters_is_a_node),
        cmocka_unit_test(biases_of_convolutions_are_tensors),
        cmocka_unit_test(a_folded_graph_has_no_batch_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
