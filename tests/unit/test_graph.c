/* The table of networks and its graphs against shared numbers: parameters, MACs, shapes, names. */
#include "test_graph_support.h"

/* He et al. 2015, table 1, and torchvision 0.20's documentation; for the CIFAR networks table 6
 * (0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million) and the counts that
 * akamaster/pytorch_resnet_cifar10 prints, for MACs the sum by hand: 40551040 + (n - 3) 14155776 at
 * 6n + 2 layers. ResNet-8: MLPerf Tiny's 78666 without 480 running statistics and 336 biases, and
 * its 12.5 million MACs. */
static const struct {
    const char *name, *variant, *gmacs;
    int64_t parameters;
    int32_t depth, layers; /* layers: convolutions, projections included, and FC */
    int32_t others;        /* pools and shortcuts without parameters */
    size_t conv_shapes;    /* v1 has three fewer: only there is every 3x3 of a stage the same */
} rows[] = {
    {"resnet18", "v1", "1.814", 11689512, 18, 21, 2, 11},
    {"resnet34", "v1", "3.664", 21797672, 34, 37, 2, 11},
    {"resnet50", "v1.5", "4.089", 25557032, 50, 54, 2, 23},
    {"resnet101", "v1.5", "7.801", 44549160, 101, 105, 2, 23},
    {"resnet152", "v1.5", "11.514", 60192808, 152, 156, 2, 23},
    {"resnet50-v1", "v1", "3.858", 25557032, 50, 54, 2, 20},
    {"resnet101-v1", "v1", "7.570", 44549160, 101, 105, 2, 20},
    {"resnet152-v1", "v1", "11.282", 60192808, 152, 156, 2, 20},
    {"resnet20", "v1", "0.041", 269722, 20, 20, 3, 6},
    {"resnet32", "v1", "0.069", 464154, 32, 32, 3, 6},
    {"resnet44", "v1", "0.097", 658586, 44, 44, 3, 6},
    {"resnet56", "v1", "0.125", 853018, 56, 56, 3, 6},
    {"resnet110", "v1", "0.253", 1727962, 110, 110, 3, 6},
    {"resnet1202", "v1", "2.829", 19421274, 1202, 1202, 3, 6},
    {"resnet8", "v1", "0.013", 77850, 8, 10, 1, 8},
};

static void costs_are_the_published_ones(void **state) {
    (void)state;
    size_t count;
    const rb_network *table = rb_network_table(&count);
    assert_int_equal(count, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        char gmacs[32];
        rb_graph *graph = build(rows[i].name, (rb_graph_shape){.batch = 1});
        assert_string_equal(table[i].name, rows[i].name);
        assert_int_equal(table[i].depth, rows[i].depth);
        assert_string_equal(rb_network_variant(&table[i]), rows[i].variant);
        assert_int_equal(rb_graph_parameters(graph), rows[i].parameters);
        snprintf(gmacs, sizeof gmacs, "%.3f", (double)rb_graph_macs(graph) * 1e-9);
        assert_string_equal(gmacs, rows[i].gmacs);
        assert_string_equal(graph->name, rows[i].name);
        rb_graph_destroy(graph);
    }
}

static void layers_are_as_many_as_the_name_says(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t layers = 0, main_path = 0;
        rb_graph *graph = build(rows[i].name, (rb_graph_shape){.batch = 1});
        for (int32_t n = 0; n < graph->node_count; n++) {
            const rb_node *node = &graph->nodes[n];
            const bool layer = node->op == RB_OP_CONV || node->op == RB_OP_FC;
            layers += layer;
            main_path += layer && !strstr(node->name, "downsample");
        }
        assert_int_equal(layers, rows[i].layers);
        assert_int_equal(main_path, rows[i].depth);
        assert_int_equal(graph->node_count, layers + rows[i].others);
        rb_graph_destroy(graph);
    }
}

typedef struct shape_set {
    int64_t shapes[256][10];
    size_t count;
} shape_set;

static void add_shapes(shape_set *set, const char *name) {
    rb_graph *graph = build(name, (rb_graph_shape){.batch = 1});
    for (int32_t n = 0; n < graph->node_count; n++) {
        const rb_node *x = &graph->nodes[n];
        const int64_t shape[10] = {x->ic, x->ih, x->iw,       x->oc,       x->oh,
                                   x->kh, x->kw, x->stride_h, x->stride_w, x->pad_top};
        size_t at = 0;
        while (at < set->count && memcmp(set->shapes[at], shape, sizeof shape) != 0)
            at++;
        if (x->op == RB_OP_CONV && at == set->count) {
            assert_in_range(set->count, 0, COUNT(set->shapes) - 1);
            memcpy(set->shapes[set->count++], shape, sizeof shape);
        }
    }
    rb_graph_destroy(graph);
}

