/* Times of the rounds of a gate: its raw data, as a file. */
#ifndef RESULTS_GATE_SAMPLES_H
#define RESULTS_GATE_SAMPLES_H

#include <stdio.h>

#include "results/gate.h"

#define RB_GATE_MAX_SIDES 8
#define RB_GATE_SLICES 4    /* of a round; even: each side is as often first as last */
#define RB_GATE_MIN_CALLS 2 /* timed calls of a slice, after one that is not */
#define RB_GATE_MAX_CALLS 16
#define RB_GATE_ROUND_CALLS (RB_GATE_SLICES * RB_GATE_MAX_CALLS)

typedef struct rb_gate_times {
    double start_s, end_s;                             /* since the first round began */
    double ns[RB_GATE_MAX_SIDES][RB_GATE_ROUND_CALLS]; /* of each call; slices without gaps */
    double yardstick_ns[RB_GATE_MAX_SIDES][RB_GATE_SLICES];
} rb_gate_times;

/* Side 0 is the base. */
typedef struct rb_gate_samples {
    size_t side_count, calls;           /* of a slice */
    double slowdown[RB_GATE_MAX_SIDES]; /* that was injected, as a share */
    rb_gate_times *rounds;
    size_t count, capacity;
} rb_gate_samples;

rb_status rb_gate_samples_add(rb_gate_samples *samples, const rb_gate_times *round, rb_error *err);
void rb_gate_samples_release(rb_gate_samples *samples);

/* CSV, a line for each slice of each side: round, start_s, end_s, side, slowdown_percent, slice,
 * yardstick_ns, call_1_ns .. */
void rb_gate_samples_print_header(const rb_gate_samples *samples, FILE *out);
void rb_gate_samples_print_round(const rb_gate_samples *samples, size_t round, FILE *out);

/* RB_ERR_INPUT names file and line. On error *samples is empty. */
rb_status rb_gate_samples_read(const char *path, rb_gate_samples *samples, rb_error *err);

#endif
