/* The synthetic tensors bit for bit: the vectors of shared golden/README.md, and more computed by
 * its definition in Python. */
#include "test_support.h"

#include <math.h>

#include "loaders/synth.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

static const struct {
    const char *network, *tensor; /* no network: the input */
    uint64_t seed;
    int64_t first; /* element */
    uint32_t bits[3];
} vectors[] = {
    /* golden/README.md */
    {NULL, "input", 1, 0, {0x3d9bfac0, 0x3fb66ef4, 0x3d927dc0}},
    {"resnet18", "conv1.weight", 1, 0, {0xbe4c6985, 0x3dc8159a, 0x3dab215e}},
    {"resnet18", "bn1.running_var", 1, 0, {0x3f921c5b, 0x3f72b603, 0x3f98044f}},
    {"resnet18", "layer1.0.bn2.weight", 1, 0, {0x3e8bc101, 0x3e883c89, 0x3e88c104}},
    /* every other kind, and the ends of tensors */
    {NULL, "input", 7, 150527, {0x3d60a340, 0x3ea82718, 0xbe9dc538}},
    {NULL, "input", UINT64_MAX, 0, {0x3e4a9f50, 0x3fdcd81e, 0xbffeb508}},
    {"resnet50", "layer1.0.bn2.weight", 1, 0, {0x3f85e080, 0x3f841e44, 0x3f846082}},
    {"resnet50", "layer4.2.bn3.weight", 1, 2045, {0x3e717ca8, 0x3e6cd2f2, 0x3e84c164}},
    {"resnet50", "layer2.0.downsample.1.weight", 1, 0, {0x3f691a75, 0x3f6ea6e9, 0x3f7a208a}},
    {"resnet50",
     "layer2.0.downsample.1.running_mean",
     1,
     509,
     {0x3d397b9d, 0x3db8b5e8, 0x3daed146}},
    {"resnet50", "layer2.0.downsample.0.weight", 1, 0, {0x3e0dd935, 0x3dc4e212, 0x3d8f8a1b}},
    {"resnet18", "bn1.weight", 3, 0, {0x3f8703cd, 0x3f7059fa, 0x3f6bc6ff}},
    {"resnet18", "bn1.bias", 1, 61, {0x3d407ae0, 0xbc42c673, 0xbd632d7a}},
    {"resnet152", "layer3.35.conv2.weight", 1, 589821, {0xbcd67310, 0x3be68162, 0xbd1ff2f4}},
    {"resnet18", "fc.weight", 1, 511997, {0x3cc31a83, 0x3d52684c, 0xbbb14c20}},
    {"resnet50", "fc.weight", 1, 0, {0x3bc0f388, 0x3ca8c1a9, 0xbcfdc95e}},
    {"resnet18", "fc.bias", 1, 997, {0xbd870460, 0xbd196490, 0x3cfccc53}},
};

static int32_t tensor_of(const rb_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->tensor_count; i++)
        if (strcmp(graph->tensors[i].name, name) == 0)
            return i;
    fail_msg("%s has no tensor %s", graph->name, name);
    return RB_NONE;
}

static rb_graph *build(const char *name) {
    const rb_network *network;
    rb_graph *graph;
    assert_ok(rb_network_find(name, &network, &err));
    assert_ok(rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, &err));
    return graph;
}

/* The values of tensor; the caller frees them. */
static float *synthesize(const char *network, const char *tensor, uint64_t seed, int64_t *count) {
    if (!network) {
        static const int64_t dims[4] = {2, 3, 224, 224};
        *count = 2 * 3 * 224 * 224;
        float *values = malloc((size_t)*count * sizeof *values);
        assert_non_null(values);
        rb_synth_input(dims, seed, values);
        return values;
    }
    rb_graph *graph = build(network);
    const int32_t index = tensor_of(graph, tensor);
    *count = rb_tensor_elements(&graph->tensors[index]);
    float *values = malloc((size_t)*count * sizeof *values);
    assert_non_null(values);
    rb_synth_tensor(graph, index, seed, values);
    rb_graph_destroy(graph);
    return values;
}

static void the_vectors_have_their_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        int64_t count;
        float *values = synthesize(vectors[i].network, vectors[i].tensor, vectors[i].seed, &count);
        assert_in_range(vectors[i].first, 0, count - 3);
        for (int k = 0; k < 3; k++) {
            uint32_t bits;
            memcpy(&bits, &values[vectors[i].first + k], sizeof bits);
            if (bits != vectors[i].bits[k])
                fail_msg("%s[%lld]: %08x, expected %08x", vectors[i].tensor,
                         (long long)vectors[i].first + k, bits, vectors[i].bits[k]);
        }
        free(values);
    }
}

static void another_seed_gives_other_values(void **state) {
    (void)state;
    int64_t count;
    float *one = synthesize("resnet18", "layer2.0.bn1.bias", 1, &count);
    float *again = synthesize("resnet18", "layer2.0.bn1.bias", 1, &count);
    float *two = synthesize("resnet18", "layer2.0.bn1.bias", 2, &count);
    float *sister = synthesize("resnet18", "layer2.1.bn1.bias", 1, &count);
    assert_memory_equal(one, again, (size_t)count * sizeof *one);
    for (int64_t i = 0; i < 8; i++) {
        assert_true(one[i] != two[i]);
        assert_true(one[i] != sister[i]);
    }
    free(one);
    free(again);
    free(two);
    free(sister);
}

/* v1 and v1.5 have the same tensors, and so the same weights. */
static void the_variant_does_not_change_weights(void **state) {
    (void)state;
    int64_t count, other;
    float *torch = synthesize("resnet50", "layer2.0.conv2.weight", 1, &count);
    float *paper = synthesize("resnet50-v1", "layer2.0.conv2.weight", 1, &other);
    assert_int_equal(count, other);
    assert_memory_equal(torch, paper, (size_t)count * sizeof *torch);
    free(torch);
    free(paper);
}

static void the_input_does_not_depend_on_its_shape(void **state) {
    (void)state;
    float wide[2 * 3 * 4 * 5], long_one[120];
    rb_synth_input((const int64_t[4]){2, 3, 4, 5}, 1, wide);
    rb_synth_input((const int64_t[4]){1, 1, 120, 1}, 1, long_one);
    assert_memory_equal(wide, long_one, sizeof wide);
}

/* Every value lies where its kind says, and variances stay positive. */
static void values_stay_in_their_ranges(void **state) {
    (void)state;
    rb_graph *graph = build("resnet18");
    float *values = malloc((size_t)rb_graph_weight_bytes(graph));
    assert_non_null(values);
    for (int32_t t = 0; t < graph->tensor_count; t++) {
        const rb_tensor_desc *tensor = &graph->tensors[t];
        const bool variance = strstr(tensor->name, "running_var") != NULL;
        float low = INFINITY, high = -INFINITY;
        rb_synth_tensor(graph, t, 1, values);
        for (int64_t i = 0; i < rb_tensor_elements(tensor); i++) {
            low = values[i] < low ? values[i] : low;
            high = values[i] > high ? values[i] : high;
        }
        assert_true(low < high);
        assert_true(low >= (variance ? 0.8f : -1.0f));
        assert_true(high <= 1.2f);
    }
    free(values);
    rb_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_have_their_bits),
        cmocka_unit_test(another_seed_gives_other_values),
        cmocka_unit_test(the_variant_does_not_change_weights),
        cmocka_unit_test(the_input_does_not_depend_on_its_shape),
        cmocka_unit_test(values_stay_in_their_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
