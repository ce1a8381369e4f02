/* The checks are checked: a graph, a weight or an output that is wrong in one place must fail
 * the golden comparison, although every name and number of values is right. */
#include <math.h>
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "golden_compare.h"
#include "loaders/synth.h"

#define LIMIT 1e-11
#define THREADS 2

typedef struct rb_setup {
    rb_golden *golden;
    rb_test_graph *graph;
    rb_test_weights *weights;
    float *input;
} rb_setup;

static const char *file_of(const char *golden_case) {
    const bool cifar =
        strncmp(golden_case, "resnet20", 8) == 0 || strncmp(golden_case, "resnet8", 7) == 0;
    return cifar ? RESBENCH_CIFAR_GOLDEN : RESBENCH_OWN_GOLDEN;
}

/* A fresh, right set-up that the test may spoil. */
static rb_setup build(const char *golden_case, const char *variant) {
    rb_setup s;
    s.golden = rb_golden_read(file_of(golden_case), golden_case);
    s.graph = rb_golden_graph(s.golden, variant);
    s.weights = rb_test_weights_create(&s.graph->graph, 1);
    const int64_t dims[4] = {s.golden->batch, 3, s.golden->height, s.golden->width};
    s.input = rb_test_alloc((size_t)(dims[0] * dims[1] * dims[2] * dims[3]) * sizeof(float));
    rb_synth_input(dims, 1, s.input);
    return s;
}

static rb_golden_score judge(rb_setup *s, rb_golden_tamper tamper) {
    rb_golden_score score;
    rb_golden_compare(rb_test_engine("oracle"), &s->graph->graph, &s->weights->weights, s->input,
                      s->golden, THREADS, tamper, &score);
    rb_golden_destroy(s->golden);
    rb_test_graph_destroy(s->graph);
    rb_test_weights_destroy(s->weights);
    rb_test_free(s->input);
    assert_int_equal(score.missing, 0);
    assert_int_equal(score.unknown, 0);
    return score;
}

/* Fails by the logits as by a module: the harness sees the logits alone. */
static void must_fail(rb_setup *s) {
    const rb_golden_score score = judge(s, NULL);
    assert_false(score.logits_error <= 1e6 * LIMIT);
    assert_false(score.module_error <= 1e6 * LIMIT);
}

static void unspoilt_passes(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    const rb_golden_score score = judge(&s, NULL);
    assert_true(score.compared > 0);
    assert_true(score.logits_error <= LIMIT);
    assert_true(score.module_error <= LIMIT);
}

static void v1_stride_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet50", "-v1");
    must_fail(&s);
}

static void one_moved_stride_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet50-45x70", "");
    rb_node *first = rb_test_node(s.graph, "layer3.0.conv1");
    rb_node *second = rb_test_node(s.graph, "layer3.0.conv2");
    first->stride_h = first->stride_w = 2;
    first->oh = second->ih = second->oh;
    first->ow = second->iw = second->ow;
    second->stride_h = second->stride_w = 1;
    must_fail(&s);
}

/* TensorFlow's "SAME" pads behind only, where the stride is 2. */
static void shifted_padding_fails(void **state) {
    (void)state;
    static const char *const nodes[] = {"conv1", "layer2.0.conv1", "layer4.1.conv2"};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        rb_setup s = build("resnet18", "");
        rb_node *n = rb_test_node(s.graph, nodes[i]);
        n->pad_top--, n->pad_left--;
        n->pad_bottom++, n->pad_right++;
        must_fail(&s);
    }
}

static void shifted_pool_padding_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18-97x33", "");
    rb_node *n = rb_test_node(s.graph, "maxpool");
    n->pad_left = 0;
    n->pad_right = 2;
    must_fail(&s);
}

/* No padding in the max-pool: 32x32 gives 15x15 instead of 16x16 through layer1, and 8x8 again
 * after the stride of layer2. */
static void missing_padding_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    rb_node *pool = rb_test_node(s.graph, "maxpool");
    pool->pad_top = pool->pad_left = pool->pad_bottom = pool->pad_right = 0;
    pool->oh = pool->ow = 15;
    for (int32_t i = 0; i < s.graph->graph.node_count; i++) {
        rb_node *n = &s.graph->nodes[i];
        if (n->op == RB_OP_CONV && n->ih == 16)
            n->ih = n->iw = 15;
        if (n->op == RB_OP_CONV && n->oh == 16)
            n->oh = n->ow = 15;
    }
    must_fail(&s);
}

