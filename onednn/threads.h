/* The thread count of oneDNN's own runtime. */
#ifndef ONEDNN_THREADS_H
#define ONEDNN_THREADS_H

#include <stdint.h>

#include "resbench/status.h"

/* Can this build of oneDNN run with so many threads? */
rb_status rb_threads_check(int32_t threads, rb_error *err);

/* Sets the count for the calling thread; returns the one to restore with the same call. */
int rb_threads_set(int threads);

/* Work that is split into parts 0 .. count - 1. */
typedef void (*rb_part_fn)(const void *work, int part, int count);

/* Calls fn for every part of as many as threads, side by side on the threads that oneDNN itself
 * uses; where they cannot be had, or threads is 1, once with count = 1. */
void rb_threads_share(int threads, rb_part_fn fn, const void *work);

/* "OMP", "TBB", ... */
const char *rb_threads_runtime(void);

#endif
