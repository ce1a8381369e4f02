#include "results/thread_scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_threads(const void *a, const void *b) {
    const rb_thread_point *x = a, *y = b;
    return (x->record->threads > y->record->threads) - (x->record->threads < y->record->threads);
}

static bool same_line(const rb_record *a, const rb_record *b) {
    return strcmp(a->network, b->network) == 0 && strcmp(a->engine, b->engine) == 0 &&
           strcmp(a->mode, b->mode) == 0 && strcmp(a->scenario, b->scenario) == 0 &&
           a->batch == b->batch && a->height == b->height && a->width == b->width;
}

/* The first border of the machine between two numbers of threads, from the one that costs most. */
static void find_reason(const rb_record *before, const rb_record *beyond,
                        char reason[RB_SCALING_REASON_CAPACITY]) {
    const int32_t units = beyond->processor_count, cores = beyond->cores;
    const double quota = beyond->cpu_quota;
    reason[0] = '\0';
    if (units > 0 && beyond->threads > units && before->threads <= units)
        snprintf(reason, RB_SCALING_REASON_CAPACITY,
                 "more threads than processors, of which there are %d", units);
    else if (beyond->threads > quota && before->threads <= quota) /* never with NaN */
        snprintf(reason, RB_SCALING_REASON_CAPACITY, "beyond the quota of %g processors", quota);
    else if (cores > 0 && beyond->threads > cores && before->threads <= cores)
        snprintf(reason, RB_SCALING_REASON_CAPACITY,
                 "beyond the %d physical cores: siblings share one (SMT)", cores);
    else if (before->numa_nodes > 0 && beyond->numa_nodes > before->numa_nodes)
        snprintf(reason, RB_SCALING_REASON_CAPACITY, "on %d NUMA nodes instead of %d",
                 beyond->numa_nodes, before->numa_nodes);
}

static double share_of(const rb_thread_scaling *line, size_t i) {
    return (double)line->points[i].record->threads / (double)line->points[0].record->threads;
}

static void fill_in(rb_thread_scaling *line) {
    for (size_t i = 0; i < line->count; i++) {
        rb_thread_point *point = &line->points[i];
        const double p = share_of(line, i);
        point->speedup = line->points[0].latency_ms / point->latency_ms;
        point->efficiency = point->speedup / p;
        point->serial_fraction = point->marginal = NAN;
        if (i == 0)
            continue;
        point->serial_fraction = (1 / point->speedup - 1 / p) / (1 - 1 / p);
        point->marginal = (point->speedup - point[-1].speedup) / (p - share_of(line, i - 1));
    }
}

static void find_knee(rb_thread_scaling *line) {
    size_t knee = line->count - 1;
    while (knee > 0 && line->points[knee].marginal < 0.5)
        knee--;
    if (knee == line->count - 1)
        return;
    line->knee = line->points[knee].record->threads;
    find_reason(line->points[knee].record, line->points[knee + 1].record, line->knee_reason);
}

static void find_cliff(rb_thread_scaling *line) {
    size_t best = 0;
    for (size_t i = 1; i < line->count; i++) {
        const rb_thread_point *point = &line->points[i], *other = &line->points[best];
        if (point->low_ms > other->high_ms) { /* never with NaN */
            line->cliff = point->record->threads;
            line->cliff_best = other->record->threads;
            line->cliff_percent = 100 * (point->latency_ms / other->latency_ms - 1);
            find_reason(other->record, point->record, line->cliff_reason);
            return;
        }
        if (point->latency_ms < other->latency_ms)
            best = i;
    }
}

static rb_thread_scaling *line_of(const rb_record *record, rb_thread_scaling *lines,
                                  size_t *count) {
    for (size_t i = 0; i < *count; i++)
        if (same_line(lines[i].record, record))
            return &lines[i];
    lines[*count] = (rb_thread_scaling){.record = record};
    return &lines[(*count)++];
}

rb_thread_scaling *rb_thread_scaling_compute(const rb_record_list *records, size_t *count) {
    size_t found = 0;
    rb_thread_scaling *lines = malloc((records->count + 1) * sizeof *lines);
    *count = 0;
    for (size_t i = 0; lines && i < records->count; i++) {
        const rb_record *record = &records->items[i];
        if (record->sample_count == 0 || record->verdict != RB_VERDICT_PASS)
            continue;
        rb_thread_scaling *line = line_of(record, lines, &found);
        if (line->count < RB_MAX_THREAD_POINTS)
            line->points[line->count++] =
                (rb_thread_point){.record = record,
                                  .latency_ms = rb_record_batch_ns(record) * 1e-6,
                                  .low_ms = record->latency_ns.low * 1e-6,
                                  .high_ms = record->latency_ns.high * 1e-6};
    }
    for (size_t i = 0; i < found; i++) {
        if (lines[i].count < 2)
            continue;
        rb_thread_scaling *line = &lines[*count];
        if (*count != i)
            *line = lines[i];
        ++*count;
        qsort(line->points, line->count, sizeof line->points[0], by_threads);
        line->record = line->points[0].record;
        fill_in(line);
        find_knee(line);
        find_cliff(line);
    }
    if (*count > 0)
        return lines;
    free(lines);
    return NULL;
}