static void distinct_convolutions_are_counted(void **state) {
    (void)state;
    static shape_set all;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static shape_set one;
        one.count = 0;
        add_shapes(&one, rows[i].name);
        assert_int_equal(one.count, rows[i].conv_shapes);
        add_shapes(&all, rows[i].name);
        if (i == 4)
            assert_int_equal(all.count, 29); /* five depths, v1.5 */
        if (i == 7)
            assert_int_equal(all.count, 32); /* v1 besides */
        if (i == 13)
            assert_int_equal(all.count, 38); /* CIFAR */
    }
    assert_int_equal(all.count, 42); /* padded behind only, and two projections */
}

static void check_names(const char *network, const char *const (*names)[2], size_t count) {
    rb_graph *graph = build(network, (rb_graph_shape){.batch = 1});
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(graph->nodes[i].name, names[i][0]);
        assert_string_equal(graph->nodes[i].value_name, names[i][1]);
    }
    const rb_node *fc = &graph->nodes[graph->node_count - 1];
    assert_string_equal(fc[-1].name, "avgpool");
    assert_string_equal(fc[-1].value_name, "avgpool");
    assert_string_equal(fc->name, "fc");
    assert_string_equal(fc->value_name, "fc");
    rb_graph_destroy(graph);
}

/* Named after the convolution; the value is torchvision's module after the last fused step. */
static void nodes_are_named_after_torchvision(void **state) {
    (void)state;
    static const char *const basic[][2] = {
        {"conv1", "relu"},
        {"maxpool", "maxpool"},
        {"layer1.0.conv1", "layer1.0.relu"},
        {"layer1.0.conv2", "layer1.0"},
        {"layer1.1.conv1", "layer1.1.relu"},
        {"layer1.1.conv2", "layer1.1"},
        {"layer2.0.conv1", "layer2.0.relu"},
        {"layer2.0.downsample.0", "layer2.0.downsample.1"},
        {"layer2.0.conv2", "layer2.0"},
    };
    static const char *const bottleneck[][2] = {
        {"conv1", "relu"},
        {"maxpool", "maxpool"},
        {"layer1.0.conv1", "layer1.0.relu"},
        {"layer1.0.conv2", "layer1.0.relu+"},
        {"layer1.0.downsample.0", "layer1.0.downsample.1"},
        {"layer1.0.conv3", "layer1.0"},
        {"layer1.1.conv1", "layer1.1.relu"},
        {"layer1.1.conv2", "layer1.1.relu+"},
        {"layer1.1.conv3", "layer1.1"},
    };
    check_names("resnet18", basic, COUNT(basic));
    check_names("resnet50", bottleneck, COUNT(bottleneck));
    check_names("resnet152-v1", bottleneck, COUNT(bottleneck));
    static const char *const cifar[][2] = {
        {"conv1", "relu"},
        {"layer1.0.conv1", "layer1.0.relu"},
        {"layer1.0.conv2", "layer1.0"},
        {"layer1.1.conv1", "layer1.1.relu"},
        {"layer1.1.conv2", "layer1.1"},
        {"layer1.2.conv1", "layer1.2.relu"},
        {"layer1.2.conv2", "layer1.2"},
        {"layer2.0.conv1", "layer2.0.relu"},
        {"layer2.0.shortcut", "layer2.0.shortcut"},
        {"layer2.0.conv2", "layer2.0"},
    };
    static const char *const tiny[][2] = {
        {"conv1", "relu"},
        {"layer1.0.conv1", "layer1.0.relu"},
        {"layer1.0.conv2", "layer1.0"},
        {"layer2.0.conv1", "layer2.0.relu"},
        {"layer2.0.downsample.0", "layer2.0.downsample.0"}, /* no batch norm behind it */
        {"layer2.0.conv2", "layer2.0"},
    };
    check_names("resnet20", cifar, COUNT(cifar));
    check_names("resnet8", tiny, COUNT(tiny));
}

