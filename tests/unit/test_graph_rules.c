/* What holds for every graph, whatever its row: shapes chain, tensors fit, lifetimes add up; and
 * what no graph is made of. */
#include "test_support.h"

#include "model/graph_build.h"
#include "model/graph_cost.h"

static const rb_graph_shape shapes[] = {
    {.batch = 1},
    {.batch = 2, .height = 32, .width = 32, .classes = 10},
    {.batch = 3, .height = 65, .width = 97},
    {.batch = 1, .height = 33, .width = 480, .classes = 1},
    {.batch = 2, .height = 47, .width = 34, .conv_bias = true},
    {.batch = 1, .folded = true},
};
static const rb_network *of_row; /* those of the graph that is checked */
static const rb_graph_shape *of_shape;

/* Calls check with the graph of every row at every shape. */
static void each_graph(void (*check)(const rb_graph *graph)) {
    size_t count;
    const rb_network *table = rb_network_table(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < COUNT(shapes); s++) {
            rb_graph *graph;
            of_row = &table[i];
            of_shape = &shapes[s];
            assert_ok(rb_graph_create(of_row, of_shape, &graph, &err));
            check(graph);
            rb_graph_destroy(graph);
        }
}

static void check_chain(const rb_graph *graph) {
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        assert_in_range(n->src + 1, 0, (uintmax_t)i); /* RB_VALUE_INPUT or an earlier node */
        const rb_node *src = n->src >= 0 ? &graph->nodes[n->src] : NULL;
        assert_int_equal(n->ic, src ? src->oc : graph->channels);
        assert_int_equal(n->ih, src ? src->oh : graph->height);
        assert_int_equal(n->iw, src ? src->ow : graph->width);
        assert_int_equal(n->oh, (n->ih + n->pad_top + n->pad_bottom - n->kh) / n->stride_h + 1);
        assert_int_equal(n->ow, (n->iw + n->pad_left + n->pad_right - n->kw) / n->stride_w + 1);
        if (n->add != RB_NONE) {
            assert_in_range(n->add, 0, (uintmax_t)i - 1);
            assert_int_not_equal(n->add, n->src);
            assert_int_equal(graph->nodes[n->add].oc, n->oc);
            assert_int_equal(graph->nodes[n->add].oh, n->oh);
            assert_int_equal(graph->nodes[n->add].ow, n->ow);
            assert_int_equal(n->relu, 1);
        }
    }
    const rb_node *last = &graph->nodes[graph->node_count - 1];
    assert_int_equal(last->oc, graph->classes);
    assert_int_equal(last->oh * last->ow, 1);
}

static void shapes_chain(void **state) {
    (void)state;
    each_graph(check_chain);
}

static int uses(const rb_graph *graph, int32_t value) {
    int count = 0;
    for (int32_t i = 0; i < graph->node_count; i++)
        count += (graph->nodes[i].src == value) + (graph->nodes[i].add == value);
    return count;
}

static void check_readers(const rb_graph *graph) {
    assert_int_equal(uses(graph, RB_VALUE_INPUT), 1);
    for (int32_t i = 0; i + 1 < graph->node_count; i++)
        assert_in_range(uses(graph, i), 1, 2);
    assert_int_equal(uses(graph, graph->node_count - 1), 0);
}

static void every_value_but_the_last_is_read(void **state) {
    (void)state;
    each_graph(check_readers);
}

static void check_tensor(const rb_graph *graph, int32_t tensor, int32_t ndim, int64_t d0,
                         int64_t d1, int64_t d2, int64_t d3) {
    assert_in_range(tensor, 0, graph->tensor_count - 1);
    const rb_tensor_desc *desc = &graph->tensors[tensor];
    const int64_t dims[RB_MAX_DIMS] = {d0, d1, d2, d3};
    assert_int_equal(desc->ndim, ndim);
    assert_memory_equal(desc->dims, dims, sizeof dims);
}

