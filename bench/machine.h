/* What this process may use of the machine. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/machine_ticks.h"
#include "resbench/status.h"

/* Threads that a newcomer wants: the physical cores this process may use, no more than a
 * cgroup's quota allows. At least 1. */
int32_t rb_machine_threads(void);

/* Processors' worth of time that a cgroup's quota allows; NaN: there is none. */
double rb_machine_quota(void);

/* Processors, siblings included, that this process may use. At least 1. */
int32_t rb_machine_processor_count(void);

/* false where /sys is missing or hides the cores: then every processor counts as one, and caches
 * are unknown. */
bool rb_machine_shows_cores(void);

/* The processors for `threads` threads as compact affinity chooses them (bench/affinity.h). false
 * where the system does not tell. */
bool rb_machine_processors(int32_t threads, cpu_set_t *processors);

/* What of the caches falls to each of these processors: its own, and of a shared one as much as is
 * left when the others of `processors` take the same. bytes has room for CPU_SETSIZE and is indexed
 * by processor; 0: unknown. No cache counts as more than 512 MiB, for none is made that is larger,
 * but some virtual machines say so. */
void rb_machine_cache_shares(const cpu_set_t *processors, int64_t *bytes);

/* Memory that this process could still have: the system's estimate, no more than a cgroup's limit
 * leaves. -1: unknown. */
int64_t rb_machine_available_bytes(void);

/* RB_ERR_MEMORY, with both figures, when the bytes that `what` needs cannot be had. A system that
 * lends more than it has would otherwise end the process later. */
rb_status rb_machine_check_memory(const char *what, double bytes, rb_error *err);

#endif
