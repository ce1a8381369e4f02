#include "model/network.h"

#include <string.h>

/* He et al. 2015, table 1; the widths of conv2_x to conv5_x. */
#define IMAGENET_ROW(row_name, d, kind, v1, b0, b1, b2, b3)                                        \
    {                                                                                              \
        .name = row_name, .depth = d, .block = kind, .stride_in_first_1x1 = v1, .stages = 4,       \
        .blocks = {b0, b1, b2, b3}, .widths = {64, 128, 256, 512}, .classes = 1000, .size = 224    \
    }

/* Section 4.2: 6n + 2 layers, n blocks a stage. */
#define CIFAR_ROW(row_name, d)                                                                     \
    {                                                                                              \
        .name = row_name, .depth = d, .stem = RB_STEM_CIFAR, .block = RB_BLOCK_BASIC,              \
        .shortcut = RB_SHORTCUT_A, .stages = 3, .blocks = {((d)-2) / 6, ((d)-2) / 6, ((d)-2) / 6}, \
        .widths = {16, 32, 64}, .classes = 10, .size = 32                                          \
    }

static const rb_network table[] = {
    IMAGENET_ROW("resnet18", 18, RB_BLOCK_BASIC, false, 2, 2, 2, 2),
    IMAGENET_ROW("resnet34", 34, RB_BLOCK_BASIC, false, 3, 4, 6, 3),
    IMAGENET_ROW("resnet50", 50, RB_BLOCK_BOTTLENECK, false, 3, 4, 6, 3),
    IMAGENET_ROW("resnet101", 101, RB_BLOCK_BOTTLENECK, false, 3, 4, 23, 3),
    IMAGENET_ROW("resnet152", 152, RB_BLOCK_BOTTLENECK, false, 3, 8, 36, 3),
    IMAGENET_ROW("resnet50-v1", 50, RB_BLOCK_BOTTLENECK, true, 3, 4, 6, 3),
    IMAGENET_ROW("resnet101-v1", 101, RB_BLOCK_BOTTLENECK, true, 3, 4, 23, 3),
    IMAGENET_ROW("resnet152-v1", 152, RB_BLOCK_BOTTLENECK, true, 3, 8, 36, 3),
    CIFAR_ROW("resnet20", 20),
    CIFAR_ROW("resnet32", 32),
    CIFAR_ROW("resnet44", 44),
    CIFAR_ROW("resnet56", 56),
    CIFAR_ROW("resnet110", 110),
    CIFAR_ROW("resnet1202", 1202),
    /* MLPerf Tiny's image classification network (Banbury et al. 2021, arXiv 2106.07597) */
    {.name = "resnet8",
     .depth = 8,
     .stem = RB_STEM_CIFAR,
     .block = RB_BLOCK_BASIC,
     .shortcut = RB_SHORTCUT_B_PLAIN,
     .padding = RB_PADDING_SAME,
     .stages = 3,
     .blocks = {1, 1, 1},
     .widths = {16, 32, 64},
     .classes = 10,
     .size = 32},
};

static const size_t table_count = sizeof table / sizeof table[0];

const rb_network *rb_network_table(size_t *count) {
    *count = table_count;
    return table;
}

rb_status rb_network_find(const char *name, const rb_network **network, rb_error *err) {
    char known[256] = "";
    size_t used = 0;
    *network = NULL;
    for (size_t i = 0; i < table_count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *network = &table[i];
            return RB_OK;
        }
        int written =
            snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", table[i].name);
        if (written > 0 && (size_t)written < sizeof known - used)
            used += (size_t)written;
    }
    return rb_fail(err, RB_ERR_USAGE, "no network is called '%s'; known: %s", name, known);
}

int64_t rb_block_expansion(rb_block block) {
    return block == RB_BLOCK_BOTTLENECK ? 4 : 1;
}

const char *rb_network_variant(const rb_network *network) {
    const bool v1 = network->block == RB_BLOCK_BASIC || network->stride_in_first_1x1;
    return v1 ? "v1" : "v1.5";
}

int32_t rb_network_block_count(const rb_network *network) {
    int32_t count = 0;
    for (int32_t stage = 0; stage < network->stages; stage++)
        count += network->blocks[stage];
    return count;
}
