/* The roofline model: what a machine allows a piece of work (Williams, Waterman and Patterson 2009,
 * doi 10.1145/1498765.1498785). Pure functions. */
#ifndef RESULTS_ROOFLINE_H
#define RESULTS_ROOFLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Measured on the machine, all threads together; NaN or 0: not known. */
typedef struct rb_roof {
    double peak_gmacs; /* multiply-adds, 1e9/s, which is one a nanosecond */
    double bandwidth;  /* of main memory, bytes a nanosecond */
} rb_roof;

/* NaN where it cannot be told. */
typedef struct rb_roofline {
    double intensity;     /* multiply-adds a byte; NaN without bytes */
    double bound_ns;      /* max(macs / peak, bytes / bandwidth): no machine like this is faster,
                           * when all bytes come from memory */
    bool memory_bound;    /* the second of the two */
    double share_of_peak; /* macs / ns over the peak */
    double share_of_bandwidth; /* bytes / ns over the bandwidth; above 1: bytes came from caches */
    double share_of_bound;     /* bound_ns / ns */
} rb_roofline;

/* Of work that took ns nanoseconds. */
rb_roofline rb_roofline_of(const rb_roof *roof, int64_t macs, int64_t bytes, double ns);

/* Says below a table that so many of its rows are above the measured peak, and what that means. */
void rb_roofline_print_above(int64_t rows, FILE *out);

#endif
