#include "bench/stability.h"

#include <math.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/machine_ticks.h"
#include "bench/peak.h"

#define LOOKS 20000
#define MIN_YARDSTICKS 20
#define MAX_YARDSTICKS 4000
#define MIN_TICKS 200 /* a share of fewer would jump by more than half a percent */

static void measure_timer(rb_stability *s) {
    double step = INFINITY;
    const int64_t start = rb_now_ns();
    int64_t before = start;
    for (int i = 0; i < LOOKS; i++) {
        const int64_t now = rb_now_ns();
        if (now > before && (double)(now - before) < step)
            step = (double)(now - before);
        before = now;
    }
    s->timer_cost_ns = (double)(before - start) / LOOKS;
    s->timer_step_ns = step;
}

static int by_size(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void rb_stability_measure(double seconds, rb_stability *s) {
    static double ns[MAX_YARDSTICKS];
    const rb_machine_ticks before = rb_machine_ticks_now();
    int32_t count = 0;
    measure_timer(s);
    const int64_t end = rb_now_ns() + (int64_t)(seconds * 1e9);
    while (count < MIN_YARDSTICKS || (count < MAX_YARDSTICKS && rb_now_ns() < end))
        ns[count++] = rb_yardstick_once_ns();
    const rb_machine_ticks after = rb_machine_ticks_now();
    qsort(ns, (size_t)count, sizeof *ns, by_size);
    s->yardsticks = count;
    s->yardstick_median_ns = ns[count / 2];
    s->yardstick_p5_ns = ns[count / 20];
    s->yardstick_p95_ns = ns[count - 1 - count / 20];
    s->drift = -1;
    s->steal_share =
        after.all - before.all >= MIN_TICKS ? rb_machine_steal_share(before, after) : -1;
}

double rb_stability_spread(const rb_stability *s) {
    return s->yardstick_p5_ns > 0 ? s->yardstick_p95_ns / s->yardstick_p5_ns - 1 : 0;
}
