/* A problem: one operation with its shapes, as resbench check gives it to an engine. Its text
 * names it and repeats it:
 *
 *   [conv:|fc:|maxpool:|avgpool:|shortcut:][mbN]icN[ihN][iwN][ocN][ohN][owN][khN][kwN][shN][swN]
 *   [phN][pwN][+bias|+bn][+add][+relu]
 *
 *   ic64ih56oc64oh56kh3ph1              3x3 convolution, padding 1, batch 1
 *   mb3ic256ih14oc512oh7kh1sh2+bn+add+relu
 *   fc:mb3ic2048oc1000+bias
 *
 * The letters are those of oneDNN's benchdnn: mb batch, ic, oc channels, ih, oh, iw, ow extents,
 * kh, kw kernel, sh, sw strides, ph, pw padding in front. What is left out: mb 1, oc = ic (but of a
 * convolution and FC, which need it), ih 1, iw = ih, kh 1 (avgpool: ih), kw = kh, sh 1, sw = sh, ph
 * 0, pw = ph; oh and ow follow from the same padding behind as in front, or say how much there is
 * behind. */
#ifndef MODEL_PROBLEM_H
#define MODEL_PROBLEM_H

#include <stdbool.h>

#include "resbench/graph.h"
#include "resbench/status.h"

#define RB_PROBLEM_CAPACITY 192 /* of a text, its end included */
#define RB_PROBLEM_TENSORS 6    /* at most */

typedef struct rb_problem {
    rb_op op;
    int64_t batch;
    int64_t ic, ih, iw, oc, oh, ow, kh, kw;
    int64_t stride_h, stride_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    bool bias; /* a bias of its own (convolution, FC) */
    bool bn;   /* batch norm behind the convolution */
    bool add;  /* the addend, RB_VALUE_ADDEND, is added before the ReLU */
    bool relu;
} rb_problem;

/* Parses a text; RB_ERR_USAGE names what is wrong in it. Every problem it gives has a graph. */
rb_status rb_problem_parse(const char *text, rb_problem *problem, rb_error *err);

/* The canonical text, which parses to the same problem. */
void rb_problem_format(const rb_problem *problem, char text[RB_PROBLEM_CAPACITY]);

bool rb_problem_equal(const rb_problem *a, const rb_problem *b);

/* The problem that a node of a graph poses: its own fused steps, the graph's batch. */
rb_problem rb_problem_of_node(const rb_graph *graph, int32_t node);

/* The graph of one node, "problem", whose source is RB_VALUE_INPUT, whose operand of the addition
 * is RB_VALUE_ADDEND and whose tensors are, as far as the problem has them and in this order: wei,
 * bia, bn_weight, bn_bias, bn_mean, bn_var. RB_ERR_INPUT or RB_ERR_MEMORY when the shapes
 * contradict each other or are too large. The caller owns *graph (rb_problem_graph_destroy). */
rb_status rb_problem_graph_create(const rb_problem *problem, rb_graph **graph, rb_error *err);
void rb_problem_graph_destroy(rb_graph *graph); /* NULL is fine */

/* A convolution or FC. */
bool rb_op_has_weights(rb_op op);

/* Values of source, destination and all tensors together; of a problem that has a graph. */
int64_t rb_problem_src_elements(const rb_problem *problem);
int64_t rb_problem_dst_elements(const rb_problem *problem);
int64_t rb_problem_tensor_elements(const rb_problem *problem);

#endif
