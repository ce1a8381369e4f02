/* The steps of a run, and the buffers that values share. */
#ifndef ADAPTER_PLAN_H
#define ADAPTER_PLAN_H

#include "layout.h"

typedef enum rb_home {
    RB_HOME_BUFFER, /* a slot of the plan */
    RB_HOME_SRC,    /* the caller's */
    RB_HOME_ADDEND,
    RB_HOME_DST
} rb_home;

/* A value in one of the layouts in which it is wanted. */
typedef struct rb_place {
    int32_t value; /* as in graph.h */
    rb_layout layout;
    rb_shape shape;
    rb_home home;
    int32_t slot;        /* of RB_HOME_BUFFER */
    int32_t first, last; /* steps that write it and that read it last */
} rb_place;

typedef enum rb_step_kind {
    RB_STEP_REORDER,
    RB_STEP_KERNEL,
    RB_STEP_REFERENCE,
    RB_STEP_KINDS
} rb_step_kind;

#define RB_NO_PLACE (-1)

typedef struct rb_step {
    rb_step_kind kind;
    int32_t node;          /* the one that the step is of */
    int32_t src, add, dst; /* places */
} rb_step;

typedef struct rb_slot {
    int64_t elements;
    int32_t busy_until; /* the last step that reads its present value */
} rb_slot;

/* Arrays have room for what a graph of so many nodes can need at most. */
typedef struct rb_plan {
    rb_place *places; /* [3 nodes + 3] */
    rb_step *steps;   /* [3 nodes + 1] */
    rb_slot *slots;   /* [3 nodes + 3] */
    int32_t place_count, step_count, slot_count;
} rb_plan;

/* Adds a place whose first step is the next one. */
int32_t rb_plan_add_place(rb_plan *plan, int32_t value, rb_layout layout, rb_shape shape,
                          rb_home home);

/* The place as which a value was written first. */
const rb_place *rb_plan_origin(const rb_plan *plan, int32_t value);

/* A place with the value in this layout; adds a reorder on behalf of node where there is none. */
int32_t rb_plan_ensure(rb_plan *plan, int32_t value, rb_layout layout, int32_t node);

void rb_plan_add_step(rb_plan *plan, rb_step step);

/* Once all steps are there: gives a slot to every place that needs one. */
void rb_plan_assign_slots(rb_plan *plan);

#endif
