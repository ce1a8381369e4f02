#include "results/report_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

rb_status rb_report_find(const char *given, const char *name, char path[RB_PATH_CAPACITY],
                         rb_error *err) {
    struct stat found;
    if (stat(given, &found) == 0 && S_ISDIR(found.st_mode))
        return rb_path_in(given, name, path, err);
    if (snprintf(path, RB_PATH_CAPACITY, "%s", given) >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_INPUT, "the path of a file is too long: %.64s...", given);
    return RB_OK;
}

rb_status rb_report_load_json(const char *path, size_t flags, json_t **root, rb_error *err) {
    json_error_t why;
    *root = NULL;
    FILE *file = fopen(path, "r");
    if (!file)
        return rb_fail(err, RB_ERR_INPUT, "%s: %s", path, strerror(errno));
    *root = json_loadf(file, flags, &why);
    fclose(file);
    return *root ? RB_OK
                 : rb_fail(err, RB_ERR_INPUT, "%s: line %d: %.160s", path, why.line, why.text);
}
