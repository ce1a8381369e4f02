/* Which processors the worker of an engine is kept to. */
#ifndef BENCH_AFFINITY_H
#define BENCH_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "resbench/status.h"

struct hwloc_topology;
struct hwloc_bitmap_s;

typedef enum rb_affinity_kind {
    RB_AFFINITY_COMPACT, /* cores next to each other: those of one package and NUMA node first */
    RB_AFFINITY_SCATTER, /* cores far from each other: packages, NUMA nodes, caches in turn */
    RB_AFFINITY_NONE,    /* any processor that this process may use */
    RB_AFFINITY_LIST     /* these, in this order */
} rb_affinity_kind;

typedef struct rb_affinity {
    rb_affinity_kind kind;
    int count; /* of RB_AFFINITY_LIST */
    int16_t processors[CPU_SETSIZE];
} rb_affinity;

/* Where a worker with some number of threads runs. The numbers are of the processors in the set; 0:
 * unknown. */
typedef struct rb_placement {
    bool kept; /* false: to no processors in particular; the set then has those it may use */
    cpu_set_t set;
    int32_t processors, cores, numa_nodes;
} rb_placement;

/* "compact", "scatter", "none", or a list of processors as the system numbers them, "0-3,8" (see
 * number_list.h). RB_ERR_USAGE when it is none of them, or names a processor that this process may
 * not use. */
rb_status rb_affinity_parse(const char *text, rb_affinity *affinity, rb_error *err);

/* "compact", "scatter", "none" or "list". */
const char *rb_affinity_name(rb_affinity_kind kind);

/* The processors of a worker with so many threads, as many as threads: one of each core first, then
 * siblings (SMT) in the same order of cores. All there are when they are fewer than the threads. */
void rb_affinity_place(const rb_affinity *affinity, int32_t threads, rb_placement *placement);

/* The same on a given machine, of which a process may use `allowed`; NULL: all. */
void rb_affinity_place_on(struct hwloc_topology *topology, const struct hwloc_bitmap_s *allowed,
                          const rb_affinity *affinity, int32_t threads, rb_placement *placement);

/* "0-3,8", as the system writes sets of processors; "..." at the end of what does not fit. */
void rb_processors_say(const cpu_set_t *set, char *text, size_t capacity);

#endif
