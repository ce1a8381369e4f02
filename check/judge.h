/* From answers to the verdict of a row. */
#ifndef CHECK_JUDGE_H
#define CHECK_JUDGE_H

#include "check/figures.h"
#include "check/subject.h"

/* Fills in kernel, winograd, verdict, note and figures; row->level says by which rule, but
 * that declared Winograd is held to the limits of operation at level exact, too. All runs are
 * judged, the worst counts. Two runs in one session have the same bits; same_for_all_threads: so
 * have those of every number of threads. */
void rb_judge_answers(const rb_problem *problem, const rb_problem_truth *truth,
                      const rb_answers *answers, bool same_for_all_threads, rb_check_row *row);

#endif
