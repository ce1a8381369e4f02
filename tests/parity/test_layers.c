/* Each operation of a graph, through the engine ABI, on small integers: every result is exact
 * and either written down here or computed by a second, plainer program. */
#include <math.h>
#include <string.h>

#include "cmocka_includes.h"
#include "tiny_graph.h"

static const tiny_window point = {1, 1, 1, 1, 0, 0, 0, 0};

/* Small integers without a pattern that a wrong index could hide in. */
static void fill_integers(float *dst, int64_t count, uint32_t seed) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        dst[i] = (float)((int)(seed >> 24) % 17 - 8);
    }
}

static void convolution_by_hand(void **state) {
    (void)state;
    static const float src[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, wei[] = {1, 2, 3, 4};
    static const double expected[] = {37, 47, 67, 77}; /* 1*1 + 2*2 + 3*4 + 4*5 = 37, ... */
    tiny_graph g;
    tiny_init(&g, 1, 1, 3, 3);
    rb_node *n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, 1,
                          (tiny_window){.kh = 2, .kw = 2, .stride_h = 1, .stride_w = 1});
    n->wei = tiny_tensor(&g, wei, 4, 1, 1, 2, 2);
    tiny_expect(&g, src, expected);
}

static void padding_is_zero_and_may_be_uneven(void **state) {
    (void)state;
    static const float src[] = {1, 2, 3, 4}, wei[] = {1, 10, 100, 1000};
    /* One row above, one column to the right, stride 1: windows over 0 0 0 / 1 2 0 / 3 4 0 */
    static const double expected[] = {1 * 100 + 2 * 1000, 2 * 100, 1 + 2 * 10 + 3 * 100 + 4 * 1000,
                                      2 + 4 * 100};
    tiny_graph g;
    tiny_init(&g, 1, 1, 2, 2);
    rb_node *n = tiny_add(
        &g, RB_OP_CONV, RB_VALUE_INPUT, 1,
        (tiny_window){.kh = 2, .kw = 2, .stride_h = 1, .stride_w = 1, .top = 1, .right = 1});
    n->wei = tiny_tensor(&g, wei, 4, 1, 1, 2, 2);
    tiny_expect(&g, src, expected);
}

/* The definition once more, from the output's side and with a bounds check on every read. */
static void convolve_plainly(const rb_node *n, int64_t batch, const float *src, const float *wei,
                             const float *bia, double *dst) {
    for (int64_t i = 0; i < batch * n->oc * n->oh * n->ow; i++) {
        const int64_t ow = i % n->ow, oh = i / n->ow % n->oh;
        const int64_t oc = i / (n->ow * n->oh) % n->oc, image = i / (n->ow * n->oh * n->oc);
        double sum = bia ? (double)bia[oc] : 0;
        for (int64_t k = n->ic * n->kh * n->kw - 1; k >= 0; k--) {
            const int64_t kw = k % n->kw, kh = k / n->kw % n->kh, ic = k / (n->kw * n->kh);
            const int64_t h = oh * n->stride_h + kh - n->pad_top;
            const int64_t w = ow * n->stride_w + kw - n->pad_left;
            if (h < 0 || h >= n->ih || w < 0 || w >= n->iw)
                continue;
            const float x = src[((image * n->ic + ic) * n->ih + h) * n->iw + w];
            sum += (double)x * (double)wei[oc * n->ic * n->kh * n->kw + k];
        }
        dst[i] = sum;
    }
}

