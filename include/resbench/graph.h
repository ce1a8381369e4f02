/* A network as plain arrays: what an engine is given to execute.
 *
 * A node is what a fast engine would run as one step and what parity compares:
 *   conv [+ batch norm] [+ add] [+ ReLU], max-pool, global average pool, fully connected,
 *   parameter-free shortcut.
 * Nodes stand in execution order: a node reads only values of earlier nodes. */
#ifndef RESBENCH_GRAPH_H
#define RESBENCH_GRAPH_H

#include <stdint.h>

#include "resbench/status.h"

#define RB_MAX_DIMS 4

/* Value references: >= 0 is the output of that node. */
#define RB_VALUE_INPUT (-1) /* the network's input */
#define RB_NONE (-2)        /* no such value, no such tensor */
#define RB_VALUE_ADDEND                                                                            \
    (-3) /* a second input, of the shape of the last node's value; only that                       \
          * node may read it, and only to add it */

typedef enum rb_dtype { RB_F32 = 1, RB_F64 = 2 } rb_dtype;
RB_ASSERT_WIDTH(rb_dtype);

typedef enum rb_op {
    RB_OP_CONV = 1, /* cross-correlation, zero padding */
    RB_OP_MAXPOOL,  /* padding never wins */
    RB_OP_AVGPOOL,  /* global: kernel = whole plane, no padding */
    RB_OP_FC,       /* dst[n][o] = bia[o] + sum_i wei[o][i] src[n][i] */
    RB_OP_SHORTCUT /* option A: dst[n][c][y][x] = src[n][c - (oc - ic) / 2][y stride_h][x stride_w],
                    * and 0 for the channels c that src does not have; oc >= ic, 1x1, no padding */
} rb_op;
RB_ASSERT_WIDTH(rb_op);

/* A parameter tensor: float32, row-major. Convolution weights are OIHW,
 * FC weights OI, everything else one value per channel. */
typedef struct rb_tensor_desc {
    const char *name; /* torchvision's state-dict name, such as layer1.0.conv1.weight */
    int32_t ndim;
    int32_t reserved;          /* 0 */
    int64_t dims[RB_MAX_DIMS]; /* unused dimensions are 1 */
} rb_tensor_desc;

/* Source of the semantics: He et al. 2015 (arXiv 1512.03385), sections 3.3 and 3.4;
 * batch norm at inference: Ioffe and Szegedy 2015 (arXiv 1502.03167), algorithm 2. */
typedef struct rb_node {
    const char *name;       /* after its convolution: layer1.0.conv1, maxpool, avgpool, fc */
    const char *value_name; /* torchvision's module with the same output: layer1.0.relu */
    rb_op op;
    int32_t src;        /* value read */
    int32_t add;        /* value added after BN and before ReLU, or RB_NONE */
    int32_t relu;       /* 1: max(0, x) as the last step; 0: no such step */
    int64_t ic, ih, iw; /* source: (batch, ic, ih, iw) */
    int64_t oc, oh, ow; /* destination: (batch, oc, oh, ow) */
    int64_t kh, kw;     /* kernel */
    int64_t stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    /* Indices into rb_graph.tensors, or RB_NONE. */
    int32_t wei;                                 /* (oc, ic, kh, kw); FC: (oc, ic) */
    int32_t bia;                                 /* (oc) */
    int32_t bn_weight, bn_bias, bn_mean, bn_var; /* (oc) each; all four or none */
    int64_t reserved[4]; /* 0; what is not asks for something newer than this header knows */
} rb_node;

typedef struct rb_graph {
    uint32_t size;     /* sizeof(rb_graph) of the harness */
    uint32_t reserved; /* 0 */
    const char *name;  /* the configuration row: resnet50, resnet50-v1 */
    int64_t batch;
    int64_t channels, height, width; /* input: (batch, channels, height, width) float32, NCHW */
    int64_t classes;                 /* output: (batch, classes), the last node's value */
    int32_t node_count;
    int32_t tensor_count;
    const rb_node *nodes;
    const rb_tensor_desc *tensors;
} rb_graph;

#endif
