/* The table of networks: a network is a row, not code. */
#ifndef MODEL_NETWORK_H
#define MODEL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"

#define RB_MAX_STAGES 4

typedef enum rb_block {
    RB_BLOCK_BASIC,     /* 3x3, 3x3 (He et al. 2015, figure 5 left) */
    RB_BLOCK_BOTTLENECK /* 1x1, 3x3, 1x1 with four times the width (figure 5 right) */
} rb_block;

typedef enum rb_stem {
    RB_STEM_IMAGENET, /* 7x7 stride 2, max-pool 3x3 stride 2 (table 1) */
    RB_STEM_CIFAR     /* 3x3 stride 1, no pool (section 4.2) */
} rb_stem;

/* What a block adds where its shape changes (section 3.3 and, for A, section 4.2). */
typedef enum rb_shortcut {
    RB_SHORTCUT_B,       /* 1x1 projection with batch norm */
    RB_SHORTCUT_B_PLAIN, /* 1x1 projection without */
    RB_SHORTCUT_A        /* RB_OP_SHORTCUT: every second pixel, zero channels, no parameters */
} rb_shortcut;

typedef enum rb_padding {
    RB_PADDING_CENTRED, /* kernel / 2 on every side */
    RB_PADDING_SAME     /* TensorFlow's "same": ceil(in / stride) out, the odd pixel at the end */
} rb_padding;

typedef struct rb_network {
    const char *name;
    int32_t depth; /* convolutions on the main path + fully connected */
    rb_stem stem;
    rb_block block;
    rb_shortcut shortcut;
    rb_padding padding; /* of convolutions */
    /* false: the 3x3 of a bottleneck strides ("v1.5", torchvision);
     * true: its first 1x1 does ("v1", the paper). Basic blocks know no difference. */
    bool stride_in_first_1x1;
    int32_t stages;
    int32_t blocks[RB_MAX_STAGES]; /* per stage */
    int64_t widths[RB_MAX_STAGES]; /* channels of a block's first convolution */
    int64_t classes;               /* default */
    int64_t size;                  /* default height and width of the input */
} rb_network;

/* All rows, in the order in which they are listed to people. */
const rb_network *rb_network_table(size_t *count);

/* The row called name, or RB_ERR_USAGE naming the known ones. The row is static. */
rb_status rb_network_find(const char *name, const rb_network **network, rb_error *err);

/* Channels out of a block of width w, divided by w: 1 or 4. */
int64_t rb_block_expansion(rb_block block);

/* Where a block strides: "v1" (the paper) or "v1.5" (torchvision). Basic blocks are v1. */
const char *rb_network_variant(const rb_network *network);

/* Number of residual blocks. */
int32_t rb_network_block_count(const rb_network *network);

#endif
