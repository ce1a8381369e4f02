/* Files that are either whole or not there: written under a temporary name, then renamed. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stddef.h>

#include "resbench/status.h"

#define RB_PATH_CAPACITY 4096

/* directory/name; RB_ERR_OUTPUT when that is too long. */
rb_status rb_path_in(const char *directory, const char *name, char path[RB_PATH_CAPACITY],
                     rb_error *err);

/* The temporary name that goes with path, in the same directory, one per process. A device or a
 * pipe at path is refused: the file would take its place. */
rb_status rb_temporary_path(const char *path, char temporary[RB_PATH_CAPACITY], rb_error *err);

/* RB_ERR_OUTPUT when output is there and is the file that is read, by whatever name. */
rb_status rb_check_output(const char *output, const char *input, rb_error *err);

/* A file at path could be written: told before long work. */
rb_status rb_check_directory_of(const char *path, rb_error *err);

/* Puts the finished temporary file in path's place, or removes it and says why. */
rb_status rb_commit_file(const char *temporary, const char *path, rb_error *err);

/* Writes size bytes as the whole of path. */
rb_status rb_write_file(const char *path, const void *data, size_t size, rb_error *err);

/* Creates a directory and its parents; an existing one is fine. */
rb_status rb_make_directories(const char *path, rb_error *err);

#endif
