#include "bench/build_directory.h"

#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Characters that glob would take for something else. */
static bool is_plain(const char *text) {
    return strpbrk(text, "*?[]\\") == NULL;
}

rb_status rb_build_engine(const char *directory, const char *name, char path[RB_PATH_CAPACITY],
                          rb_error *err) {
    static const char *const places[] = {"lib", "lib64", "lib/*"};
    char pattern[RB_PATH_CAPACITY];
    if (!is_plain(directory))
        return rb_fail(err, RB_ERR_USAGE, "%s: has one of the letters *?[]\\", directory);
    if (!is_plain(name) || strchr(name, '/'))
        return rb_fail(err, RB_ERR_USAGE,
                       "'%s' is no engine's name in a build directory: 'onednn' is one", name);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        glob_t found;
        if (snprintf(pattern, sizeof pattern, "%s/%s/resbench/%s.so", directory, places[i], name) >=
            (int)sizeof pattern)
            break;
        const bool there = glob(pattern, 0, NULL, &found) == 0;
        if (there)
            snprintf(path, RB_PATH_CAPACITY, "%s", found.gl_pathv[0]);
        globfree(&found);
        if (there)
            return RB_OK;
    }
    return rb_fail(err, RB_ERR_USAGE,
                   "%s: has no engine lib/resbench/%s.so; it must be a build directory or an "
                   "installation of resbench",
                   directory, name);
}
