/* How wrong values are, and the verdict: pure functions. docs/design.md, "Right", gives the rules.
 */
#ifndef CHECK_FIGURES_H
#define CHECK_FIGURES_H

#include "check/truth.h"
#include "resbench/engine.h"
#include "results/check_record.h"

/* Compares dst with truth, (batch, oc, oh, ow) both. Shares are of the limits of the level
 * operation: every element within (8 + sqrt K) u P + (8 + 6 sqrt(K / 3)) u B, S = P + B, and the
 * norm of the error within max(8, sqrt K) u norm(S). For Winograd, whose errors are those of a
 * whole tile, both are 4 times as wide, and an element's S is the largest of its plane. Pools for
 * maxima and shortcuts have no sum: their limits are 0. On top of each limit come (K + 2) times the
 * smallest normal float32, for products and results that a processor flushes to 0. The truth is
 * finite. */
rb_check_figures rb_figures_compare(const rb_problem *problem, const rb_problem_truth *truth,
                                    rb_algorithm algorithm, const double *dst);

/* exact: equal as values. operation: no share above 1; MARGINAL up to 2. note says why it is no
 * PASS. */
rb_verdict rb_figures_judge_exact(const rb_check_figures *figures, char *note, size_t capacity);
rb_verdict rb_figures_judge_operation(const rb_check_figures *figures, char *note, size_t capacity);

#endif
