/* Where a run takes place: the machine, its state, the software, and how far its times can be
 * trusted. Every result file carries it. */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

#include <jansson.h>
#include <stdbool.h>

#include "bench/grade.h"

typedef struct rb_environment {
    rb_machine_facts facts;
    bool measured; /* stability */
    rb_stability stability;
    int32_t threads; /* that the grade is for */
    rb_grade grade;
} rb_environment;

/* Notes the load average before this program adds to it: the grade is about what others do. Called
 * once, first of all; without it the load is that of the look. */
void rb_environment_begin(void);

/* Of this machine, now. seconds: how long its stability is measured (0: not at all). */
void rb_environment_look(int32_t threads, double seconds, rb_environment *environment);

/* What a result file that times nothing has: a look of a seventh of a second, as a context. */
json_t *rb_environment_brief(int32_t threads);

/* Google Benchmark's context block (date, executable, library_build_type, and what
 * bench/machine_json.h says), with versions, OpenMP settings, stability, grade and grade_reasons. A
 * new reference. */
json_t *rb_environment_context(const rb_environment *environment);

/* What a part of a run has shown: steal_share, and how far the yardstick drifted
 * (bench/stability.h; -1 or NaN: unknown). The worst of the run counts; grades again and writes
 * that into the context. */
void rb_environment_learn(rb_environment *environment, double steal_share, double drift,
                          json_t *context);

/* Adds grade, grade_reasons and, where measured, stability. */
void rb_environment_add_grade(const rb_environment *environment, json_t *context);

/* "grade B: <the gravest reason>; 2 reasons more" */
#define RB_GRADE_LINE_CAPACITY 320
void rb_environment_grade_line(const rb_environment *environment,
                               char line[RB_GRADE_LINE_CAPACITY]);

#endif
