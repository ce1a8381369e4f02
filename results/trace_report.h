/* The views of a trace: a table for people, JSON for programs. */
#ifndef RESULTS_TRACE_REPORT_H
#define RESULTS_TRACE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "results/trace_record.h"

/* One line a node, of at most `columns` characters where that is not 0 and there is room for names
 * and figures; then what was found. */
void rb_trace_print(const rb_trace *trace, int columns, FILE *out);

/* {context, trace}. context: the machine; taken over. The file appears whole or not at all. */
rb_status rb_trace_write(const rb_trace *trace, json_t *context, const char *path, rb_error *err);

#endif
