/* A network's values in slices: every node in one of them, none larger than the bound. */
#include "test_support.h"

#include "check/slices.h"
#include "model/graph_build.h"

#define MOST ((int64_t)32 << 20) /* values, check/slices.h */

static void slices_of(const char *name, int64_t batch, int32_t least_slices) {
    const rb_network *network;
    rb_graph *graph;
    assert_ok(rb_network_find(name, &network, &err));
    const rb_graph_shape shape = {.batch = batch,
                                  .height = network->size,
                                  .width = network->size,
                                  .classes = network->classes};
    assert_ok(rb_graph_create(network, &shape, &graph, &err));
    int64_t total = 0, most = 0;
    int32_t first = 0, slices = 0;
    for (int32_t count; (count = rb_slice_count(graph, first)) > 0; first += count, slices++) {
        const int64_t elements = rb_slice_elements(graph, first, count);
        assert_true(count == 1 || elements <= MOST);
        /* No room was left for the next node. */
        if (first + count < graph->node_count)
            assert_true(elements + rb_slice_elements(graph, first + count, 1) > MOST);
        total += elements;
        most = elements > most ? elements : most;
    }
    assert_int_equal(first, graph->node_count);
    assert_int_equal(total, rb_slice_elements(graph, 0, graph->node_count));
    assert_int_equal(most, rb_slice_most(graph));
    assert_true(slices >= least_slices);
    rb_graph_destroy(graph);
}

static void a_small_network_is_one_slice(void **state) {
    (void)state;
    slices_of("resnet20", 1, 1);
}

static void a_large_network_is_several(void **state) {
    (void)state;
    slices_of("resnet152", 4, 2);
}

/* conv1 of batch 64 has 51 million values. */
static void a_node_beyond_the_bound_is_a_slice(void **state) {
    (void)state;
    slices_of("resnet18", 64, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_small_network_is_one_slice),
                                       cmocka_unit_test(a_large_network_is_several),
                                       cmocka_unit_test(a_node_beyond_the_bound_is_a_slice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
