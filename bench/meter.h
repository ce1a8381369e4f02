/* What is counted while calls are timed, beside their time: page faults, context switches, the
 * kernel's counters, energy. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <jansson.h>
#include <stdbool.h>

#include "results/call_counts.h"

typedef struct rb_meter rb_meter;

/* Counts the threads that start from now on, and the caller's: to be made before the engine is
 * loaded. NULL when there is no memory. */
rb_meter *rb_meter_create(void);
void rb_meter_destroy(rb_meter *meter); /* NULL is fine */

/* Begins a turn. energy: what passes between two calls is of the calls as well, so that energy may
 * be told. */
void rb_meter_start(rb_meter *meter, bool energy);

/* Right before and right after a call, outside of its time. */
void rb_meter_call_begins(rb_meter *meter);
void rb_meter_call_ends(rb_meter *meter);

/* Means over the calls of the turn. */
rb_call_counts rb_meter_counts(const rb_meter *meter);

/* Adds to a run's context what this machine does not give, and why: "not_measured", an object of
 * sentences; empty where it gives all. */
void rb_meter_describe(json_t *context);

#endif
