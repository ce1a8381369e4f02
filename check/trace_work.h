/* What the two halves of a trace share: the walk along the network, and the search for causes. */
#ifndef CHECK_TRACE_WORK_H
#define CHECK_TRACE_WORK_H

#include "check/trace.h"

typedef struct rb_trace_work {
    const rb_trace_plan *plan;
    rb_trace *trace;
    rb_recording found, right; /* of the engine and of the one it is held to */
    rb_remote *engine, *against;
} rb_trace_work;

/* Fills in steps, lone runs, causes and findings. For a trace that is not right. */
rb_status rb_trace_find_causes(rb_trace_work *work, rb_error *err);

#endif
