/* May the times of two runs stand side by side? */
#ifndef RESULTS_LIKENESS_H
#define RESULTS_LIKENESS_H

#include "results/report.h"

#define RB_MOST_DIFFERENCES 32

/* What differs, with the value in each of the files. */
typedef struct rb_difference {
    const char *member; /* of the plan or the context */
    char a[160], b[160];
} rb_difference;

typedef struct rb_likeness {
    rb_difference machine[RB_MOST_DIFFERENCES]; /* times of two machines */
    size_t machine_count;
    rb_difference method[RB_MOST_DIFFERENCES]; /* measured in two ways, or of two inputs */
    size_t method_count;
    rb_difference shown[RB_MOST_DIFFERENCES]; /* may differ, and may explain a ratio */
    size_t shown_count;
} rb_likeness;

void rb_likeness_find(const rb_report *a, const rb_report *b, rb_likeness *likeness);

/* RB_ERR_NOT_COMPARABLE, with both values of everything that forbids it. across: machines may
 * differ. */
rb_status rb_likeness_check(const rb_likeness *likeness, bool across, rb_error *err);

#endif
