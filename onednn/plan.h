/* Places buffers with known lifetimes in one arena. Knows nothing of oneDNN. */
#ifndef ONEDNN_PLAN_H
#define ONEDNN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"

typedef struct rb_buffer {
    size_t bytes;        /* rb_plan rounds it up to RB_ALIGNMENT */
    int32_t first, last; /* alive from node first to node last, both included */
    size_t offset;       /* answer: a multiple of RB_ALIGNMENT */
} rb_buffer;

typedef struct rb_plan {
    size_t arena_bytes;
    size_t bound_bytes; /* the most that is alive at once: no arena can be smaller */
} rb_plan;

/* Chooses all offsets so that buffers alive together do not overlap. */
rb_status rb_plan_arena(rb_buffer *buffers, int32_t count, rb_plan *plan, rb_error *err);

#endif