/* Weight, then bias, then batch norm, none used twice; returns how many there are. */
static int32_t check_conv(const rb_graph *graph, const rb_node *n, const int32_t bn[4]) {
    const bool plain = of_row->shortcut == RB_SHORTCUT_B_PLAIN && strstr(n->name, "downsample");
    int32_t next = n->wei + 1;
    check_tensor(graph, n->wei, 4, n->oc, n->ic, n->kh, n->kw);
    assert_int_equal(n->bia, of_shape->conv_bias || of_shape->folded ? next : RB_NONE);
    if (n->bia != RB_NONE)
        check_tensor(graph, next++, 1, n->oc, 1, 1, 1);
    for (size_t b = 0; b < 4; b++) {
        assert_int_equal(bn[b], of_shape->folded || plain ? RB_NONE : next);
        if (bn[b] != RB_NONE)
            check_tensor(graph, next++, 1, n->oc, 1, 1, 1);
    }
    return next - n->wei;
}

static void check_tensors(const rb_graph *graph) {
    int32_t used = 0;
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        const int32_t bn[] = {n->bn_weight, n->bn_bias, n->bn_mean, n->bn_var};
        if (n->op == RB_OP_CONV) {
            used += check_conv(graph, n, bn);
            continue;
        }
        for (size_t b = 0; b < COUNT(bn); b++)
            assert_int_equal(bn[b], RB_NONE);
        if (n->op == RB_OP_FC) {
            check_tensor(graph, n->wei, 2, n->oc, n->ic, 1, 1);
            check_tensor(graph, n->bia, 1, n->oc, 1, 1, 1);
            used += 2;
        } else {
            assert_int_equal(n->wei, RB_NONE);
            assert_int_equal(n->bia, RB_NONE);
        }
    }
    assert_int_equal(used, graph->tensor_count);
}

static void tensors_fit_their_nodes(void **state) {
    (void)state;
    each_graph(check_tensors);
}

/* Plays the run with reference counts: take a value's bytes when its node starts, give them back
 * after its last use. The most ever held is the bound. */
static int64_t play(const rb_graph *graph, bool add_in_place) {
    int64_t held = rb_graph_input_bytes(graph), most = held;
    int left[2048];
    assert_in_range(graph->node_count, 1, COUNT(left));
    for (int32_t i = 0; i < graph->node_count; i++)
        left[i] = uses(graph, i);
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        const bool takes_over = add_in_place && n->add >= 0 && left[n->add] == 1;
        if (!takes_over)
            held += rb_node_value_bytes(graph, n);
        most = held > most ? held : most;
        if (n->src == RB_VALUE_INPUT)
            held -= rb_graph_input_bytes(graph);
        else if (--left[n->src] == 0)
            held -= rb_node_value_bytes(graph, &graph->nodes[n->src]);
        if (n->add >= 0 && --left[n->add] == 0 && !takes_over)
            held -= rb_node_value_bytes(graph, &graph->nodes[n->add]);
    }
    assert_int_equal(held, graph->batch * graph->classes * 4); /* the logits are left */
    return most;
}

static void check_bound(const rb_graph *graph) {
    assert_int_equal(rb_graph_activation_bound_bytes(graph), play(graph, true));
}

static void the_bound_is_what_playing_the_run_holds(void **state) {
    (void)state;
    each_graph(check_bound);
}

/* At 224 x 224, float32: input 602112, conv1 (64,112,112) 3211264, maxpool (64,56,56) 802816.
 * ResNet-18: conv1 and maxpool together are the most, 4014080.
 * ResNet-50: layer2.0.conv2 holds layer1's value (256,56,56) 3211264, its source (128,56,56)
 * 1605632 and its own (128,28,28) 401408: 5218304. */
static void the_bound_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t side, bound;
    } cases[] = {{"resnet18", 224, 4014080},
                 {"resnet34", 224, 4014080},
                 {"resnet50", 224, 5218304},
                 {"resnet18", 32, 81920}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const rb_network *network;
        rb_graph *graph;
        assert_ok(rb_network_find(cases[i].name, &network, &err));
        const rb_graph_shape shape = {1, cases[i].side, cases[i].side, 0, false, false};
        assert_ok(rb_graph_create(network, &shape, &graph, &err));
        assert_int_equal(rb_graph_activation_bound_bytes(graph), cases[i].bound);
        if (cases[i].side == 224) {
            assert_int_equal(rb_graph_input_bytes(graph), 602112);
            assert_int_equal(rb_node_value_bytes(graph, &graph->nodes[0]), 3211264);
            assert_int_equal(rb_node_value_bytes(graph, &graph->nodes[1]), 802816);
        }
        if (network->block == RB_BLOCK_BOTTLENECK) /* the player would notice a copy */
            assert_int_equal(play(graph, false), 3211264 * 2 + 802816);
        rb_graph_destroy(graph);
    }
}