static void convolutions_of_all_shapes(void **state) {
    (void)state;
    static const struct {
        int64_t batch, ic, ih, iw, oc;
        tiny_window window;
    } rows[] = {
        {1, 1, 1, 1, 1, {1, 1, 1, 1, 0, 0, 0, 0}},   {3, 2, 5, 9, 17, {3, 2, 2, 1, 1, 0, 2, 1}},
        {2, 3, 13, 8, 16, {7, 7, 2, 2, 3, 3, 3, 3}}, {1, 5, 4, 23, 33, {1, 1, 1, 2, 0, 0, 0, 0}},
        {2, 4, 7, 7, 15, {3, 3, 1, 1, 1, 1, 1, 1}},  {1, 2, 3, 50, 7, {2, 5, 1, 3, 0, 4, 3, 0}},
        {2, 3, 2, 2, 9, {5, 5, 1, 1, 4, 4, 4, 4}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        tiny_graph g;
        tiny_init(&g, rows[r].batch, rows[r].ic, rows[r].ih, rows[r].iw);
        rb_node *n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, rows[r].oc, rows[r].window);
        const int64_t inputs = rows[r].batch * n->ic * n->ih * n->iw;
        const int64_t weights = n->oc * n->ic * n->kh * n->kw;
        float *src = rb_test_alloc((size_t)inputs * sizeof *src);
        float *wei = rb_test_alloc((size_t)weights * sizeof *wei);
        float *bia = rb_test_alloc((size_t)n->oc * sizeof *bia);
        double *dst = rb_test_alloc((size_t)(rows[r].batch * g.graph.classes) * sizeof *dst);
        fill_integers(src, inputs, 1);
        fill_integers(wei, weights, 2);
        fill_integers(bia, n->oc, 3);
        n->wei = tiny_tensor(&g, wei, 4, n->oc, n->ic, n->kh, n->kw);
        convolve_plainly(n, rows[r].batch, src, wei, NULL, dst);
        tiny_expect(&g, src, dst);
        n->bia = tiny_tensor(&g, bia, 1, n->oc, 1, 1, 1);
        convolve_plainly(n, rows[r].batch, src, wei, bia, dst);
        tiny_expect(&g, src, dst);
        rb_test_free(src);
        rb_test_free(wei);
        rb_test_free(bia);
        rb_test_free(dst);
    }
}

static void batch_norm_by_hand(void **state) {
    (void)state;
    /* Channel 0: (x - 1) / sqrt(3 + 1) * 4 + 0.5; channel 1: (x + 2) / sqrt(15 + 1) * -8 + 1. */
    static const float src[] = {1, 3, 2, 6}, wei[] = {1, 0, 0, 1};
    static const float weight[] = {4, -8}, bias[] = {0.5f, 1}, mean[] = {1, -2}, var[] = {3, 15};
    static const double expected[] = {0.5, 4.5, -7, -15};
    tiny_graph g;
    tiny_init(&g, 1, 2, 1, 2);
    rb_node *n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, 2, point);
    n->wei = tiny_tensor(&g, wei, 4, 2, 2, 1, 1);
    tiny_batch_norm(&g, n, weight, bias, mean, var, 1);
    tiny_expect(&g, src, expected);
}

/* The order of the last steps: BN, then the addition, then ReLU. */
static void addition_comes_before_relu(void **state) {
    (void)state;
    static const float src[] = {-5, -1, 0, 1, 5}, twice[] = {2}, minus[] = {-1}, seven[] = {7};
    /* node 0: 2x; node 1: relu(-x + 7 + 2x) = relu(x + 7); node 2: relu(-(x + 7) + x) */
    static const double first[] = {2, 6, 7, 8, 12}, second[] = {0, 0, 0, 0, 0};
    tiny_graph g;
    tiny_init(&g, 1, 1, 1, 5);
    rb_node *n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, 1, point);
    n->wei = tiny_tensor(&g, twice, 4, 1, 1, 1, 1);
    n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, 1, point);
    n->wei = tiny_tensor(&g, minus, 4, 1, 1, 1, 1);
    n->bia = tiny_tensor(&g, seven, 1, 1, 1, 1, 1);
    n->add = 0;
    n->relu = 1;
    tiny_expect(&g, src, first);
    n = tiny_add(&g, RB_OP_CONV, 1, 1, point);
    n->wei = tiny_tensor(&g, minus, 4, 1, 1, 1, 1);
    n->add = RB_VALUE_INPUT;
    n->relu = 1;
    tiny_expect(&g, src, second);
    n->relu = 0;
    static const double unclipped[] = {-7, -7, -7, -7, -7};
    tiny_expect(&g, src, unclipped);
}

