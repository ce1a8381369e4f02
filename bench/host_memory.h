/* The host table given to an engine, and the account of what the engine took. */
#ifndef BENCH_HOST_MEMORY_H
#define BENCH_HOST_MEMORY_H

#include <stdbool.h>

#include "bench/guarded.h"
#include "resbench/engine.h"

typedef struct rb_host_memory rb_host_memory;

/* guard: of the buffers that the engine gets. verbose: log lines of the engine go to stderr.
 * Thread-safe. NULL when there is no memory. */
rb_host_memory *rb_host_memory_create(int32_t threads, rb_guard guard, bool verbose);

/* Releases what the engine has left behind, too. */
void rb_host_memory_destroy(rb_host_memory *memory);

/* Lives as long as memory. */
const rb_host *rb_host_memory_table(rb_host_memory *memory);

/* Bytes held now, by kind. */
rb_memory rb_host_memory_held(rb_host_memory *memory);

/* Most bytes held at once, of all kinds. */
int64_t rb_host_memory_peak(rb_host_memory *memory);

/* Allocations so far: a run must add none. */
size_t rb_host_memory_count(rb_host_memory *memory);

/* True while no buffer held, or released so far, has been written past its ends. */
bool rb_host_memory_intact(rb_host_memory *memory);

#endif
