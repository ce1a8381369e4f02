/* What the unit tests share: cmocka with the headers it wants, and a directory to work in. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resbench/status.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PATH_SIZE 4096

/* A sentence: some text, one line. */
#define assert_sentence(err)                                                                       \
    do {                                                                                           \
        assert_true((err).message[0] != '\0');                                                     \
        assert_null(strpbrk((err).message, "\r\n"));                                               \
    } while (0)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("'%s' is not in '%s'", (part), (text));                                       \
    } while (0)

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        rb_error err = {""};                                                                       \
        if ((call) != RB_OK)                                                                       \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

/* Directories: the state of a group is a new one, removed after its last test. */
static inline int make_directory(void **state) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/resbench-test-XXXXXX");
    *state = mkdtemp(path);
    return *state ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *info, int type,
                               struct FTW *ftw) {
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static inline int remove_directory(void **state) {
    return nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int empty_directory(void **state) {
    return remove_directory(state) || mkdir(*state, 0700);
}

static inline const char *path_of(void **state, const char *name, char path[PATH_SIZE]) {
    snprintf(path, PATH_SIZE, "%s/%s", (const char *)*state, name);
    return path;
}

/* Names in a directory, "." and ".." not counted. */
static inline size_t entries_of(const char *path) {
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static inline void save(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The whole file and a zero byte after it; the caller frees it. */
static inline char *load(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const size_t length = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(length + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, length, file), length);
    fclose(file);
    data[length] = '\0';
    if (size)
        *size = length;
    return data;
}

/* splitmix64, for made-up data of any kind. */
static inline uint64_t random_bits(uint64_t *seed) {
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* In (0, 1). */
static inline double random_unit(uint64_t *seed) {
    return ((double)(random_bits(seed) >> 11) + 0.5) * 0x1p-53;
}

#endif
