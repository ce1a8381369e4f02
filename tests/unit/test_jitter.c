/* Weights moved by float32's roundings: how far, which, and not twice the same way. */
#include "test_graph_support.h"

#include <math.h>

#include "bench/jitter.h"
#include "loaders/synth.h"

static float **make_tensors(const rb_graph *graph) {
    float **tensors = calloc((size_t)graph->tensor_count, sizeof *tensors);
    assert_non_null(tensors);
    for (int32_t t = 0; t < graph->tensor_count; t++) {
        tensors[t] = calloc((size_t)rb_tensor_elements(&graph->tensors[t]), sizeof **tensors);
        assert_non_null(tensors[t]);
        rb_synth_tensor(graph, t, 1, tensors[t]);
    }
    return tensors;
}

static void free_tensors(const rb_graph *graph, float **tensors) {
    for (int32_t t = 0; t < graph->tensor_count; t++)
        free(tensors[t]);
    free(tensors);
}

/* |moved - w| <= sqrt(K) u |w|, and the rounding to float32; on average a good deal of it, and
 * in both directions. */
static void check_moves(const float *from, const float *to, int64_t count, double most) {
    double sum = 0, squares = 0;
    int64_t moved = 0;
    for (int64_t i = 0; i < count; i++) {
        const double by = ((double)to[i] - (double)from[i]) / (double)from[i];
        assert_true(fabs(by) <= most + 0x1p-24);
        moved += by != 0;
        sum += by / most;
        squares += by / most * (by / most);
    }
    const double n = (double)count;
    assert_true(moved > count / 2);
    assert_true(fabs(sum / n) < 5 / sqrt(n));               /* mean 0 */
    assert_true(fabs(squares / n - 1.0 / 3) < 5 / sqrt(n)); /* variance of [-1, 1) */
}

static void weights_of_sums_move_by_sqrt_k(void **state) {
    (void)state;
    rb_graph *graph = build("resnet8", (rb_graph_shape){.batch = 1, .conv_bias = true});
    float **tensors = make_tensors(graph), **moved, **other;
    const float *const *given = (const float *const *)tensors;
    assert_ok(rb_jitter_create(graph, given, 1, &moved, &err));
    assert_ok(rb_jitter_create(graph, given, 2, &other, &err));
    for (int32_t t = 0; t < graph->tensor_count; t++) {
        const rb_tensor_desc *tensor = &graph->tensors[t];
        const int64_t count = rb_tensor_elements(tensor);
        if (tensor->ndim == 1) {
            assert_ptr_equal(moved[t], tensors[t]);
            continue;
        }
        const double terms = (double)(tensor->dims[1] * tensor->dims[2] * tensor->dims[3]);
        check_moves(tensors[t], moved[t], count, sqrt(terms) * 0x1p-24);
        assert_memory_not_equal(moved[t], other[t], (size_t)count * sizeof **moved);
    }
    const rb_node *stem = node_of(graph, "conv1"), *fc = node_of(graph, "fc");
    assert_int_equal(graph->tensors[stem->wei].dims[1], 3); /* K = 27 */
    assert_int_equal(graph->tensors[fc->wei].dims[1], 64);  /* K = 64 */
    rb_jitter_destroy(graph, moved);
    rb_jitter_destroy(graph, other);
    rb_jitter_destroy(graph, NULL);
    free_tensors(graph, tensors);
    rb_graph_destroy(graph);
}

static void zero_stays_zero_and_the_same_way_is_the_same(void **state) {
    (void)state;
    rb_graph *graph = build("resnet8", (rb_graph_shape){.batch = 1});
    float **tensors = make_tensors(graph), **moved, **again;
    const float *const *given = (const float *const *)tensors;
    tensors[0][7] = 0;
    assert_ok(rb_jitter_create(graph, given, 3, &moved, &err));
    assert_ok(rb_jitter_create(graph, given, 3, &again, &err));
    assert_true(moved[0][7] == 0);
    for (int32_t t = 0; t < graph->tensor_count; t++)
        assert_memory_equal(moved[t], again[t],
                            (size_t)rb_tensor_elements(&graph->tensors[t]) * sizeof **moved);
    rb_jitter_destroy(graph, moved);
    rb_jitter_destroy(graph, again);
    free_tensors(graph, tensors);
    rb_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_sums_move_by_sqrt_k),
        cmocka_unit_test(zero_stays_zero_and_the_same_way_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
