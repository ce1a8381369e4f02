#include "results/scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_macs(const void *a, const void *b) {
    const rb_scaling_point *x = a, *y = b;
    return (x->record->macs > y->record->macs) - (x->record->macs < y->record->macs);
}

static double gmacs(const rb_scaling_point *point) {
    return (double)point->record->macs * 1e-9;
}

static void fit_line(rb_scaling *s) {
    const double n = (double)s->count;
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0, left = 0;
    for (size_t i = 0; i < s->count; i++) {
        mean_x += gmacs(&s->points[i]) / n;
        mean_y += s->points[i].latency_ms / n;
    }
    for (size_t i = 0; i < s->count; i++) {
        const double dx = gmacs(&s->points[i]) - mean_x, dy = s->points[i].latency_ms - mean_y;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    if (s->count < 3 || !(xx > 0) || !(yy > 0))
        return;
    s->fitted = true;
    s->ms_per_gmac = xy / xx;
    s->fixed_ms = mean_y - s->ms_per_gmac * mean_x;
    for (size_t i = 0; i < s->count; i++) {
        rb_scaling_point *point = &s->points[i];
        point->fitted_ms = s->fixed_ms + s->ms_per_gmac * gmacs(point);
        const double residual = point->latency_ms - point->fitted_ms;
        point->residual_percent = 100 * residual / point->latency_ms;
        left += residual * residual;
    }
    s->r_squared = 1 - left / yy;
}

/* Basic blocks have two convolutions, bottlenecks three; comparing one with the other would
 * divide by blocks of unlike cost. */
static bool same_block_kind(const rb_record *a, const rb_record *b) {
    const int32_t convolutions_a = (a->depth - 2) / (a->blocks ? a->blocks : 1);
    const int32_t convolutions_b = (b->depth - 2) / (b->blocks ? b->blocks : 1);
    return convolutions_a == convolutions_b;
}

static void add_marginals(rb_scaling *s) {
    for (size_t i = 0; i < s->count; i++)
        for (size_t j = i; j-- > 0;) {
            const rb_record *deep = s->points[i].record, *shallow = s->points[j].record;
            if (!same_block_kind(deep, shallow) || deep->blocks <= shallow->blocks)
                continue;
            s->points[i].marginal_ms_per_block =
                (s->points[i].latency_ms - s->points[j].latency_ms) /
                (double)(deep->blocks - shallow->blocks);
            break;
        }
}

static rb_scaling *line_of(const rb_record *record, rb_scaling *scalings, size_t *count) {
    for (size_t i = 0; i < *count; i++)
        if (strcmp(scalings[i].engine, record->engine) == 0 && scalings[i].batch == record->batch &&
            scalings[i].threads == record->threads && scalings[i].height == record->height &&
            scalings[i].width == record->width && strcmp(scalings[i].mode, record->mode) == 0 &&
            strcmp(scalings[i].scenario, record->scenario) == 0)
            return &scalings[i];
    rb_scaling *s = &scalings[(*count)++];
    *s = (rb_scaling){.batch = record->batch,
                      .height = record->height,
                      .width = record->width,
                      .threads = record->threads,
                      .fixed_ms = NAN,
                      .ms_per_gmac = NAN,
                      .r_squared = NAN};
    snprintf(s->engine, sizeof s->engine, "%s", record->engine);
    snprintf(s->mode, sizeof s->mode, "%s", record->mode);
    snprintf(s->scenario, sizeof s->scenario, "%s", record->scenario);
    return s;
}

rb_scaling *rb_scaling_compute(const rb_record_list *records, size_t *count) {
    *count = 0;
    rb_scaling *scalings = malloc((records->count + 1) * sizeof *scalings);
    for (size_t i = 0; scalings && i < records->count; i++) {
        const rb_record *record = &records->items[i];
        if (record->sample_count == 0 || record->verdict != RB_VERDICT_PASS ||
            rb_record_is_offline(record))
            continue;
        rb_scaling *s = line_of(record, scalings, count);
        if (s->count == RB_MAX_SCALING_POINTS)
            continue;
        s->points[s->count++] = (rb_scaling_point){.record = record,
                                                   .latency_ms = record->latency_ns.median * 1e-6,
                                                   .fitted_ms = NAN,
                                                   .residual_percent = NAN,
                                                   .marginal_ms_per_block = NAN};
    }
    for (size_t i = 0; i < *count; i++) {
        qsort(scalings[i].points, scalings[i].count, sizeof scalings[i].points[0], by_macs);
        fit_line(&scalings[i]);
        add_marginals(&scalings[i]);
    }
    if (*count > 0)
        return scalings;
    free(scalings);
    return NULL;
}
