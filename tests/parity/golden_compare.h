/* An engine's outputs against golden ones: logits, and every module by name. */
#ifndef PARITY_GOLDEN_COMPARE_H
#define PARITY_GOLDEN_COMPARE_H

#include "engine_fixture.h"
#include "golden_file.h"

/* May change an observed tensor (a copy, as double) before it is compared; name is the golden
 * module's, or "logits". */
typedef void (*rb_golden_tamper)(const char *name, double *data, int64_t count);

typedef struct rb_golden_score {
    int64_t compared;         /* modules of the file that were compared */
    int64_t missing;          /* modules of the file that were not */
    int64_t unknown;          /* values the engine showed that the file does not know */
    double logits_error;      /* relative L2; infinite when not finite */
    double worst_image_error; /* the same of the worst image */
    double module_error;      /* the largest of all errors of modules */
    char worst[RB_GOLDEN_NAME + 16];
} rb_golden_score;

/* The graph of a case; variant ("", "-v1") is appended to the network's name. */
rb_test_graph *rb_golden_graph(const rb_golden *golden, const char *variant);

/* Errors of a module: its probes in relative L2 (of themselves or of as many values of the
 * module's root mean square, whichever is more), std, l2 and absmax relatively, mean in units of
 * std. A wrong shape, a NaN or an infinity is an infinite error. Prints one line. */
void rb_golden_compare(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
                       const float *src, const rb_golden *golden, int32_t threads,
                       rb_golden_tamper tamper, rb_golden_score *score);

/* Relative L2 distance; infinite when a value is not finite or nothing is compared. */
double rb_relative_l2(const double *found, const double *expected, int64_t count);

#endif
