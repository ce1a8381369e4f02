/* How far the times of a machine can be trusted, and why. */
#ifndef BENCH_GRADE_H
#define BENCH_GRADE_H

#include <stddef.h>

#include "bench/machine_facts.h"
#include "bench/stability.h"

#define RB_MAX_REASONS 20

typedef struct rb_grade_reason {
    char most;          /* the best grade that this leaves: 'B', 'C', 'D' */
    char sentence[160]; /* without a full stop */
} rb_grade_reason;

/* A: nothing is known that moves times. B: differences of a few percent say little. C: so do those
 * of ten percent and more. D: times are no measurement. docs/environment.md has the rules. */
typedef struct rb_grade {
    char letter;
    rb_grade_reason reasons[RB_MAX_REASONS]; /* the gravest first */
    size_t count;
} rb_grade;

/* What happens while threads of this number are timed. stability: NULL where nothing was measured,
 * which leaves no A. A pure function of its arguments. */
void rb_grade_machine(const rb_machine_facts *facts, const rb_stability *stability, int32_t threads,
                      rb_grade *grade);

#endif