static void tensors_are_named_after_torchvision(void **state) {
    (void)state;
    static const char *const first[] = {"conv1.weight",    "bn1.weight",
                                        "bn1.bias",        "bn1.running_mean",
                                        "bn1.running_var", "layer1.0.conv1.weight"};
    rb_graph *graph = build("resnet50", (rb_graph_shape){.batch = 1});
    for (size_t i = 0; i < COUNT(first); i++)
        assert_string_equal(graph->tensors[i].name, first[i]);
    const rb_node *node = node_of(graph, "layer3.0.downsample.0");
    assert_string_equal(graph->tensors[node->wei].name, "layer3.0.downsample.0.weight");
    assert_string_equal(graph->tensors[node->bn_weight].name, "layer3.0.downsample.1.weight");
    assert_string_equal(graph->tensors[node->bn_bias].name, "layer3.0.downsample.1.bias");
    assert_string_equal(graph->tensors[node->bn_mean].name, "layer3.0.downsample.1.running_mean");
    assert_string_equal(graph->tensors[node->bn_var].name, "layer3.0.downsample.1.running_var");
    node = node_of(graph, "layer4.2.conv3");
    assert_string_equal(graph->tensors[node->bn_var].name, "layer4.2.bn3.running_var");
    node = node_of(graph, "fc");
    assert_string_equal(graph->tensors[node->wei].name, "fc.weight");
    assert_string_equal(graph->tensors[node->bia].name, "fc.bias");
    for (int32_t a = 0; a < graph->tensor_count; a++)
        for (int32_t b = 0; b < a; b++)
            assert_string_not_equal(graph->tensors[a].name, graph->tensors[b].name);
    rb_graph_destroy(graph);
}

static void only_the_stride_tells_v1_from_v15(void **state) {
    (void)state;
    rb_graph *paper = build("resnet50-v1", (rb_graph_shape){.batch = 1});
    rb_graph *torch = build("resnet50", (rb_graph_shape){.batch = 1});
    int differences = 0;
    assert_int_equal(paper->node_count, torch->node_count);
    for (int32_t i = 0; i < paper->node_count; i++) {
        const rb_node *v1 = &paper->nodes[i], *v15 = &torch->nodes[i];
        int stage, block, conv;
        const bool in_block =
            sscanf(v1->name, "layer%d.%d.conv%d", &stage, &block, &conv) == 3 && stage > 1;
        const bool first = in_block && block == 0;
        assert_string_equal(v1->name, v15->name);
        if (in_block) {
            assert_int_equal(v1->stride_h, first && conv == 1 ? 2 : 1);
            assert_int_equal(v15->stride_h, first && conv == 2 ? 2 : 1);
        }
        assert_int_equal(v1->stride_h, v1->stride_w);
        assert_int_equal(v15->stride_h, v15->stride_w);
        assert_int_equal(v1->oc, v15->oc);
        if (!first || conv != 1) /* the same values, but for the inner one of three blocks */
            assert_int_equal(v1->oh, v15->oh);
        differences += v1->stride_h != v15->stride_h;
    }
    assert_int_equal(differences, 6);
    assert_int_equal(node_of(paper, "layer2.0.downsample.0")->stride_h, 2);
    assert_int_equal(node_of(torch, "layer2.0.downsample.0")->stride_h, 2);
    assert_int_equal(node_of(torch, "layer1.0.downsample.0")->stride_h, 1);
    assert_int_equal(node_of(paper, "layer2.0.conv1")->oh, 28);
    assert_int_equal(node_of(torch, "layer2.0.conv1")->oh, 56);
    rb_graph_destroy(paper);
    rb_graph_destroy(torch);
}

static void planes_follow_the_input(void **state) {
    (void)state;
    rb_graph *small = build("resnet18", (rb_graph_shape){.batch = 1, .height = 32, .width = 32});
    check_plane(small, "conv1", 64, 16, 16);
    check_plane(small, "maxpool", 64, 8, 8);
    check_plane(small, "layer1.1.conv2", 64, 8, 8);
    check_plane(small, "layer2.1.conv2", 128, 4, 4);
    check_plane(small, "layer3.1.conv2", 256, 2, 2);
    check_plane(small, "layer4.1.conv2", 512, 1, 1);
    check_plane(small, "avgpool", 512, 1, 1);
    rb_graph_destroy(small);
    rb_graph *odd = build("resnet50", (rb_graph_shape){.batch = 3, .height = 65, .width = 97});
    assert_int_equal(odd->height, 65);
    assert_int_equal(odd->width, 97);
    check_plane(odd, "conv1", 64, 33, 49);
    check_plane(odd, "maxpool", 64, 17, 25);
    check_plane(odd, "layer1.2.conv3", 256, 17, 25);
    check_plane(odd, "layer2.3.conv3", 512, 9, 13);
    check_plane(odd, "layer3.5.conv3", 1024, 5, 7);
    check_plane(odd, "layer4.2.conv3", 2048, 3, 4);
    const rb_node *average = node_of(odd, "avgpool");
    assert_int_equal(average->kh, 3);
    assert_int_equal(average->kw, 4);
    rb_graph_destroy(odd);
}

