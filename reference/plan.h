/* What is settled before memory is taken: which values may share a buffer. */
#ifndef REFERENCE_PLAN_H
#define REFERENCE_PLAN_H

#include "resbench/engine.h"

/* A buffer that holds one value after another. */
typedef struct rb_slot {
    int64_t elements;   /* of the largest value it holds */
    int32_t busy_until; /* the last node that reads its present value */
} rb_slot;

/* Gives every value a slot: slot_of[v + 1] for value v, the input (v = -1) included. slot_of
 * and slots have room for node_count + 1. Returns the number of slots. A value keeps its slot
 * from the node that writes it to the last one that reads it. */
int32_t rb_ref_plan_slots(const rb_graph *graph, int32_t *slot_of, rb_slot *slots);

#endif
