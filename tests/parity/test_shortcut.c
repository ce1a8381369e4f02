/* test_shortcut ENGINE: the parameter-free shortcut on small integers, against a second, plainer
 * program: in the layout of the input, between two convolutions whose layout the engine chose, and
 * as the last node; whatever the block of that layout, channels before and behind are zero. */
#include <stdlib.h>

#include "cmocka_includes.h"
#include "tiny_graph.h"

static const char *engine_name;

typedef struct rb_shape {
    int64_t batch, ic, ih, iw, oc, stride_h, stride_w;
    int32_t threads;
} rb_shape;

/* Offsets (oc - ic) / 2 that are and are not multiples of 4, 8 and 16, odd differences, the same
 * number of channels, and values large enough to be shared among threads. */
static const rb_shape shapes[] = {
    {1, 16, 32, 32, 32, 2, 2, 2}, {2, 32, 16, 16, 64, 2, 2, 2}, {3, 16, 9, 7, 48, 2, 2, 1},
    {2, 5, 7, 9, 18, 2, 2, 2},    {1, 20, 5, 5, 23, 1, 2, 3},   {2, 33, 4, 6, 40, 3, 1, 1},
    {1, 3, 8, 8, 3, 2, 2, 1},     {2, 24, 6, 6, 24, 2, 2, 2},   {1, 1, 1, 1, 2, 1, 1, 1},
    {2, 7, 3, 3, 100, 2, 2, 2},   {9, 16, 65, 63, 32, 2, 2, 2}, {5, 20, 50, 66, 44, 2, 2, 3},
};

/* Small integers without a pattern that a wrong index could hide in. */
static float *integers(int64_t count, uint32_t seed) {
    float *values = rb_test_alloc((size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)((int)(seed >> 24) % 15 - 7);
    }
    return values;
}

static tiny_window point(int64_t stride_h, int64_t stride_w) {
    return (tiny_window){.kh = 1, .kw = 1, .stride_h = stride_h, .stride_w = stride_w};
}

/* dst (batch, oc, oh, ow) += the shortcut of src (batch, ic, ih, iw): from the source's side. */
static void add_shortcut(const rb_node *n, int64_t batch, const double *src, double *dst) {
    const int64_t first = (n->oc - n->ic) / 2;
    for (int64_t image = 0; image < batch; image++)
        for (int64_t c = 0; c < n->ic; c++)
            for (int64_t h = 0; h < n->ih; h += n->stride_h)
                for (int64_t w = 0; w < n->iw; w += n->stride_w)
                    dst[((image * n->oc + first + c) * n->oh + h / n->stride_h) * n->ow +
                        w / n->stride_w] += src[((image * n->ic + c) * n->ih + h) * n->iw + w];
}

/* dst = a 1x1 convolution of src. */
static void mix(const rb_node *n, int64_t batch, const double *src, const float *wei, double *dst) {
    for (int64_t i = 0; i < batch * n->oc * n->oh * n->ow; i++) {
        const int64_t w = i % n->ow, h = i / n->ow % n->oh;
        const int64_t oc = i / (n->ow * n->oh) % n->oc, image = i / (n->ow * n->oh * n->oc);
        dst[i] = 0;
        for (int64_t c = 0; c < n->ic; c++)
            dst[i] +=
                (double)wei[oc * n->ic + c] *
                src[((image * n->ic + c) * n->ih + h * n->stride_h) * n->iw + w * n->stride_w];
    }
}

static void expect(const tiny_graph *g, const rb_shape *s, const float *src,
                   const double *expected) {
    double *found = tiny_run(g, rb_test_engine(engine_name), s->threads, src);
    for (int64_t i = 0; i < g->graph.batch * g->graph.classes; i++)
        if (!(found[i] == expected[i]))
            fail_msg("(%lld, %lld, %lld, %lld) -> %lld channels: value %lld is %.17g, not %.17g",
                     (long long)s->batch, (long long)s->ic, (long long)s->ih, (long long)s->iw,
                     (long long)s->oc, (long long)i, found[i], expected[i]);
    rb_test_free(found);
}

static double *widened(const float *values, int64_t count) {
    double *wide = rb_test_alloc((size_t)count * sizeof *wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    return wide;
}

static void shortcut_of_the_input(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const rb_shape *s = &shapes[i];
        const int64_t inputs = s->batch * s->ic * s->ih * s->iw;
        tiny_graph g;
        tiny_init(&g, s->batch, s->ic, s->ih, s->iw);
        const rb_node *n =
            tiny_add(&g, RB_OP_SHORTCUT, RB_VALUE_INPUT, s->oc, point(s->stride_h, s->stride_w));
        float *src = integers(inputs, 1);
        double *wide = widened(src, inputs);
        double *expected = rb_test_alloc((size_t)(s->batch * g.graph.classes) * sizeof *expected);
        add_shortcut(n, s->batch, wide, expected);
        expect(&g, s, src, expected);
        rb_test_free(src);
        rb_test_free(wide);
        rb_test_free(expected);
    }
}

