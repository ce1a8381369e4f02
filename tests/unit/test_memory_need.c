/* What a cell needs of memory, against figures worked out by hand for ResNet-20 of CIFAR-10:
 * 432 + 6 x 2304 + (4608 + 5 x 9216) + (18432 + 5 x 36864) weights of convolutions, 650 of the FC
 * layer and 4 values for each of 688 channels of batch norm are 271098 float32; two values of
 * 16 x 32 x 32 are alive at once. */
#include "test_support.h"

#include "bench/machine.h"
#include "bench/memory_need.h"
#include "model/graph_build.h"

#define PROCESS (32.0 * (1 << 20))
#define WEIGHTS (271098.0 * 4)
#define BOUND (2 * 16 * 32 * 32 * 4.0)
#define IMAGE (3 * 32 * 32 * 4.0)

static rb_graph *make_graph(int64_t batch) {
    const rb_network *network;
    rb_graph *graph;
    assert_ok(rb_network_find("resnet20", &network, &err));
    assert_ok(rb_graph_create(network, &(rb_graph_shape){.batch = batch}, &graph, &err));
    return graph;
}

static void a_worker_needs_weights_twice_and_its_values(void **state) {
    (void)state;
    rb_graph *one = make_graph(1), *many = make_graph(1000);
    const double any = PROCESS + 2 * WEIGHTS + BOUND + 3 * IMAGE + 3 * 40;
    assert_true(rb_memory_need_worker(one, RB_ENGINE_ANY) == any);
    assert_true(rb_memory_need_worker(one, RB_ENGINE_REFERENCE) == any + BOUND);
    assert_true(rb_memory_need_worker(one, RB_ENGINE_ORACLE) ==
                PROCESS + 4 * WEIGHTS + 4 * BOUND + 3 * IMAGE + 3 * 80);
    assert_true(rb_memory_need_worker(many, RB_ENGINE_ANY) ==
                PROCESS + 2 * WEIGHTS + 1000 * (BOUND + 3 * IMAGE + 3 * 40));
    rb_graph_destroy(one);
    rb_graph_destroy(many);
}

static void the_harness_needs_images_and_batches(void **state) {
    (void)state;
    rb_graph *graph = make_graph(4);
    assert_true(rb_memory_need_harness(graph, 8) == 8 * (IMAGE + 2 * 80) + 2 * 4 * (IMAGE + 80));
    assert_true(rb_memory_need_harness(graph, 0) == 2 * 4 * (IMAGE + 80));
    rb_graph_destroy(graph);
}

/* The set twice, its first images again, and a logit for each class. */
static void a_set_of_images_is_in_the_worker(void **state) {
    (void)state;
    rb_graph *graph = make_graph(4);
    assert_true(rb_memory_need_set(graph, 8) == 2 * 8 * IMAGE + 3 * IMAGE + 8 * 40);
    rb_graph_destroy(graph);
}

/* 65536 images of 224 x 224 alone are 36.75 GiB. */
static void a_batch_beyond_any_machine_does_not_overflow(void **state) {
    (void)state;
    rb_graph *graph = make_graph(1 << 30);
    assert_true(rb_memory_need_worker(graph, RB_ENGINE_ANY) > 1e14);
    assert_true(rb_memory_need_harness(graph, 1 << 30) > 1e13);
    rb_graph_destroy(graph);
}

static void engines_are_known_by_name(void **state) {
    (void)state;
    assert_int_equal(rb_engine_kind_of("oracle"), RB_ENGINE_ORACLE);
    assert_int_equal(rb_engine_kind_of("reference"), RB_ENGINE_REFERENCE);
    assert_int_equal(rb_engine_kind_of("onednn"), RB_ENGINE_ANY);
}

static void what_does_not_fit_is_refused_with_all_figures(void **state) {
    (void)state;
    rb_error err = {""};
    const double mib = 1 << 20, gib = 1024 * mib;
    const int64_t have = (int64_t)(6 * gib);
    assert_int_equal(rb_memory_need_check(1 * gib, 2 * gib, 3 * gib, have, 0, &err), RB_OK);
    /* Nobody knows what there is. */
    assert_int_equal(rb_memory_need_check(1e30, 1e30, 1e30, -1, 0, &err), RB_OK);
    assert_int_equal(rb_memory_need_check(1 * gib, 2 * gib, 3 * gib + 1, have, 0, &err),
                     RB_ERR_MEMORY);
    assert_sentence(err);
    assert_contains(err.message, "needs at least 6.0 GiB");
    assert_contains(err.message, "harness 1.0 GiB");
    assert_contains(err.message, "beside it 2.0 GiB");
    assert_contains(err.message, "this machine, or its control group, has 6.0 GiB left");
    assert_int_equal(
        rb_memory_need_check(30 * mib, 0, 50 * mib, (int64_t)(64 * mib), (int64_t)(64 * mib), &err),
        RB_ERR_MEMORY);
    assert_contains(err.message, "needs at least 80 MiB");
    assert_contains(err.message, "--memory-limit is 64 MiB");
    /* A group that is full, and no limit of ours. */
    assert_int_equal(rb_memory_need_check(1, 0, 1, 0, 0, &err), RB_ERR_MEMORY);
    assert_contains(err.message, "control group, has 0 MiB left");
}

static void the_smaller_of_limit_and_machine_counts(void **state) {
    (void)state;
    assert_true(rb_machine_available_bytes() > 1000);
    assert_int_equal(rb_memory_have(1000), 1000);
    const int64_t most = rb_memory_have(INT64_MAX);
    assert_true(most > 1000 && most < INT64_MAX);
    assert_true(rb_memory_have(0) > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_needs_weights_twice_and_its_values),
        cmocka_unit_test(the_harness_needs_images_and_batches),
        cmocka_unit_test(a_set_of_images_is_in_the_worker),
        cmocka_unit_test(a_batch_beyond_any_machine_does_not_overflow),
        cmocka_unit_test(engines_are_known_by_name),
        cmocka_unit_test(what_does_not_fit_is_refused_with_all_figures),
        cmocka_unit_test(the_smaller_of_limit_and_machine_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
