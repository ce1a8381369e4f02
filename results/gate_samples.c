#include "results/gate_samples.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "round,start_s,end_s,side,slowdown_percent,slice,yardstick_ns"
#define LEADING 7 /* columns before the calls */
#define LINE_CAPACITY 1024

rb_status rb_gate_samples_add(rb_gate_samples *samples, const rb_gate_times *round, rb_error *err) {
    if (samples->count == samples->capacity) {
        const size_t capacity = 2 * samples->capacity + 16;
        rb_gate_times *rounds = realloc(samples->rounds, capacity * sizeof *rounds);
        if (!rounds)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu rounds", capacity);
        samples->rounds = rounds;
        samples->capacity = capacity;
    }
    samples->rounds[samples->count++] = *round;
    return RB_OK;
}

void rb_gate_samples_release(rb_gate_samples *samples) {
    free(samples->rounds);
    *samples = (rb_gate_samples){0};
}

void rb_gate_samples_print_header(const rb_gate_samples *samples, FILE *out) {
    fputs(HEADER, out);
    for (size_t c = 1; c <= samples->calls; c++)
        fprintf(out, ",call_%zu_ns", c);
    fputc('\n', out);
}

void rb_gate_samples_print_round(const rb_gate_samples *samples, size_t round, FILE *out) {
    const rb_gate_times *times = &samples->rounds[round];
    for (size_t s = 0; s < samples->side_count; s++)
        for (size_t slice = 0; slice < RB_GATE_SLICES; slice++) {
            fprintf(out, "%zu,%.3f,%.3f,%zu,%g,%zu,%.0f", round, times->start_s, times->end_s, s,
                    100 * samples->slowdown[s], slice, times->yardstick_ns[s][slice]);
            for (size_t c = 0; c < samples->calls; c++)
                fprintf(out, ",%.0f", times->ns[s][slice * samples->calls + c]);
            fputc('\n', out);
        }
}

/* The numbers of one line; false when there are others than `count` or one is no number. */
static bool read_numbers(const char *line, double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(line, &end);
        if (end == line || !isfinite(numbers[i]) || numbers[i] < 0 ||
            *end != (i + 1 < count ? ',' : '\n'))
            return false;
        line = end + 1;
    }
    return true;
}

/* Where reading stands: lines come round by round, side by side, slice by slice. */
typedef struct reader {
    rb_gate_samples *samples;
    rb_gate_times times; /* of the round in the making */
    size_t lines;        /* of it */
} reader;

/* A round ends where the next begins, or the file does. */
static bool end_round(reader *r, rb_error *err, rb_status *status) {
    rb_gate_samples *samples = r->samples;
    if (samples->count == 0)
        samples->side_count = r->lines / RB_GATE_SLICES;
    if (r->lines == 0 || r->lines != samples->side_count * RB_GATE_SLICES)
        return false;
    r->lines = 0;
    *status = rb_gate_samples_add(samples, &r->times, err);
    return *status == RB_OK;
}

static bool take_line(reader *r, const double *numbers) {
    rb_gate_samples *samples = r->samples;
    const size_t side = r->lines / RB_GATE_SLICES, slice = r->lines % RB_GATE_SLICES;
    if (numbers[0] != (double)samples->count || side >= RB_GATE_MAX_SIDES ||
        numbers[3] != (double)side || numbers[5] != (double)slice)
        return false;
    if (samples->count == 0 && slice == 0)
        samples->slowdown[side] = numbers[4] / 100;
    if (samples->slowdown[side] != numbers[4] / 100 || numbers[2] < numbers[1])
        return false;
    r->times.start_s = numbers[1];
    r->times.end_s = numbers[2];
    r->times.yardstick_ns[side][slice] = numbers[6];
    for (size_t c = 0; c < samples->calls; c++) {
        if (!(numbers[LEADING + c] > 0))
            return false;
        r->times.ns[side][slice * samples->calls + c] = numbers[LEADING + c];
    }
    r->lines++;
    return true;
}

/* The number of calls is that of the columns behind the leading ones. */
static bool read_header(const char *line, rb_gate_samples *samples) {
    if (strncmp(line, HEADER, strlen(HEADER)) != 0)
        return false;
    for (const char *at = line + strlen(HEADER); *at == ','; at += strcspn(at + 1, ",\n") + 1)
        samples->calls++;
    return samples->calls >= 1 && samples->calls <= RB_GATE_MAX_CALLS;
}

static rb_status read_lines(FILE *file, const char *path, rb_gate_samples *samples, rb_error *err) {
    char line[LINE_CAPACITY];
    double numbers[LEADING + RB_GATE_MAX_CALLS];
    reader r = {.samples = samples};
    rb_status status = RB_OK;
    size_t at = 1;
    if (!fgets(line, sizeof line, file) || !read_header(line, samples))
        return rb_fail(err, RB_ERR_INPUT, "%s: line 1 is not the heading of a gate's samples",
                       path);
    while (fgets(line, sizeof line, file)) {
        at++;
        bool right = read_numbers(line, numbers, LEADING + samples->calls);
        if (right && r.lines > 0 && numbers[0] == (double)(samples->count + 1))
            right = end_round(&r, err, &status);
        if (status != RB_OK)
            return status;
        if (!right || !take_line(&r, numbers))
            return rb_fail(err, RB_ERR_INPUT,
                           "%s: line %zu is not the next slice of a round: round, start_s, end_s, "
                           "side, slowdown_percent, slice, yardstick_ns and %zu times of calls",
                           path, at, samples->calls);
    }
    if (!end_round(&r, err, &status) && status == RB_OK)
        return rb_fail(err, RB_ERR_INPUT, "%s: the last round is not whole", path);
    if (status == RB_OK && samples->side_count < 2)
        return rb_fail(err, RB_ERR_INPUT, "%s: has one side, expected at least two", path);
    return status;
}

rb_status rb_gate_samples_read(const char *path, rb_gate_samples *samples, rb_error *err) {
    *samples = (rb_gate_samples){0};
    FILE *file = fopen(path, "r");
    if (!file)
        return rb_fail(err, RB_ERR_INPUT, "%s: %s", path, strerror(errno));
    const rb_status status = read_lines(file, path, samples, err);
    fclose(file);
    if (status != RB_OK)
        rb_gate_samples_release(samples);
    return status;
}
