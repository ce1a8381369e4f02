/* What a machine can do at most: multiply-adds for each kind of instructions, bytes for each level
 * of the memory hierarchy, for one thread and for many. */
#ifndef BENCH_CAPACITY_H
#define BENCH_CAPACITY_H

#include <jansson.h>
#include <stddef.h>

#include "bench/bandwidth.h"
#include "bench/machine_facts.h"
#include "bench/peak.h"
#include "bench/progress.h"

#define RB_MAX_PEAKS 64
#define RB_MAX_BANDWIDTHS 16

typedef struct rb_peak_row {
    rb_vector_isa isa;
    int32_t threads;
    double gmacs_per_second;
} rb_peak_row;

typedef struct rb_bandwidth_row {
    int32_t level; /* of the cache; 0: main memory */
    int32_t threads;
    int64_t working_set;                   /* of a thread, bytes */
    double bytes_per_ns[RB_TRAFFIC_COUNT]; /* all threads together */
} rb_bandwidth_row;

typedef struct rb_capacity {
    rb_peak_row peaks[RB_MAX_PEAKS];
    size_t peak_count;
    rb_bandwidth_row bandwidths[RB_MAX_BANDWIDTHS];
    size_t bandwidth_count;
} rb_capacity;

/* Peaks for 1, 2, 4 ... and `threads` threads, bandwidths for 1 and `threads`; about a tenth of a
 * second each. RB_ERR_INTERRUPTED between two of them. progress is started and cleared. */
rb_status rb_capacity_measure(const rb_machine_facts *facts, int32_t threads, rb_progress *progress,
                              rb_capacity *capacity, rb_error *err);

/* Bytes that each of so many threads should go over to stay in a level of cache: half of what it
 * has there. 0: the level cannot be told from the one before it, or is not there. */
int64_t rb_capacity_working_set(const rb_machine_facts *facts, int32_t level, int32_t threads);

/* {peaks: [{isa, threads, gmacs_per_second}], bandwidths: [{level, threads, working_set_bytes,
 * read_gb_per_second, copy_..., triad_...}]}; level 0 is main memory. A new reference. */
json_t *rb_capacity_to_json(const rb_capacity *capacity);

#endif
