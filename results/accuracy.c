#include "results/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NORMAL_975 1.959963984540054 /* quantile of the normal distribution */

rb_status rb_accuracy_allocate(rb_accuracy *accuracy, rb_error *err) {
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        accuracy->engines[e].images =
            calloc((size_t)accuracy->count, sizeof *accuracy->engines[e].images);
        if (!accuracy->engines[e].images)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the results of %lld images",
                           (long long)accuracy->count);
    }
    return RB_OK;
}

void rb_accuracy_release(rb_accuracy *accuracy) {
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        free(accuracy->engines[e].images);
        accuracy->engines[e].images = NULL;
    }
}

void rb_accuracy_add_note(rb_accuracy *accuracy, const char *format, ...) {
    va_list args;
    if (accuracy->note_count == RB_ACCURACY_MAX_NOTES)
        return;
    char *note = accuracy->notes[accuracy->note_count++];
    va_start(args, format);
    vsnprintf(note, sizeof accuracy->notes[0], format, args);
    va_end(args);
    rb_text_clean(note);
}

bool rb_accuracy_is_part(const rb_accuracy *accuracy) {
    return accuracy->whole > accuracy->count;
}

void rb_accuracy_describe_images(const rb_accuracy *accuracy, char text[80]) {
    if (rb_accuracy_is_part(accuracy))
        snprintf(text, 80, "%lld..%lld of %lld", (long long)accuracy->first,
                 (long long)(accuracy->first + accuracy->count - 1), (long long)accuracy->whole);
    else
        snprintf(text, 80, "%lld", (long long)accuracy->count);
}

void rb_accuracy_entitle(rb_accuracy *accuracy) {
    char images[80];
    const char *model = json_string_value(json_object_get(accuracy->context, "cpu_model"));
    const char *date = json_string_value(json_object_get(accuracy->context, "date"));
    const json_t *threads = json_object_get(accuracy->identity, "threads");
    rb_accuracy_describe_images(accuracy, images);
    snprintf(accuracy->title, sizeof accuracy->title,
             "resbench " RB_VERSION ": %s on %s images of %.128s, batch %lld, %lld threads, %s, %s",
             accuracy->network, images, accuracy->data, (long long)accuracy->batch,
             (long long)json_integer_value(threads), model ? model : "unknown processor",
             date ? date : "");
    rb_text_clean(accuracy->title);
}

const rb_accuracy_engine *rb_accuracy_oracle(const rb_accuracy *accuracy) {
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (strcmp(accuracy->engines[e].engine, "oracle") == 0)
            return &accuracy->engines[e];
    return NULL;
}

void rb_wilson(int64_t right, int64_t all, double *low, double *high) {
    const double n = (double)all, p = (double)right / n, z2 = NORMAL_975 * NORMAL_975;
    const double centre = p + z2 / (2 * n);
    const double half = NORMAL_975 * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    /* Of none and of all the bounds are 0 and 1 exactly, which rounding would miss. */
    *low = right == 0 && all > 0 ? 0 : (centre - half) / (1 + z2 / n);
    *high = right == all && all > 0 ? 1 : (centre + half) / (1 + z2 / n);
}

bool rb_accuracy_differs(const rb_accuracy_image *oracle, const rb_accuracy_image *image) {
    return oracle->top1 >= 0 && image->top1 != oracle->top1;
}

bool rb_accuracy_may_differ(const rb_accuracy_image *oracle, double margin_limit) {
    return oracle->margin < margin_limit;
}

static void count_labels(const rb_accuracy *accuracy, const rb_accuracy_engine *engine,
                         rb_accuracy_sums *sums) {
    for (int64_t i = 0; i < engine->done; i++) {
        const rb_accuracy_image *image = &engine->images[i];
        sums->non_finite += image->top1 < 0;
        if (accuracy->labels[i] < 0)
            continue;
        sums->labelled++;
        sums->top1_right += image->top1 == accuracy->labels[i];
        sums->top5_right += image->top1 >= 0 && image->rank <= 5;
    }
}

static void find_errors(const rb_accuracy *accuracy, const rb_accuracy_engine *engine,
                        rb_accuracy_sums *sums) {
    for (int64_t i = 0; i < engine->done; i++) {
        const rb_accuracy_image *image = &engine->images[i];
        if (isnan(image->rel_l2))
            continue;
        sums->compared++;
        if (!(image->max_abs_error <= sums->max_abs_error))
            sums->max_abs_error = image->max_abs_error;
        if (!(image->rel_l2 <= sums->rel_l2)) {
            sums->rel_l2 = image->rel_l2;
            sums->worst_image = accuracy->first + i;
        }
    }
    sums->margin_limit = 2 * sums->max_abs_error;
}

static int64_t both_done(const rb_accuracy_engine *a, const rb_accuracy_engine *b) {
    return a->done < b->done ? a->done : b->done;
}

static void apply_task_rule(const rb_accuracy_engine *oracle, const rb_accuracy_engine *engine,
                            rb_accuracy_sums *sums) {
    for (int64_t i = 0; i < both_done(oracle, engine); i++) {
        const rb_accuracy_image *truth = &oracle->images[i];
        const bool allowed = rb_accuracy_may_differ(truth, sums->margin_limit);
        sums->near_ties += allowed && !isnan(engine->images[i].rel_l2);
        if (rb_accuracy_differs(truth, &engine->images[i])) {
            sums->differ++;
            sums->outside += !allowed;
        }
    }
}

rb_accuracy_sums rb_accuracy_sum(const rb_accuracy *accuracy, const rb_accuracy_engine *engine) {
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    rb_accuracy_sums sums = {.max_abs_error = NAN, .rel_l2 = NAN, .worst_image = -1};
    count_labels(accuracy, engine, &sums);
    find_errors(accuracy, engine, &sums);
    if (oracle && oracle != engine)
        apply_task_rule(oracle, engine, &sums);
    sums.images_per_second = (double)engine->called_images / (engine->call_ns * 1e-9);
    return sums;
}

void rb_accuracy_agreement(const rb_accuracy_engine *a, const rb_accuracy_engine *b,
                           int64_t *images, int64_t *same) {
    *images = both_done(a, b);
    *same = 0;
    for (int64_t i = 0; i < *images; i++)
        *same += a->images[i].top1 >= 0 && a->images[i].top1 == b->images[i].top1;
}