static void shapes_out_of_range_are_refused(void **state) {
    (void)state;
    static const struct {
        rb_graph_shape shape;
        rb_status status;
        const char *says;
    } cases[] = {
        {{0, 0, 0, 0, false, false}, RB_ERR_USAGE, "batch must be at least 1, not 0"},
        {{-1, 0, 0, 0, false, false}, RB_ERR_USAGE, "not -1"},
        {{INT64_MIN, 0, 0, 0, false, false}, RB_ERR_USAGE, "batch"},
        {{1, 31, 32, 0, false, false}, RB_ERR_USAGE, "not 31x32"},
        {{1, 32, 31, 0, false, false}, RB_ERR_USAGE, "not 32x31"},
        {{1, -224, 224, 0, false, false}, RB_ERR_USAGE, "not -224x224"},
        {{1, 16385, 32, 0, false, false}, RB_ERR_USAGE, "16385x32"},
        {{1, 32, INT64_MAX, 0, false, false}, RB_ERR_USAGE, "input size"},
        {{1, 0, 0, -1, false, false}, RB_ERR_USAGE, "classes"},
        {{1, 0, 0, 1000001, false, false}, RB_ERR_USAGE, "classes"},
        {{INT64_MAX, 0, 0, 0, false, false}, RB_ERR_MEMORY, "too large to count"},
        {{(int64_t)1 << 40, 0, 0, 0, false, false}, RB_ERR_MEMORY, "too large to count"},
        {{(int64_t)1 << 32, 16384, 16384, 0, false, false}, RB_ERR_MEMORY, "too large to count"},
    };
    size_t count;
    const rb_network *table = rb_network_table(&count);
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_error err = {""};
        rb_graph dummy, *graph = &dummy;
        assert_int_equal(rb_graph_create(&table[0], &cases[i].shape, &graph, &err),
                         cases[i].status);
        assert_null(graph);
        assert_sentence(err);
        assert_contains(err.message, cases[i].says);
        assert_int_equal(rb_graph_create(&table[0], &cases[i].shape, &graph, NULL),
                         cases[i].status);
    }
}

static void the_limits_themselves_are_accepted(void **state) {
    (void)state;
    static const rb_graph_shape edges[] = {{1, 32, 16384, 0, false, false},
                                           {1, 16384, 16384, 0, false, false},
                                           {65536, 0, 0, 0, false, false},
                                           {1, 0, 0, 1000000, false, false},
                                           {1, 0, 0, 1, false, false}};
    size_t count;
    const rb_network *table = rb_network_table(&count);
    for (size_t i = 0; i < COUNT(edges); i++) {
        rb_graph *graph;
        assert_ok(rb_graph_create(&table[0], &edges[i], &graph, &err));
        assert_true(rb_graph_macs(graph) > 0);
        assert_true(rb_graph_activation_bound_bytes(graph) > 0);
        rb_graph_destroy(graph);
    }
    rb_graph_destroy(NULL);
}

static void an_unknown_network_is_told_the_known_ones(void **state) {
    (void)state;
    static const char *const names[] = {"",         "resnet",        "resnet19",
                                        "RESNET18", "resnet50-v1.5", "resnet50 "};
    size_t count;
    const rb_network *table = rb_network_table(&count);
    for (size_t i = 0; i < COUNT(names); i++) {
        rb_error err = {""};
        const rb_network *network = table;
        assert_int_equal(rb_network_find(names[i], &network, &err), RB_ERR_USAGE);
        assert_null(network);
        for (size_t t = 0; t < count; t++)
            assert_contains(err.message, table[t].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_chain),
        cmocka_unit_test(every_value_but_the_last_is_read),
        cmocka_unit_test(tensors_fit_their_nodes),
        cmocka_unit_test(the_bound_is_what_playing_the_run_holds),
        cmocka_unit_test(the_bound_by_hand),
        cmocka_unit_test(shapes_out_of_range_are_refused),
        cmocka_unit_test(the_limits_themselves_are_accepted),
        cmocka_unit_test(an_unknown_network_is_told_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
