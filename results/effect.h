/* How many times slower: a pure function of two records' times.
 *
 * The unit is the worker, a fresh process: memory layout, huge pages and the state of the machine
 * at its start are drawn once for all of its calls (Kalibera and Jones 2013, "Rigorous Benchmarking
 * in Reasonable Time"), so neither its calls nor its turns may be exchanged with another's. A
 * worker's figure is the median of its turns' medians, as a logarithm. */
#ifndef RESULTS_EFFECT_H
#define RESULTS_EFFECT_H

#include "results/record.h"

#define RB_MOST_WORKERS 64 /* of one cell in one file */

/* The workers of one cell in one file. */
typedef struct rb_workers {
    size_t count;
    double log_ns[RB_MOST_WORKERS];
} rb_workers;

/* RB_ERR_INPUT for a time that is no positive number, and for more workers than there is room for.
 */
rb_status rb_workers_of(const rb_record *record, rb_workers *workers, rb_error *err);

/* e to the mean of log_ns: the geometric mean of the workers' medians; NaN of none. */
double rb_workers_ns(const rb_workers *workers);

typedef enum rb_effect_test {
    RB_TEST_NONE,       /* fewer than 2 workers on a side: nothing tells how far workers differ */
    RB_TEST_WELCH,      /* takes the logarithms to be about normal */
    RB_TEST_PERMUTATION /* exact: takes nothing for granted but that workers can be exchanged */
} rb_effect_test;

const char *rb_effect_test_name(rb_effect_test test);

typedef struct rb_effect {
    double ratio;     /* of b to a */
    double low, high; /* 95 % interval, Welch's; NaN without a test */
    double p;         /* of no difference, both sides; NaN without a test */
    rb_effect_test test;
} rb_effect;

/* Which test: the permutation of whole workers where the numbers of workers let it reach `level` at
 * all, Welch's elsewhere. Numbers decide, never times. */
rb_effect_test rb_effect_choose(size_t a_workers, size_t b_workers, double level);

/* b to a. level: that at which one cell among all must be significant to count, alpha / cells. */
void rb_effect_compute(const rb_workers *a, const rb_workers *b, double level, rb_effect *effect);

/* The ratio of two ratios, (b / b_base) / (a / a_base), each taken worker by worker; the test is
 * Welch's, or none where an engine has another number of workers than its base. */
void rb_effect_of_ratios(const rb_workers *a, const rb_workers *a_base, const rb_workers *b,
                         const rb_workers *b_base, rb_effect *effect);

#endif
