/* Readers take a path: the fuzzer's bytes as a file in TMPDIR, which ci/fuzz puts into memory. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <fcntl.h>
#include <unistd.h>

#include "fuzz_support.h"

#define FUZZ_PATH_SIZE 512

typedef struct fuzz_scratch {
    char directory[FUZZ_PATH_SIZE], path[FUZZ_PATH_SIZE + 64];
} fuzz_scratch;

static fuzz_scratch scratch;

static inline void fuzz_remove_scratch(void) {
    unlink(scratch.path);
    rmdir(scratch.directory);
}

/* The path of the one file, in a directory of its own that is removed at the end. */
static inline const char *fuzz_path(const char *name) {
    if (!scratch.directory[0]) {
        const char *where = getenv("TMPDIR");
        snprintf(scratch.directory, sizeof scratch.directory, "%s/resbench-fuzz-XXXXXX",
                 where ? where : "/tmp");
        FUZZ_REQUIRE(mkdtemp(scratch.directory));
        snprintf(scratch.path, sizeof scratch.path, "%s/%s", scratch.directory, name);
        atexit(fuzz_remove_scratch);
    }
    return scratch.path;
}

/* The one file, with exactly these bytes. */
static inline const char *fuzz_file(const char *name, const void *data, size_t size) {
    const char *path = fuzz_path(name);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FUZZ_REQUIRE(file >= 0);
    FUZZ_REQUIRE(write(file, data, size) == (ssize_t)size);
    close(file);
    return path;
}

#endif
