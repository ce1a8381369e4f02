/* Two engines node by node on one input: where they part, and whose fault it is. */
#ifndef CHECK_TRACE_H
#define CHECK_TRACE_H

#include "bench/plan.h"
#include "bench/remote_case.h"
#include "check/chain.h"
#include "check/recorded.h"
#include "results/trace_record.h"

typedef struct rb_trace_plan {
    rb_plan_engine engine, against;
    rb_case_spec spec; /* network, weights, shape, threads; its engine is not looked at */
    const char *weights_sha256;
    const rb_inputs *inputs;
    const char *dump; /* directory of the values as HDF5, or NULL */
    rb_worker_options worker;
    /* Told of progress: share of the work done, 0..1, and what is being done. */
    void (*on_progress)(void *ctx, double share, const char *what);
    void *ctx;
} rb_trace_plan;

/* What an engine may fail at while the network runs ends the trace; alone, it is a finding. The
 * caller releases *trace. */
rb_status rb_trace_make(const rb_trace_plan *plan, rb_trace *trace, rb_error *err);

#endif