/* Centred padding where Keras pads behind only, and the other way round in torch's. */
static void padding_of_the_other_framework_fails(void **state) {
    (void)state;
    static const char *const nodes[] = {"layer2.0.conv1", "layer3.0.conv1"};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        rb_setup s = build("resnet8", "");
        rb_node *n = rb_test_node(s.graph, nodes[i]);
        assert_int_equal(n->pad_top, 0);
        assert_int_equal(n->pad_right, 1);
        n->pad_top = n->pad_left = 1;
        must_fail(&s);
        s = build("resnet20", "");
        n = rb_test_node(s.graph, nodes[i]);
        assert_int_equal(n->pad_top, 1);
        assert_int_equal(n->pad_right, 1);
        n->pad_top = n->pad_left = 0;
        must_fail(&s);
    }
}

/* The shortcut in other words: a 2x2 convolution that copies source channel c to `first` + c, of
 * pixel 0..3 of every window. */
static void spell_out_shortcut(rb_setup *s, const char *name, int64_t first, int64_t pixel) {
    static rb_tensor_desc tensors[256];
    rb_graph *graph = &s->graph->graph;
    rb_node *n = rb_test_node(s->graph, name);
    const int32_t count = graph->tensor_count;
    assert_in_range(count, 1, sizeof tensors / sizeof tensors[0] - 1);
    float *wei = rb_test_alloc((size_t)(n->oc * n->ic * 4) * sizeof *wei);
    for (int64_t c = 0; c < n->ic; c++)
        wei[((first + c) * n->ic + c) * 4 + pixel] = 1;
    memcpy(tensors, graph->tensors, (size_t)count * sizeof *tensors);
    tensors[count] = (rb_tensor_desc){.name = "shift", .ndim = 4, .dims = {n->oc, n->ic, 2, 2}};
    graph->tensors = tensors;
    graph->tensor_count = count + 1;
    rb_test_weights_add(s->weights, wei);
    n->op = RB_OP_CONV;
    n->kh = n->kw = 2;
    n->wei = count;
}

static void another_shortcut_fails(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t first, pixel;
        bool right;
    } cases[] = {{"layer2.0.shortcut", 8, 0, true},   {"layer3.0.shortcut", 16, 0, true},
                 {"layer2.0.shortcut", 0, 0, false},  {"layer2.0.shortcut", 16, 0, false},
                 {"layer3.0.shortcut", 15, 0, false}, {"layer3.0.shortcut", 17, 0, false},
                 {"layer2.0.shortcut", 8, 3, false},  {"layer3.0.shortcut", 16, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rb_setup s = build("resnet20", "");
        spell_out_shortcut(&s, cases[i].name, cases[i].first, cases[i].pixel);
        if (!cases[i].right) {
            must_fail(&s);
            continue;
        }
        const rb_golden_score score = judge(&s, NULL);
        assert_true(score.logits_error <= LIMIT);
        assert_true(score.module_error <= LIMIT);
    }
}

static void a_missing_convolution_bias_fails(void **state) {
    (void)state;
    static const char *const nodes[] = {"conv1", "layer1.0.conv2", "layer3.0.downsample.0"};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        rb_setup s = build("resnet8", "");
        rb_test_node(s.graph, nodes[i])->bia = RB_NONE;
        must_fail(&s);
    }
}

static void swapped_batch_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    const int64_t image = 3 * s.golden->height * s.golden->width;
    for (int64_t i = 0; i < image; i++) {
        const float value = s.input[i];
        s.input[i] = s.input[image + i];
        s.input[image + i] = value;
    }
    must_fail(&s);
}

static void swapped_colours_fail(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    const int64_t plane = s.golden->height * s.golden->width;
    for (int64_t n = 0; n < s.golden->batch; n++)
        for (int64_t i = 0; i < plane; i++) {
            float *red = s.input + n * 3 * plane + i, *blue = red + 2 * plane;
            const float value = *red;
            *red = *blue;
            *blue = value;
        }
    must_fail(&s);
}