static void batch_and_classes_scale_what_they_should(void **state) {
    (void)state;
    rb_graph *one = build("resnet34", (rb_graph_shape){.batch = 1});
    rb_graph *eight = build("resnet34", (rb_graph_shape){.batch = 8, .classes = 10});
    assert_int_equal(eight->classes, 10);
    assert_int_equal(one->classes, 1000);
    assert_int_equal(rb_graph_parameters(one) - rb_graph_parameters(eight), 990 * 513);
    assert_int_equal(rb_graph_macs(eight), 8 * (rb_graph_macs(one) - 990 * 512));
    assert_int_equal(rb_graph_input_bytes(eight), 8 * 3 * 224 * 224 * 4);
    assert_int_equal(rb_graph_activation_bound_bytes(eight), 8 * 4014080);
    /* Two running statistics for each weight and bias of a BN are stored but not trained. */
    int64_t bn = 0;
    for (int32_t i = 0; i < one->node_count; i++)
        bn += one->nodes[i].bn_var != RB_NONE ? one->nodes[i].oc : 0;
    assert_int_equal(rb_graph_weight_bytes(one), 4 * (21797672 + 2 * bn));
    rb_graph_destroy(one);
    rb_graph_destroy(eight);
}

static void check_traffic(const rb_graph *graph, const char *name, int64_t weights, int64_t src,
                          int64_t dst, bool added) {
    const rb_node_traffic found = rb_node_compulsory_traffic(graph, node_of(graph, name));
    assert_int_equal(found.weight_bytes, 4 * weights);
    assert_int_equal(found.src_bytes, 4 * src);
    assert_int_equal(found.dst_bytes, 4 * dst);
    assert_int_equal(found.addend_bytes, added ? 4 * dst : 0);
}

/* Batch norm is folded, and leaves one bias a channel; strides pass over pixels that no window of
 * one column reaches. */
static void nodes_move_what_their_shapes_say(void **state) {
    (void)state;
    rb_graph *two = build("resnet50", (rb_graph_shape){.batch = 2});
    rb_graph *cifar = build("resnet20", (rb_graph_shape){.batch = 1});
    check_traffic(two, "conv1", 64 * 3 * 7 * 7 + 64, 2 * 3 * 224 * 224, 2 * 64 * 112 * 112, false);
    check_traffic(two, "maxpool", 0, 2 * 64 * 112 * 112, 2 * 64 * 56 * 56, false);
    check_traffic(two, "layer1.0.conv3", 256 * 64 + 256, 2 * 64 * 56 * 56, 2 * 256 * 56 * 56, true);
    check_traffic(two, "layer2.0.downsample.0", 512 * 256 + 512, 2 * 256 * 28 * 28,
                  2 * 512 * 28 * 28, false);
    check_traffic(two, "layer2.0.conv2", 128 * 128 * 9 + 128, 2 * 128 * 56 * 56, 2 * 128 * 28 * 28,
                  false);
    check_traffic(two, "avgpool", 0, 2 * 2048 * 7 * 7, 2 * 2048, false);
    check_traffic(two, "fc", 1000 * 2048 + 1000, 2 * 2048, 2 * 1000, false);
    check_traffic(cifar, "layer2.0.shortcut", 0, 16 * 16 * 16, 32 * 16 * 16, false);
    rb_graph_destroy(two);
    rb_graph_destroy(cifar);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_are_the_published_ones),
        cmocka_unit_test(layers_are_as_many_as_the_name_says),
        cmocka_unit_test(distinct_convolutions_are_counted),
        cmocka_unit_test(nodes_are_named_after_torchvision),
        cmocka_unit_test(tensors_are_named_after_torchvision),
        cmocka_unit_test(only_the_stride_tells_v1_from_v15),
        cmocka_unit_test(planes_follow_the_input),
        cmocka_unit_test(batch_and_classes_scale_what_they_should),
        cmocka_unit_test(nodes_move_what_their_shapes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
