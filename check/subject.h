/* The engine under test: a worker that takes problem after problem, and is started again when the
 * engine has failed in it. */
#ifndef CHECK_SUBJECT_H
#define CHECK_SUBJECT_H

#include "bench/remote_problem.h"
#include "check/operands.h"

typedef struct rb_subject {
    const rb_worker_options *options;
    const char *path; /* of the shared object */
    bool verbose;
    rb_worker *worker; /* NULL: none is running */
} rb_subject;

void rb_subject_end(rb_subject *subject); /* stops the worker, if one is running */

/* What describe tells; an engine that cannot be loaded fails here already. conv_only: it is a
 * kernel plug-in. */
rb_status rb_subject_describe(rb_subject *subject, char *version, size_t capacity, bool *conv_only,
                              rb_error *err);

/* The runs of one problem: two with a page that cannot be touched behind every buffer, then one
 * with another number of threads and that page in front of every buffer. */
typedef enum rb_run_kind { RB_RUN_FIRST, RB_RUN_SECOND, RB_RUN_OTHER, RB_RUN_COUNT } rb_run_kind;

typedef struct rb_answers {
    double *dst[RB_RUN_COUNT]; /* (batch, oc, oh, ow) */
    int32_t threads[RB_RUN_COUNT];
    rb_remote_problem_facts facts[RB_RUN_COUNT];
} rb_answers;

/* *engine_failed: the status is the engine's, err says at which step; otherwise nothing could be
 * asked. A crash is believed when a fresh worker crashes on this problem as well, or else told as
 * one that earlier problems are part of. The caller releases answers, after an error too. */
rb_status rb_subject_answer(rb_subject *subject, const rb_problem *problem,
                            const rb_operands *operands, int32_t threads, rb_answers *answers,
                            bool *engine_failed, rb_error *err);
void rb_answers_release(rb_answers *answers);

/* The other number of threads that a run is compared with. */
int32_t rb_other_threads(int32_t threads);

#endif
