/* The thread count of oneDNN's own runtime. */
#ifndef ONEDNN_THREADS_H
#define ONEDNN_THREADS_H

#include <stdint.h>

#include "resbench/status.h"

/* Can this build of oneDNN run with so many threads? */
rb_status rb_threads_check(int32_t threads, rb_error *err);

/* Sets the count for the calling thread; returns the one to restore with the same call. */
int rb_threads_set(int threads);

/* "OMP", "TBB", ... */
const char *rb_threads_runtime(void);

#endif
