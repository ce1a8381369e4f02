/* What a gate may say of two builds: a pure function of times. */
#ifndef RESULTS_GATE_H
#define RESULTS_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "resbench/status.h"

#define RB_GATE_LEAST_ROUNDS 6
#define RB_GATE_MAX_ROUNDS 32
#define RB_GATE_MAX_SERIES 3

/* Shares, 0.02 for 2 %. A slowdown within the tolerance is nobody's alarm; one of `detect` must not
 * be overlooked: where it can be neither shown nor excluded, the answer is "noisy". */
typedef struct rb_gate_limits {
    double tolerance, detect;
    double alpha; /* of each test */
} rb_gate_limits;

extern const rb_gate_limits rb_gate_default_limits;

/* Rounds of a series that the test needs at least: its smallest p is 2^-rounds, and must stay below
 * alpha after Holm's correction for so many cells. */
size_t rb_gate_rounds_needed(const rb_gate_limits *limits, size_t cells);

/* The fast quarter's bound: the value that a quarter of the calls, rounded up, does not exceed. NaN
 * for none, or more than 256. */
double rb_gate_quartile(const double *ns, size_t calls);

/* Natural logarithm of head's time over base's in one round: of the lower quartiles of all calls.
 * Both sides take turns in slices, A B B A, so that a drift of the machine meets them alike. What
 * disturbs a call only makes it longer, so the fast quarter of the calls tells most of the build:
 * docs/gate.md has the spread of this and other statistics. */
double rb_gate_log_ratio(const double *base_ns, const double *head_ns, size_t calls);

/* One series of one cell. p are exact, of Wilcoxon's signed-rank test over the rounds, one-sided
 * (Hollander, Wolfe and Chicken 2014, section 3.1); a round is a pair of fresh processes. */
typedef struct rb_gate_series {
    size_t rounds;
    double log_ratio[RB_GATE_MAX_ROUNDS];
    double ratio;     /* Hodges and Lehmann's estimate: median of the Walsh averages */
    double low, high; /* bounds of the ratio by the same test, each at alpha; NaN: too few rounds */
    double p_slower;  /* that head is slower by no more than the tolerance */
    double p_detect;  /* that head is slower by `detect` or more */
} rb_gate_series;

void rb_gate_series_judge(const rb_gate_limits *limits, rb_gate_series *series);

typedef enum rb_gate_verdict {
    RB_GATE_FINE,
    RB_GATE_NOISY,  /* neither shown nor excluded */
    RB_GATE_SLOWER, /* more than the tolerance, shown twice */
    RB_GATE_MORE,   /* not yet: another series is needed */
} rb_gate_verdict;

const char *rb_gate_verdict_name(rb_gate_verdict verdict);

/* What one series says by itself; p_adjusted is its p_slower after Holm. Never RB_GATE_MORE. */
rb_gate_verdict rb_gate_series_verdict(const rb_gate_limits *limits, const rb_gate_series *series,
                                       double p_adjusted);

/* What all series of a cell say, in the order in which they were measured: one that is fine ends
 * it, an alarm needs two that are slower, and after RB_GATE_MAX_SERIES the answer is "noisy". */
rb_gate_verdict rb_gate_verdict_of(const rb_gate_verdict *series, size_t count);

#endif
