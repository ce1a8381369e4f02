#include "results/report_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"

static rb_status write_text(const char *directory, const char *name, const char *text, size_t size,
                            rb_error *err) {
    char path[RB_PATH_CAPACITY];
    if (!text)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to write %s", name);
    if (!directory)
        return rb_write_file(name, text, size, err);
    const rb_status status = rb_path_in(directory, name, path, err);
    return status == RB_OK ? rb_write_file(path, text, size, err) : status;
}

rb_status rb_report_print(const char *directory, const char *name,
                          void (*print)(const void *ctx, FILE *out), const void *ctx,
                          rb_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        print(ctx, out);
    const bool whole = out && fclose(out) == 0;
    const rb_status status = write_text(directory, name, whole ? text : NULL, size, err);
    free(text);
    return status;
}

rb_status rb_report_json(const char *directory, const char *name, json_t *root, size_t flags,
                         rb_error *err) {
    char *text = json_dumps(root, flags);
    const rb_status status = write_text(directory, name, text, text ? strlen(text) : 0, err);
    free(text);
    json_decref(root);
    return status;
}
