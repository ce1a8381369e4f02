#include "base/own_path.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

rb_status rb_own_program(char path[RB_PATH_CAPACITY], rb_error *err) {
    const ssize_t length = readlink("/proc/self/exe", path, RB_PATH_CAPACITY);
    if (length > 0 && length < RB_PATH_CAPACITY) {
        path[length] = '\0';
        return RB_OK;
    }
    /* Without /proc: what it was started as. */
    const char *started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    char *resolved = started ? realpath(started, NULL) : NULL;
    const bool fits = resolved && strlen(resolved) < RB_PATH_CAPACITY;
    if (fits)
        strcpy(path, resolved);
    free(resolved);
    return fits ? RB_OK
                : rb_fail(err, RB_ERR_INPUT,
                          "the program's own path cannot be read: is /proc mounted?");
}

rb_status rb_own_path(const char *relative, char path[RB_PATH_CAPACITY], rb_error *err) {
    char own[RB_PATH_CAPACITY], joined[RB_PATH_CAPACITY];
    rb_status status = rb_own_program(own, err);
    char *slash = status == RB_OK ? strrchr(own, '/') : NULL;
    if (slash)
        *slash = '\0';
    if (status == RB_OK)
        status = rb_path_in(own, relative, joined, err);
    if (status != RB_OK)
        return status;
    char *resolved = realpath(joined, NULL);
    const bool fits = resolved && strlen(resolved) < RB_PATH_CAPACITY;
    if (fits)
        strcpy(path, resolved);
    free(resolved);
    return fits ? RB_OK : rb_fail(err, RB_ERR_INPUT, "%s: is not there", joined);
}

rb_status rb_share_path(const char *name, char path[RB_PATH_CAPACITY], rb_error *err) {
    char directory[RB_PATH_CAPACITY];
    const char *given = getenv("RESBENCH_SHARE");
    rb_status status = RB_OK;
    if (!given || !*given)
        status = rb_own_path(RB_RELATIVE_SHARE, directory, err);
    if (status == RB_OK)
        status = rb_path_in(given && *given ? given : directory, name, path, err);
    if (status == RB_OK && access(path, R_OK) != 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: cannot be read; set RESBENCH_SHARE", path);
    return status;
}
