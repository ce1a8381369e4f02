/* The distinct convolutions of the networks, against the paper's tables and the networks' graphs.
 */
#include "test_support.h"

#include "check/convolutions.h"
#include "check/truth.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

/* Convolutions are the depth without its FC, and a projection for each stage that needs one. */
static const struct {
    const char *name;
    int32_t convolutions;
} networks[] = {{"resnet18", 17 + 3},      {"resnet34", 33 + 3},     {"resnet50", 49 + 4},
                {"resnet101", 100 + 4},    {"resnet152", 151 + 4},   {"resnet50-v1", 49 + 4},
                {"resnet101-v1", 100 + 4}, {"resnet152-v1", 151 + 4}};

static rb_convolutions collect(size_t count) {
    const rb_network *rows[COUNT(networks)];
    rb_convolutions all;
    for (size_t i = 0; i < count; i++)
        assert_ok(rb_network_find(networks[i].name, &rows[i], &err));
    assert_ok(rb_convolutions_collect(rows, count, &all, &err));
    return all;
}

/* Shapes, whatever follows them. */
static size_t shapes_of(const rb_convolutions *all) {
    size_t shapes = 0;
    for (size_t i = 0; i < all->count; i++) {
        bool known = false;
        rb_problem shape = all->items[i].problem;
        shape.add = shape.relu = false;
        for (size_t k = 0; k < i; k++) {
            rb_problem other = all->items[k].problem;
            other.add = other.relu = false;
            known = known || rb_problem_equal(&shape, &other);
        }
        shapes += !known;
    }
    return shapes;
}

static void five_depths_have_29_shapes_and_v1_three_more(void **state) {
    (void)state;
    rb_convolutions five = collect(5), all = collect(COUNT(networks));
    assert_int_equal(shapes_of(&five), 29);
    assert_int_equal(shapes_of(&all), 32);
    for (size_t i = 0; i < five.count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(rb_problem_equal(&five.items[i].problem, &five.items[k].problem));
    rb_convolutions_release(&five);
    rb_convolutions_release(&all);
}

/* Counts make up the networks: as many convolutions, and all multiply-adds but those of the FC. */
static void counts_make_up_the_networks(void **state) {
    (void)state;
    rb_convolutions all = collect(COUNT(networks));
    for (size_t n = 0; n < COUNT(networks); n++) {
        const rb_network *network;
        rb_graph *graph;
        int64_t macs = 0;
        int32_t count = 0;
        assert_ok(rb_network_find(networks[n].name, &network, &err));
        assert_ok(rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, &err));
        for (size_t i = 0; i < all.count; i++) {
            const rb_problem *problem = &all.items[i].problem;
            count += all.items[i].counts[n];
            macs += all.items[i].counts[n] * rb_problem_dst_elements(problem) *
                    rb_problem_sum_length(problem);
        }
        const rb_node *fc = &graph->nodes[graph->node_count - 1];
        assert_int_equal(count, networks[n].convolutions);
        assert_int_equal(all.networks[n].convolutions, networks[n].convolutions);
        assert_string_equal(all.networks[n].name, networks[n].name);
        assert_true(macs == rb_graph_macs(graph) - rb_node_macs(graph, fc));
        rb_graph_destroy(graph);
    }
    rb_convolutions_release(&all);
}

/* ResNet-18's first stage: conv1 of both blocks, and conv2, which adds. */
static void a_problem_is_found_whatever_its_batch(void **state) {
    (void)state;
    rb_convolutions five = collect(5);
    rb_problem problem;
    assert_ok(rb_problem_parse("mb8ic64ih56oc64oh56kh3ph1+bn+relu", &problem, &err));
    const rb_convolution_count *found = rb_convolutions_find(&five, &problem);
    assert_non_null(found);
    static const int32_t counts[] = {2, 3, 3, 3, 3};
    for (size_t n = 0; n < COUNT(counts); n++)
        assert_int_equal(found->counts[n], counts[n]);
    assert_ok(rb_problem_parse("ic64ih56oc64oh56kh3ph1", &problem, &err));
    assert_null(rb_convolutions_find(&five, &problem));
    rb_convolutions_release(&five);
}

static void too_many_networks_are_refused(void **state) {
    (void)state;
    const rb_network *row, *rows[RB_KERNEL_NETWORKS + 1];
    rb_convolutions all;
    rb_error why = {""};
    assert_ok(rb_network_find("resnet18", &row, &err));
    for (size_t i = 0; i < COUNT(rows); i++)
        rows[i] = row;
    assert_int_equal(rb_convolutions_collect(rows, COUNT(rows), &all, &why), RB_ERR_USAGE);
    assert_contains(why.message, "17 networks");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_depths_have_29_shapes_and_v1_three_more),
        cmocka_unit_test(counts_make_up_the_networks),
        cmocka_unit_test(a_problem_is_found_whatever_its_batch),
        cmocka_unit_test(too_many_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
