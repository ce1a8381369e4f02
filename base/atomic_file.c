#include "base/atomic_file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rb_status rb_path_in(const char *directory, const char *name, char path[RB_PATH_CAPACITY],
                     rb_error *err) {
    if (snprintf(path, RB_PATH_CAPACITY, "%s/%s", directory, name) >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_OUTPUT, "%.64s...: the path is too long", directory);
    return RB_OK;
}

rb_status rb_temporary_path(const char *path, char temporary[RB_PATH_CAPACITY], rb_error *err) {
    const int length = snprintf(temporary, RB_PATH_CAPACITY, "%s.tmp.%ld", path, (long)getpid());
    if (length < 0 || length >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_OUTPUT, "%.64s...: the path is too long", path);
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: it is not a regular file", path);
    return RB_OK;
}

rb_status rb_check_output(const char *output, const char *input, rb_error *err) {
    struct stat written, read;
    if (stat(output, &written) != 0 || stat(input, &read) != 0 || written.st_dev != read.st_dev ||
        written.st_ino != read.st_ino)
        return RB_OK;
    return rb_fail(err, RB_ERR_OUTPUT, "%s: is the file that is read; give another name with -o",
                   output);
}

rb_status rb_check_directory_of(const char *path, rb_error *err) {
    char directory[RB_PATH_CAPACITY], temporary[RB_PATH_CAPACITY];
    const rb_status status = rb_temporary_path(path, temporary, err);
    if (status != RB_OK)
        return status;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: it is a directory", path);
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    else
        strcpy(directory, ".");
    return access(directory, W_OK) == 0
               ? RB_OK
               : rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: %s", path, strerror(errno));
}

rb_status rb_commit_file(const char *temporary, const char *path, rb_error *err) {
    if (rename(temporary, path) == 0)
        return RB_OK;
    const int why = errno;
    unlink(temporary);
    return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: %s", path, strerror(why));
}

rb_status rb_write_file(const char *path, const void *data, size_t size, rb_error *err) {
    char temporary[RB_PATH_CAPACITY];
    rb_status status = rb_temporary_path(path, temporary, err);
    if (status != RB_OK)
        return status;
    FILE *file = fopen(temporary, "wb");
    if (!file)
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: %s", path, strerror(errno));
    const size_t written = fwrite(data, 1, size, file);
    int why = errno;
    const bool synced = fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (!synced)
        why = errno;
    if (fclose(file) != 0 || written != size || !synced) {
        unlink(temporary);
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written: %s", path, strerror(why));
    }
    return rb_commit_file(temporary, path, err);
}

rb_status rb_make_directories(const char *path, rb_error *err) {
    char partial[RB_PATH_CAPACITY];
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial)
        return rb_fail(err, RB_ERR_OUTPUT, "'%.64s' is not a directory's name", path);
    for (size_t end = 1; end <= length; end++) {
        if (end < length && path[end] != '/')
            continue;
        memcpy(partial, path, end);
        partial[end] = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return rb_fail(err, RB_ERR_OUTPUT, "%s: the directory cannot be made: %s", partial,
                           strerror(errno));
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return rb_fail(err, RB_ERR_OUTPUT, "%s: is not a directory", path);
    return RB_OK;
}
