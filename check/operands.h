/* What a problem is fed: tensors, source and addend. */
#ifndef CHECK_OPERANDS_H
#define CHECK_OPERANDS_H

#include <stdint.h>

#include "model/problem.h"

/* Where the values come from. */
typedef enum rb_fill {
    RB_FILL_INTEGER,  /* small integers: every order of every sum gives the same float32 */
    RB_FILL_SEEDED,   /* pseudo-random, of the scale that a network has */
    RB_FILL_RECORDED, /* a node of a network, on the activations that the oracle has there */
    RB_FILL_COUNT
} rb_fill;

const char *rb_fill_name(rb_fill fill); /* "integer", "seeded", "recorded" */

typedef struct rb_operands {
    float *tensors; /* of the problem's graph, one behind the other */
    float *src;     /* (batch, ic, ih, iw) */
    float *addend;  /* (batch, oc, oh, ow), or NULL */
    double epsilon; /* of the batch norm */
} rb_operands;

/* Integers such that sum |wei||src| + |bia| + |addend| is at most 2^24 everywhere; sources of an
 * average pool are multiples of kh * kw. RB_ERR_UNSUPPORTED with batch norm, and where K is too
 * large. */
rb_status rb_operands_integer(const rb_problem *problem, uint64_t seed, rb_operands *operands,
                              rb_error *err);

/* Weights of the spread sqrt(2 / K) (He et al. 2015, arXiv 1502.01852), sources about half of them
 * positive, statistics of a batch norm far from (0, 1). */
rb_status rb_operands_seeded(const rb_problem *problem, uint64_t seed, rb_operands *operands,
                             rb_error *err);

/* Room without values, for who fills it himself. */
rb_status rb_operands_create(const rb_problem *problem, rb_operands *operands, rb_error *err);
void rb_operands_release(rb_operands *operands);

#endif
