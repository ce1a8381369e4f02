#include "check/judge.h"

#include <math.h>
#include <string.h>

static int gravity(rb_verdict verdict) {
    switch (verdict) {
    case RB_VERDICT_PASS:
        return 0;
    case RB_VERDICT_MARGINAL:
        return 1;
    case RB_VERDICT_MISTRUSTED:
        return 2;
    default:
        return 3;
    }
}

static double share(const rb_check_figures *figures) {
    return fmax(figures->element_share, figures->norm_share);
}

static bool same_bits(const double *a, const double *b, int64_t count) {
    return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

static void judge_run(const rb_problem *problem, const rb_problem_truth *truth,
                      const rb_answers *answers, int run, rb_check_row *row) {
    char why[400] = "", where[32] = "";
    const rb_check_figures figures =
        rb_figures_compare(problem, truth, answers->facts[run].algorithm, answers->dst[run]);
    /* Winograd's sums hold fractions, such as sixths of a weight: they promise no whole numbers. */
    const bool whole =
        row->level == RB_LEVEL_EXACT && answers->facts[run].algorithm == RB_ALGORITHM_DIRECT;
    const rb_verdict verdict = whole ? rb_figures_judge_exact(&figures, why, sizeof why)
                                     : rb_figures_judge_operation(&figures, why, sizeof why);
    if (run > 0 &&
        (gravity(verdict) < gravity(row->verdict) ||
         (gravity(verdict) == gravity(row->verdict) && !(share(&figures) > share(&row->figures)))))
        return;
    if (run == RB_RUN_SECOND)
        snprintf(where, sizeof where, "second run: ");
    else if (run == RB_RUN_OTHER)
        snprintf(where, sizeof where, "with %d thread%s: ", answers->threads[run],
                 answers->threads[run] == 1 ? "" : "s");
    row->figures = figures;
    row->verdict = verdict;
    row->winograd = answers->facts[run].algorithm == RB_ALGORITHM_WINOGRAD;
    snprintf(row->note, sizeof row->note, "%s%s", why[0] ? where : "", why);
}

/* Names the first value at which two runs do not have the same bits. */
static void fail_difference(const rb_problem *problem, const double *a, const double *b,
                            const char *what, rb_check_row *row) {
    int64_t at = 0;
    while (same_bits(&a[at], &b[at], 1))
        at++;
    const int64_t plane = problem->oh * problem->ow, image = problem->oc * plane;
    row->verdict = RB_VERDICT_FAIL;
    snprintf(row->note, sizeof row->note, "%s differ at (%lld, %lld, %lld, %lld): %.9g and %.9g",
             what, (long long)(at / image), (long long)(at % image / plane),
             (long long)(at % plane / problem->ow), (long long)(at % problem->ow), a[at], b[at]);
}

void rb_judge_answers(const rb_problem *problem, const rb_problem_truth *truth,
                      const rb_answers *answers, bool same_for_all_threads, rb_check_row *row) {
    const int64_t count = rb_problem_dst_elements(problem);
    const double *first = answers->dst[RB_RUN_FIRST];
    const bool repeated = same_bits(first, answers->dst[RB_RUN_SECOND], count);
    const bool other = same_bits(first, answers->dst[RB_RUN_OTHER], count);
    snprintf(row->kernel, sizeof row->kernel, "%s", answers->facts[RB_RUN_FIRST].kernel);
    judge_run(problem, truth, answers, RB_RUN_FIRST, row);
    if (!repeated)
        judge_run(problem, truth, answers, RB_RUN_SECOND, row);
    if (!other || answers->facts[RB_RUN_OTHER].algorithm != answers->facts[RB_RUN_FIRST].algorithm)
        judge_run(problem, truth, answers, RB_RUN_OTHER, row);
    if (row->verdict == RB_VERDICT_FAIL)
        return;
    char what[64];
    snprintf(what, sizeof what, "runs with %d and %d threads", answers->threads[RB_RUN_FIRST],
             answers->threads[RB_RUN_OTHER]);
    if (!repeated)
        fail_difference(problem, first, answers->dst[RB_RUN_SECOND], "two runs of the same input",
                        row);
    else if (same_for_all_threads && !other)
        fail_difference(problem, first, answers->dst[RB_RUN_OTHER], what, row);
}
