#include "results/trace_record.h"

#include <stdlib.h>

static const char *const causes[RB_CAUSE_COUNT] = {
    "", "node", "values", "surroundings", "operands", "rounding", "not shown", "unknown"};

const char *rb_trace_cause_name(rb_trace_cause cause) {
    return causes[cause];
}

void rb_trace_release(rb_trace *trace) {
    free(trace->nodes);
    *trace = (rb_trace){0};
}

bool rb_trace_is_right(const rb_trace *trace) {
    return trace->first < 0 && trace->run == RB_VERDICT_PASS;
}
