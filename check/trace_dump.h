/* The values of a trace as HDF5: DIR/input.h5, and a file for each engine with one dataset for each
 * node, named after its value. */
#ifndef CHECK_TRACE_DUMP_H
#define CHECK_TRACE_DUMP_H

#include "check/trace.h"

typedef struct rb_trace_dump rb_trace_dump;

/* trace has the names of network, engines and input. *dump is NULL where plan has no directory, and
 * the functions below do nothing then. */
rb_status rb_trace_dump_create(const rb_trace_plan *plan, const rb_trace *trace,
                               const rb_graph *graph, rb_trace_dump **dump, rb_error *err);

/* Adds the nodes first .. first + count - 1 of an engine: side 0 is plan->engine, 1 the other. */
rb_status rb_trace_dump_add(rb_trace_dump *dump, int side, bool wide, int32_t first, int32_t count,
                            const double *values, rb_error *err);

/* Puts all files in place; the dump is gone either way. */
rb_status rb_trace_dump_commit(rb_trace_dump *dump, const float *input, rb_error *err);
void rb_trace_dump_discard(rb_trace_dump *dump);

#endif
