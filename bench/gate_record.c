#include "bench/gate_record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/gate_cell.h"
#include "bench/interrupt.h"
#include "bench/progress.h"

/* The recording as a file that grows; file NULL: none is wanted. */
typedef struct recording {
    const char *path;
    char temporary[RB_PATH_CAPACITY];
    FILE *file;
} recording;

static rb_status open_recording(const char *path, recording *r, rb_error *err) {
    *r = (recording){.path = path};
    if (!path)
        return RB_OK;
    const rb_status status = rb_temporary_path(path, r->temporary, err);
    if (status != RB_OK)
        return status;
    r->file = fopen(r->temporary, "w");
    if (!r->file)
        return rb_fail(err, RB_ERR_OUTPUT, "%s: %s", path, strerror(errno));
    return RB_OK;
}

static rb_status write_round(const recording *r, const rb_gate_samples *samples, rb_error *err) {
    if (!r->file)
        return RB_OK;
    if (samples->count == 1)
        rb_gate_samples_print_header(samples, r->file);
    rb_gate_samples_print_round(samples, samples->count - 1, r->file);
    return fflush(r->file) == 0 && !ferror(r->file)
               ? RB_OK
               : rb_fail(err, RB_ERR_OUTPUT, "%s: %s", r->path, strerror(errno));
}

/* What stands is kept, however the recording ended; a failure of its own counts last. */
static rb_status close_recording(recording *r, bool empty, rb_status status, rb_error *err) {
    rb_error why;
    if (!r->file)
        return status;
    fclose(r->file);
    if (empty) {
        unlink(r->temporary);
        return status;
    }
    const rb_status kept = rb_commit_file(r->temporary, r->path, &why);
    return status == RB_OK && kept != RB_OK ? rb_fail(err, kept, "%s", why.message) : status;
}

static rb_status record_rounds(const rb_gate_cell *cell, size_t rounds, const recording *file,
                               rb_gate_samples *samples, rb_error *err) {
    rb_progress progress;
    rb_status status = RB_OK;
    const int64_t begin_ns = rb_now_ns();
    rb_progress_start(&progress, (double)rounds);
    for (size_t r = 0; status == RB_OK && r < rounds; r++) {
        rb_gate_times times = {.start_s = (double)(rb_now_ns() - begin_ns) * 1e-9};
        rb_progress_show(&progress, "recording rounds");
        status = rb_interrupted() ? rb_fail(err, RB_ERR_INTERRUPTED, "interrupted")
                                  : rb_gate_round_measure(&cell->job, r, &times, err);
        times.end_s = (double)(rb_now_ns() - begin_ns) * 1e-9;
        if (status == RB_OK)
            status = rb_gate_samples_add(samples, &times, err);
        if (status == RB_OK)
            status = write_round(file, samples, err);
        rb_progress_advance(&progress, 1);
    }
    rb_progress_clear(&progress);
    return status;
}

static rb_status check_parity(const rb_gate_cell *cell, rb_error *err) {
    char note[256];
    for (size_t s = 0; s < cell->job.side_count; s++)
        if (rb_gate_cell_judge(cell, &cell->job.sides[s], note, sizeof note) != RB_VERDICT_PASS)
            return rb_fail(err, RB_ERR_ENGINE, "%s: wrong logits: %s", cell->job.sides[s].label,
                           note);
    return RB_OK;
}

rb_status rb_gate_record(const rb_plan *plan, const double *slowdowns, size_t count, size_t rounds,
                         const char *path, rb_gate_samples *samples, rb_error *err) {
    rb_gate_side sides[RB_GATE_MAX_SIDES] = {{0}};
    const rb_cell_group group = {.network = plan->networks[0],
                                 .size = plan->sizes[0],
                                 .batch = plan->batches[0],
                                 .threads = (int32_t)plan->threads[0]};
    rb_gate_cell cell;
    recording file;
    *samples = (rb_gate_samples){.side_count = count + 1};
    for (size_t s = 0; s <= count; s++) {
        samples->slowdown[s] = s > 0 ? slowdowns[s - 1] : 0;
        sides[s] = (rb_gate_side){.label = plan->engines[0].label,
                                  .engine_path = plan->engines[0].path,
                                  .slowdown = samples->slowdown[s]};
    }
    rb_status status = open_recording(path, &file, err);
    if (status == RB_OK)
        status = rb_gate_cell_open(plan, &group, &cell, err);
    if (status == RB_OK) {
        cell.job.sides = sides;
        cell.job.side_count = count + 1;
        samples->calls = cell.job.calls;
        status = record_rounds(&cell, rounds, &file, samples, err);
        if (status == RB_OK)
            status = check_parity(&cell, err);
        rb_gate_cell_close(&cell);
    }
    return close_recording(&file, samples->count == 0, status, err);
}
