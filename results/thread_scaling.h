/* How latency changes with the number of threads. */
#ifndef RESULTS_THREAD_SCALING_H
#define RESULTS_THREAD_SCALING_H

#include "results/record.h"

#define RB_MAX_THREAD_POINTS 64
#define RB_SCALING_REASON_CAPACITY 96

/* p: threads over the fewest threads of the line, S: speed-up. */
typedef struct rb_thread_point {
    const rb_record *record;
    double latency_ms, low_ms, high_ms; /* median and its interval; NaN: too few samples */
    double speedup;                     /* S: latency with the fewest threads over this one */
    double efficiency;                  /* S / p */
    /* The experimentally determined serial fraction (1 / S - 1 / p) / (1 - 1 / p): Karp and Flatt,
     * "Measuring parallel processor performance", CACM 33 (5), 1990. Where Amdahl's law alone is at
     * work it is the same with any number of threads; it grows where threads cost something. NaN
     * with the fewest threads. */
    double serial_fraction;
    /* What the threads added since the point before have added to S, over what they would ideally
     * have: (S - S before) / (p - p before). NaN with the fewest threads. */
    double marginal;
} rb_thread_point;

/* One network, engine, batch, input size, mode and scenario with at least two numbers of threads.
 *
 * The knee is the number of threads beyond which more of them give less than half: the point behind
 * the last step with marginal >= 1/2, and the first point when there is no such step. There is none
 * when the last step is such a one. (Eager, Zahorjan and Lazowska, "Speedup versus efficiency in
 * parallel systems", IEEE Trans. Computers 38 (3), 1989, put it where S / latency is largest per
 * thread: there a thread adds half of what threads add on average so far.)
 *
 * The cliff is the fewest threads with a latency that is worse than the best with fewer threads,
 * when the two 95 % intervals do not overlap. */
typedef struct rb_thread_scaling {
    const rb_record *record; /* of the first point: says which line it is */
    size_t count;
    rb_thread_point points[RB_MAX_THREAD_POINTS]; /* by threads */
    int32_t knee;                                 /* threads; 0: none */
    char knee_reason[RB_SCALING_REASON_CAPACITY]; /* what lies beyond it, where topology tells */
    int32_t cliff, cliff_best; /* threads: of the cliff, and of the best before it; 0: none */
    double cliff_percent;      /* by how much latency is worse */
    char cliff_reason[RB_SCALING_REASON_CAPACITY];
} rb_thread_scaling;

/* Timed records with the verdict PASS, in their order. The caller frees it; NULL, with *count 0,
 * when there is no line or no memory. Records must outlive the result. */
rb_thread_scaling *rb_thread_scaling_compute(const rb_record_list *records, size_t *count);

#endif
