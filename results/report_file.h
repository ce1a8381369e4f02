/* Reports as files, whole or not at all. */
#ifndef RESULTS_REPORT_FILE_H
#define RESULTS_REPORT_FILE_H

#include <jansson.h>

#include "resbench/status.h"

/* Writes what print prints of ctx to directory/name; directory NULL: name is the path. */
rb_status rb_report_print(const char *directory, const char *name,
                          void (*print)(const void *ctx, FILE *out), const void *ctx,
                          rb_error *err);

/* The same for JSON; flags are jansson's. The reference to root is taken. */
rb_status rb_report_json(const char *directory, const char *name, json_t *root, size_t flags,
                         rb_error *err);

#endif
