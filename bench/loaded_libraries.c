#include "bench/loaded_libraries.h"

#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int add_library(struct dl_phdr_info *info, size_t size, void *ctx) {
    char *path = info->dlpi_name && info->dlpi_name[0] ? realpath(info->dlpi_name, NULL) : NULL;
    (void)size;
    if (path) {
        const char *name = strrchr(path, '/');
        json_t *text = json_string(name ? name + 1 : path);
        if (text)
            json_array_append_new(ctx, text);
    }
    free(path);
    return 0;
}

json_t *rb_loaded_libraries(void) {
    json_t *libraries = json_array();
    dl_iterate_phdr(add_library, libraries);
    return libraries;
}

json_t *rb_libraries_beyond(const json_t *all, const json_t *known) {
    json_t *beyond = json_array(), *library, *other;
    size_t i, k;
    json_array_foreach(all, i, library) {
        bool found = false;
        json_array_foreach(known, k, other) found = found || json_equal(library, other);
        if (!found)
            json_array_append(beyond, library);
    }
    return beyond;
}
