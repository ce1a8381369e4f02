/* What this processor can do at most: multiply-adds in registers. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stdint.h>

#include "bench/vector_isa.h"
#include "resbench/status.h"

typedef struct rb_peak {
    double gmacs_per_second; /* float32 multiply-adds, all threads together, 1e9/s */
    const char *isa;         /* instructions that reached it: avx512f, avx2, baseline */
} rb_peak;

/* Runs independent multiply-add chains on `threads` threads for about 0.3 s and takes the
 * millisecond in which all together did the most (bench/best_window.h): the peak that a latency is
 * set against. */
rb_status rb_peak_measure(int32_t threads, rb_peak *peak, rb_error *err);

/* The same with one kind of instructions, which must be usable, in about `seconds`. */
rb_status rb_peak_measure_isa(rb_vector_isa isa, int32_t threads, double seconds, rb_peak *peak,
                              rb_error *err);

/* Nanoseconds of a fixed loop of about a millisecond on one thread, the best of three: the
 * same work each time, so a change tells of the machine and not of an engine. */
double rb_yardstick_ns(void);

/* The same loop, once. */
double rb_yardstick_once_ns(void);

#endif