/* As in a residual block: x = conv(input), y = conv(x), x's shortcut is added to conv(y). With
 * added == false the shortcut comes last, so that its own value is seen. */
static void between_convolutions(const rb_shape *s, bool added) {
    enum { inputs = 3 };
    const int64_t pixels = s->batch * s->ih * s->iw;
    tiny_graph g;
    tiny_init(&g, s->batch, inputs, s->ih, s->iw);
    float *src = integers(pixels * inputs, 2), *first = integers(s->ic * inputs, 3);
    float *second = integers(s->oc * s->ic, 4);
    rb_node *x = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, s->ic, point(1, 1));
    x->wei = tiny_tensor(&g, first, 4, s->ic, inputs, 1, 1);
    rb_node *shortcut = tiny_add(&g, RB_OP_SHORTCUT, 0, s->oc, point(s->stride_h, s->stride_w));
    double *wide = widened(src, pixels * inputs);
    double *value = rb_test_alloc((size_t)(pixels * s->ic) * sizeof *value);
    double *expected = rb_test_alloc((size_t)(s->batch * g.graph.classes) * sizeof *expected);
    mix(x, s->batch, wide, first, value);
    if (added) {
        rb_node *y = tiny_add(&g, RB_OP_CONV, 0, s->oc, point(s->stride_h, s->stride_w));
        y->wei = tiny_tensor(&g, second, 4, s->oc, s->ic, 1, 1);
        y->add = 1;
        mix(y, s->batch, value, second, expected);
    }
    add_shortcut(shortcut, s->batch, value, expected);
    expect(&g, s, src, expected);
    if (added) { /* in the engine's own layout to the end, and with its padded channels read again
                  */
        float *third = integers(5 * s->oc, 5);
        rb_node *z = tiny_add(&g, RB_OP_CONV, 2, 5, point(1, 1));
        double *last = rb_test_alloc((size_t)(s->batch * g.graph.classes) * sizeof *last);
        z->wei = tiny_tensor(&g, third, 4, 5, s->oc, 1, 1);
        mix(z, s->batch, expected, third, last);
        expect(&g, s, src, last);
        z->src = 1; /* the shortcut itself is convolved */
        g.nodes[2].add = RB_NONE;
        double *alone = rb_test_alloc((size_t)(s->batch * s->oc * z->ih * z->iw) * sizeof *alone);
        add_shortcut(shortcut, s->batch, value, alone);
        mix(z, s->batch, alone, third, last);
        expect(&g, s, src, last);
        rb_test_free(alone);
        rb_test_free(last);
        rb_test_free(third);
    }
    rb_test_free(src);
    rb_test_free(first);
    rb_test_free(second);
    rb_test_free(wide);
    rb_test_free(value);
    rb_test_free(expected);
}

static void shortcut_of_a_convolution(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        between_convolutions(&shapes[i], false);
}

static void shortcut_that_is_added(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        between_convolutions(&shapes[i], true);
}

/* As at the end of a network: pooling and FC read a value with its padding, whatever stands there.
 * 4 pixels, so that their mean is exact. */
static void padded_channels_do_not_reach_the_logits(void **state) {
    (void)state;
    static const rb_shape s = {2, 5, 4, 4, 23, 2, 2, 2};
    float *src = integers(s.batch * 3 * 16, 6), *first = integers(s.ic * 3, 7);
    float *last = integers(11 * s.oc, 8);
    tiny_graph g;
    tiny_init(&g, s.batch, 3, s.ih, s.iw);
    rb_node *x = tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, s.ic, point(1, 1));
    x->wei = tiny_tensor(&g, first, 4, s.ic, 3, 1, 1);
    rb_node *shortcut = tiny_add(&g, RB_OP_SHORTCUT, 0, s.oc, point(2, 2));
    tiny_add(&g, RB_OP_AVGPOOL, 1, s.oc,
             (tiny_window){.kh = 2, .kw = 2, .stride_h = 1, .stride_w = 1});
    rb_node *fc = tiny_add(&g, RB_OP_FC, 2, 11, point(1, 1));
    fc->wei = tiny_tensor(&g, last, 2, 11, s.oc, 1, 1);
    double *wide = widened(src, s.batch * 3 * 16);
    double value[2 * 5 * 16], all[2 * 23 * 4] = {0}, mean[2 * 23] = {0}, expected[2 * 11];
    mix(x, s.batch, wide, first, value);
    add_shortcut(shortcut, s.batch, value, all);
    for (int i = 0; i < 2 * 23 * 4; i++)
        mean[i / 4] += all[i] / 4;
    mix(fc, s.batch, mean, last, expected);
    expect(&g, &s, src, expected);
    rb_test_free(src);
    rb_test_free(first);
    rb_test_free(last);
    rb_test_free(wide);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return EXIT_FAILURE;
    engine_name = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortcut_of_the_input),
        cmocka_unit_test(shortcut_of_a_convolution),
        cmocka_unit_test(shortcut_that_is_added),
        cmocka_unit_test(padded_channels_do_not_reach_the_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
