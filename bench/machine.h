/* Where a run took place. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <jansson.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "resbench/status.h"

/* Threads that a newcomer wants: the physical cores this process may use, no more than a
 * cgroup's quota allows. At least 1. */
int32_t rb_machine_threads(void);

/* Processors, siblings included, that this process may use. At least 1. */
int32_t rb_machine_processor_count(void);

/* false where /sys is missing or hides the cores: then every processor counts as one, and caches
 * are unknown. */
bool rb_machine_shows_cores(void);

/* The processors for `threads` threads: one of each of the first cores that this process may use;
 * all that it may use when there are not as many cores. false where the system does not tell. */
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

/* Google Benchmark's context block (date, host_name, num_cpus, mhz_per_cpu, caches, load_avg,
 * library_build_type ...) with our additions: cpu_model, cores, memory_bytes, kernel, governor,
 * cpu_quota, compiler, versions of libraries. What is unknown is left out. */
json_t *rb_machine_context(void);

/* Processor time that the hypervisor gave to others, and all processor time, since boot, in
 * ticks summed over processors (man proc_stat); both 0 where the kernel does not tell. */
typedef struct rb_machine_ticks {
    uint64_t steal, all;
} rb_machine_ticks;

rb_machine_ticks rb_machine_ticks_now(void);

/* Share of processor time stolen between two moments; -1 unknown. */
double rb_machine_steal_share(rb_machine_ticks from, rb_machine_ticks to);

#endif
