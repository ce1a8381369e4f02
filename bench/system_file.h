/* The small files in which Linux tells of itself, below /proc and /sys. */
#ifndef BENCH_SYSTEM_FILE_H
#define BENCH_SYSTEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everywhere: root is what stands before /proc and /sys, "" for the system that this process runs
 * on, or the directory of a tree that was captured on another machine. */

/* First line of a file, without its end; false (and an empty line) when there is none. */
bool rb_system_line(const char *root, const char *path, char *line, size_t capacity);

/* The rest of the first line that begins with word, from the first character that is neither blank
 * nor colon: "model name", "flags". */
bool rb_system_value(const char *root, const char *path, const char *word, char *value,
                     size_t capacity);

/* The whole number there; -1: there is none. word "": the file's first line. */
int64_t rb_system_number(const char *root, const char *path, const char *word);

/* The same of what the file gives in KiB, in bytes; -1 also where that is no size. */
int64_t rb_system_kib(const char *root, const char *path, const char *word);

bool rb_system_exists(const char *root, const char *path);

/* One of the blank-separated words of a text. */
bool rb_system_has_word(const char *text, const char *word);

#endif