static void max_pool_ignores_padding(void **state) {
    (void)state;
    static const float src[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
    static const double even[] = {-1, -2, -4, -5};
    static const double uneven[] = {-5, -6, -8, -9}; /* padded behind only */
    tiny_graph g;
    tiny_init(&g, 1, 1, 3, 3);
    tiny_add(&g, RB_OP_MAXPOOL, RB_VALUE_INPUT, 1, (tiny_window){3, 3, 2, 2, 1, 1, 1, 1});
    tiny_expect(&g, src, even);
    tiny_init(&g, 1, 1, 3, 3);
    tiny_add(&g, RB_OP_MAXPOOL, RB_VALUE_INPUT, 1, (tiny_window){2, 2, 1, 1, 0, 0, 0, 0});
    tiny_expect(&g, src, even);
    tiny_init(&g, 1, 1, 2, 2);
    static const float corner[] = {-5, -6, -8, -9};
    tiny_add(&g, RB_OP_MAXPOOL, RB_VALUE_INPUT, 1, (tiny_window){2, 2, 1, 1, 0, 0, 1, 1});
    tiny_expect(&g, corner, uneven);
}

static void average_pool_by_hand(void **state) {
    (void)state;
    static const float src[] = {1, 2, 3, 4, 5, 9, -6, -6, -6, 0, 0, 0};
    static const double expected[] = {4, -3};
    tiny_graph g;
    tiny_init(&g, 2, 1, 2, 3);
    tiny_add(&g, RB_OP_AVGPOOL, RB_VALUE_INPUT, 1,
             (tiny_window){.kh = 2, .kw = 3, .stride_h = 1, .stride_w = 1});
    tiny_expect(&g, src, expected);
}

static void fully_connected_of_any_width(void **state) {
    (void)state;
    enum { batch = 3, ic = 13 };
    static const int64_t widths[] = {1, 8, 16, 19, 33};
    float src[batch * ic], wei[33 * ic], bia[33];
    double dst[batch * 33];
    fill_integers(src, batch * ic, 4);
    fill_integers(wei, 33 * ic, 5);
    fill_integers(bia, 33, 6);
    for (size_t r = 0; r < sizeof widths / sizeof widths[0]; r++) {
        tiny_graph g;
        tiny_init(&g, batch, ic, 1, 1);
        rb_node *n = tiny_add(&g, RB_OP_FC, RB_VALUE_INPUT, widths[r], point);
        n->wei = tiny_tensor(&g, wei, 2, widths[r], ic, 1, 1);
        n->bia = tiny_tensor(&g, bia, 1, widths[r], 1, 1, 1);
        convolve_plainly(n, batch, src, wei, bia, dst); /* FC is a 1x1 convolution of a pixel */
        tiny_expect(&g, src, dst);
    }
}

static void nan_survives_relu_and_infinity_too(void **state) {
    (void)state;
    static const float src[] = {NAN, -1, INFINITY, -INFINITY}, one[] = {1};
    static const double expected[] = {NAN, 0, INFINITY, 0};
    tiny_graph g;
    tiny_init(&g, 1, 1, 1, 4);
    rb_node *n = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, 1, point);
    n->wei = tiny_tensor(&g, one, 4, 1, 1, 1, 1);
    n->relu = 1;
    tiny_expect(&g, src, expected);
}

static void nan_wins_in_every_place_of_a_window(void **state) {
    (void)state;
    for (int place = 0; place < 4; place++) {
        float src[] = {1, 2, 3, 4};
        src[place] = NAN;
        tiny_graph g;
        tiny_init(&g, 1, 1, 2, 2);
        const tiny_window whole = {2, 2, 1, 1, 0, 0, 0, 0};
        tiny_add(&g, RB_OP_MAXPOOL, RB_VALUE_INPUT, 1, whole);
        tiny_expect(&g, src, (const double[]){NAN});
        tiny_init(&g, 1, 1, 2, 2);
        tiny_add(&g, RB_OP_AVGPOOL, RB_VALUE_INPUT, 1, whole);
        tiny_expect(&g, src, (const double[]){NAN});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_by_hand),
        cmocka_unit_test(padding_is_zero_and_may_be_uneven),
        cmocka_unit_test(convolutions_of_all_shapes),
        cmocka_unit_test(batch_norm_by_hand),
        cmocka_unit_test(addition_comes_before_relu),
        cmocka_unit_test(max_pool_ignores_padding),
        cmocka_unit_test(average_pool_by_hand),
        cmocka_unit_test(fully_connected_of_any_width),
        cmocka_unit_test(nan_survives_relu_and_infinity_too),
        cmocka_unit_test(nan_wins_in_every_place_of_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
