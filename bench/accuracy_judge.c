#include "bench/accuracy_judge.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bench/parity.h"

static bool are_finite(const double *logits, int64_t classes) {
    for (int64_t i = 0; i < classes; i++)
        if (!isfinite(logits[i]))
            return false;
    return true;
}

static void find_top1(const double *logits, int64_t classes, rb_accuracy_image *image) {
    double second = -INFINITY;
    image->top1 = 0;
    for (int64_t i = 1; i < classes; i++)
        if (logits[i] > logits[image->top1]) {
            second = logits[image->top1];
            image->top1 = (int32_t)i;
        } else if (logits[i] > second) {
            second = logits[i];
        }
    image->score = logits[image->top1];
    image->margin = image->score - second;
}

static int32_t rank_of(const double *logits, int64_t classes, int32_t label) {
    int32_t rank = 0;
    for (int64_t i = 0; i < classes; i++)
        rank += logits[i] >= logits[label];
    return rank;
}

rb_accuracy_image rb_accuracy_score(const double *logits, const double *oracle, int64_t classes,
                                    int32_t label) {
    rb_accuracy_image image = {.top1 = -1,
                               .rank = label < 0 ? 0 : (int32_t)classes + 1,
                               .score = NAN,
                               .margin = NAN,
                               .oracle_score = NAN,
                               .max_abs_error = NAN,
                               .rel_l2 = NAN};
    if (!are_finite(logits, classes))
        return image;
    find_top1(logits, classes, &image);
    if (label >= 0)
        image.rank = rank_of(logits, classes, label);
    if (oracle && are_finite(oracle, classes)) {
        rb_parity parity = {0};
        rb_parity_add(&parity, oracle, logits, 1, classes, 0);
        image.oracle_score = oracle[image.top1];
        /* JSON, in which they are kept, has no infinity. */
        image.max_abs_error = fmin(parity.max_abs_error, DBL_MAX);
        image.rel_l2 = fmin(parity.worst_rel_l2, DBL_MAX);
    }
    return image;
}

static int64_t first_not_finite(const rb_accuracy_engine *engine) {
    int64_t i = 0;
    while (i < engine->done && engine->images[i].top1 >= 0)
        i++;
    return i;
}

/* The two rules, over the images that were compared. */
static void judge_compared(rb_accuracy_engine *engine, const rb_accuracy_sums *sums) {
    char note[sizeof engine->note];
    const rb_parity parity = {.images = sums->compared,
                              .worst_rel_l2 = sums->rel_l2,
                              .worst_image = sums->worst_image,
                              .max_abs_error = sums->max_abs_error};
    engine->verdict = rb_parity_judge(&parity, engine->rel_l2_limit, note, sizeof note);
    snprintf(engine->note, sizeof engine->note, "%s", note);
    if (sums->outside > 0) {
        engine->verdict = RB_VERDICT_FAIL;
        snprintf(engine->note, sizeof engine->note,
                 "another top-1 than the oracle's on %lld images whose margin is not below %.2e, "
                 "twice the largest error of a logit",
                 (long long)sums->outside, sums->margin_limit);
    }
    if (engine->verdict == RB_VERDICT_PASS && sums->compared < engine->done) {
        engine->verdict = RB_VERDICT_NONE;
        snprintf(engine->note, sizeof engine->note,
                 "not judged: the oracle has answered %lld of the engine's %lld images",
                 (long long)sums->compared, (long long)engine->done);
    }
}

static void judge_engine(const rb_accuracy *accuracy, rb_accuracy_engine *engine) {
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    const rb_accuracy_sums sums = rb_accuracy_sum(accuracy, engine);
    engine->verdict = engine->failure;
    engine->note[0] = '\0';
    if (engine->failure != RB_VERDICT_NONE) {
        snprintf(engine->note, sizeof engine->note, "%s", engine->failure_note);
    } else if (sums.non_finite > 0) {
        engine->verdict = RB_VERDICT_FAIL;
        snprintf(engine->note, sizeof engine->note,
                 "logits of %lld images are NaN or infinite, of image %lld first",
                 (long long)sums.non_finite,
                 (long long)(accuracy->first + first_not_finite(engine)));
    } else if (rb_accuracy_is_part(accuracy)) {
        engine->verdict = RB_VERDICT_NONE; /* and a sentence for all engines in the tables */
    } else if (!oracle) {
        snprintf(engine->note, sizeof engine->note,
                 "not judged: the oracle is not among the engines");
    } else if (engine != oracle && sums.compared == 0) {
        snprintf(engine->note, sizeof engine->note, "not judged: nothing to compare with");
    } else if (engine != oracle) {
        judge_compared(engine, &sums);
    }
}

void rb_accuracy_judge(rb_accuracy *accuracy) {
    const double own = rb_parity_reference_limit(accuracy->moved_rel_l2);
    rb_accuracy_sums reference = {.rel_l2 = NAN};
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (strcmp(accuracy->engines[e].engine, "reference") == 0)
            reference = rb_accuracy_sum(accuracy, &accuracy->engines[e]);
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        rb_accuracy_engine *engine = &accuracy->engines[e];
        const int64_t compared = rb_accuracy_sum(accuracy, engine).compared;
        if (!oracle || engine == oracle || compared == 0 || rb_accuracy_is_part(accuracy))
            engine->rel_l2_limit = NAN;
        else if (strcmp(engine->engine, "reference") == 0)
            engine->rel_l2_limit = own;
        else /* a reference that ended early has not met the others' worst image */
            engine->rel_l2_limit =
                rb_parity_limit_beside(reference.compared < compared ? NAN : reference.rel_l2, own);
        judge_engine(accuracy, engine);
    }
}
