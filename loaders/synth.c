#include "loaders/synth.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "model/graph_cost.h"

#define GOLDEN_GAMMA 0x9E3779B97F4A7C15u /* 2^64 / golden ratio, the increment of splitmix64 */

static uint64_t fnv1a64(const char *text) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

/* Element i of the splitmix64 stream of key, as a multiple of 2^-23 in [-1, 1). */
static double unit_value(uint64_t key, uint64_t i) {
    uint64_t z = key + (i + 1) * GOLDEN_GAMMA;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z = z ^ (z >> 31);
    return (double)(z >> 40) * 0x1p-23 - 1.0;
}

/* dst[i] = offset + scale * v, in double, rounded once. */
static void fill(const char *name, uint64_t seed, double offset, double scale, int64_t count,
                 float *dst) {
    const uint64_t key = fnv1a64(name) ^ (seed * GOLDEN_GAMMA);
    for (int64_t i = 0; i < count; i++)
        dst[i] = (float)(offset + scale * unit_value(key, (uint64_t)i));
}

static bool ends_with(const char *text, const char *suffix) {
    const size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

void rb_synth_tensor(const rb_graph *graph, int32_t index, uint64_t seed, float *dst) {
    const rb_tensor_desc *tensor = &graph->tensors[index];
    const int64_t count = rb_tensor_elements(tensor);
    double offset = 0, scale = 0.1; /* biases and running means */
    if (tensor->ndim == 4) {
        scale = sqrt(6.0 / (double)(tensor->dims[1] * tensor->dims[2] * tensor->dims[3]));
    } else if (tensor->ndim == 2) {
        scale = sqrt(3.0 / (double)tensor->dims[1]);
    } else if (ends_with(tensor->name, ".running_var")) {
        offset = 1, scale = 0.2;
    } else if (ends_with(tensor->name, ".weight")) {
        offset = 1;
        /* The last BN of a block is the one whose convolution adds the shortcut: small
         * weights there keep the activations of deep networks in range. */
        for (int32_t n = 0; n < graph->node_count; n++)
            if (graph->nodes[n].bn_weight == index && graph->nodes[n].add != RB_NONE)
                offset = 0.25, scale = 0.05;
    }
    fill(tensor->name, seed, offset, scale, count, dst);
}

void rb_synth_values(const char *name, uint64_t seed, int64_t count, float *dst) {
    fill(name, seed, 0, 1, count, dst);
}

void rb_synth_input(const int64_t dims[4], uint64_t seed, float *dst) {
    fill("input", seed, 0, 2, dims[0] * dims[1] * dims[2] * dims[3], dst);
}
