/* Reports as files, whole or not at all. */
#ifndef RESULTS_REPORT_FILE_H
#define RESULTS_REPORT_FILE_H

#include <jansson.h>

#include "base/atomic_file.h"

/* Writes what print prints of ctx to directory/name; directory NULL: name is the path. */
rb_status rb_report_print(const char *directory, const char *name,
                          void (*print)(const void *ctx, FILE *out), const void *ctx,
                          rb_error *err);

/* The same for JSON; flags are jansson's. The reference to root is taken. */
rb_status rb_report_json(const char *directory, const char *name, json_t *root, size_t flags,
                         rb_error *err);

/* given itself, or the file `name` in it when it is a directory. */
rb_status rb_report_find(const char *given, const char *name, char path[RB_PATH_CAPACITY],
                         rb_error *err);

/* Reads JSON; flags are jansson's. RB_ERR_INPUT names the file, and the line where it is no JSON.
 * The caller owns *root, which is NULL on error. */
rb_status rb_report_load_json(const char *path, size_t flags, json_t **root, rb_error *err);

#endif