static void swapped_channels_fail(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    const rb_node *n = rb_test_node(s.graph, "layer3.0.conv1");
    const int64_t filter = n->ic * n->kh * n->kw;
    float *wei = s.weights->tensors[n->wei];
    for (int64_t i = 0; i < filter; i++) {
        const float value = wei[i];
        wei[i] = wei[filter + i];
        wei[filter + i] = value;
    }
    must_fail(&s);
}

static void missing_relu_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    rb_test_node(s.graph, "layer2.1.conv1")->relu = 0;
    must_fail(&s);
}

static void missing_addition_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    rb_test_node(s.graph, "layer2.1.conv2")->add = RB_NONE;
    must_fail(&s);
}

/* The block before is skipped, too: shapes agree within layer1. */
static void wrong_shortcut_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    const rb_node *pool = rb_test_node(s.graph, "maxpool");
    rb_test_node(s.graph, "layer1.1.conv2")->add = (int32_t)(pool - s.graph->nodes);
    must_fail(&s);
}

static void wrong_epsilon_fails(void **state) {
    (void)state;
    rb_setup s = build("resnet18", "");
    for (int32_t i = 0; i < s.graph->graph.node_count; i++)
        if (s.graph->nodes[i].bn_weight != RB_NONE)
            s.weights->epsilon[i] = 1e-3;
    must_fail(&s);
    s = build("resnet18", "");
    s.weights->epsilon[rb_test_node(s.graph, "layer4.0.downsample.0") - s.graph->nodes] = 1e-3;
    must_fail(&s);
}

/* Wrong outputs of a right graph: one module's, and the logits. */
static const char *tampered_module;

static int is_tampered(const char *name) {
    return strcmp(name, tampered_module) == 0 || strcmp(name, "logits") == 0;
}

static void stale_tail(const char *name, double *data, int64_t count) {
    if (is_tampered(name))
        memset(data + count - 8, 0, 8 * sizeof *data);
}

static void one_nan(const char *name, double *data, int64_t count) {
    if (is_tampered(name))
        data[count / 2] = NAN;
}

static void all_zero(const char *name, double *data, int64_t count) {
    if (is_tampered(name))
        memset(data, 0, (size_t)count * sizeof *data);
}

static void corner_pixel(const char *name, double *data, int64_t count) {
    (void)count;
    if (is_tampered(name))
        data[0] += 1e-3;
}

static void tampered_outputs_fail(void **state) {
    (void)state;
    static const rb_golden_tamper tampers[] = {stale_tail, one_nan, all_zero, corner_pixel};
    static const char *const modules[] = {"layer2.0.bn1", "layer4.1.relu", "maxpool", "conv1"};
    for (size_t i = 0; i < sizeof tampers / sizeof tampers[0]; i++) {
        tampered_module = modules[i];
        rb_setup s = build("resnet18", "");
        const rb_golden_score score = judge(&s, tampers[i]);
        assert_false(score.logits_error <= 1e5 * LIMIT);
        assert_false(score.module_error <= 1e5 * LIMIT);
        assert_true(strncmp(score.worst, modules[i], strlen(modules[i])) == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unspoilt_passes),
        cmocka_unit_test(v1_stride_fails),
        cmocka_unit_test(one_moved_stride_fails),
        cmocka_unit_test(shifted_padding_fails),
        cmocka_unit_test(shifted_pool_padding_fails),
        cmocka_unit_test(missing_padding_fails),
        cmocka_unit_test(padding_of_the_other_framework_fails),
        cmocka_unit_test(another_shortcut_fails),
        cmocka_unit_test(a_missing_convolution_bias_fails),
        cmocka_unit_test(swapped_batch_fails),
        cmocka_unit_test(swapped_colours_fail),
        cmocka_unit_test(swapped_channels_fail),
        cmocka_unit_test(missing_relu_fails),
        cmocka_unit_test(missing_addition_fails),
        cmocka_unit_test(wrong_shortcut_fails),
        cmocka_unit_test(wrong_epsilon_fails),
        cmocka_unit_test(tampered_outputs_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
