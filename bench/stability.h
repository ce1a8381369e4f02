/* How steady a machine is, and how well it tells the time: measured, in a fraction of a second. */
#ifndef BENCH_STABILITY_H
#define BENCH_STABILITY_H

#include <stdint.h>

typedef struct rb_stability {
    double timer_cost_ns; /* of one look at the clock that the harness uses (bench/clock.h) */
    double timer_step_ns; /* the smallest difference that it shows, its own cost included */
    int32_t yardsticks;   /* runs of the yardstick loop (bench/peak.h) on one thread */
    double yardstick_median_ns, yardstick_p5_ns, yardstick_p95_ns;
    double steal_share; /* while they ran; -1: unknown, or too short to tell */
    double drift;       /* of the yardstick over a whole run: slowest over fastest - 1; -1: none */
} rb_stability;

/* Runs the yardstick for about `seconds`, at least 20 times. */
void rb_stability_measure(double seconds, rb_stability *stability);

/* How much slower the slow runs of the yardstick are than the fast ones: p95 / p5 - 1. */
double rb_stability_spread(const rb_stability *stability);

#endif
