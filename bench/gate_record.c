#include "bench/gate_record.h"

#include <errno.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/gate_cell.h"
#include "bench/interrupt.h"
#include "bench/progress.h"

static rb_status record_round(const rb_gate_cell *cell, int64_t begin_ns, rb_gate_samples *samples,
                              FILE *file, rb_error *err) {
    rb_gate_times times = {.start_s = (double)(rb_now_ns() - begin_ns) * 1e-9};
    rb_status status = rb_gate_round_measure(&cell->job, samples->count, &times, err);
    times.end_s = (double)(rb_now_ns() - begin_ns) * 1e-9;
    if (status == RB_OK)
        status = rb_gate_samples_add(samples, &times, err);
    if (status == RB_OK) {
        rb_gate_samples_print_round(samples, samples->count - 1, file);
        if (fflush(file) != 0)
            status = rb_fail(err, RB_ERR_OUTPUT, "the samples could not be written: %s",
                             strerror(errno));
    }
    return status;
}

static rb_status record_rounds(const rb_gate_cell *cell, size_t rounds, rb_gate_samples *samples,
                               FILE *file, rb_error *err) {
    rb_progress progress;
    rb_status status = RB_OK;
    const int64_t begin_ns = rb_now_ns();
    rb_progress_start(&progress, (double)rounds);
    rb_gate_samples_print_header(file);
    for (size_t r = 0; status == RB_OK && !rb_interrupted() && r < rounds; r++) {
        rb_progress_show(&progress, "recording rounds");
        status = record_round(cell, begin_ns, samples, file, err);
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
    char temporary[RB_PATH_CAPACITY];
    rb_gate_cell cell;
    *samples = (rb_gate_samples){.side_count = count + 1};
    for (size_t s = 0; s <= count; s++) {
        samples->slowdown[s] = s > 0 ? slowdowns[s - 1] : 0;
        sides[s] = (rb_gate_side){.label = plan->engines[0].label,
                                  .engine_path = plan->engines[0].path,
                                  .slowdown = samples->slowdown[s]};
    }
    rb_status status = rb_temporary_path(path, temporary, err);
    if (status == RB_OK)
        status = rb_gate_cell_open(plan, plan->networks[0], plan->batches[0], &cell, err);
    if (status != RB_OK)
        return status;
    cell.job.sides = sides;
    cell.job.side_count = count + 1;
    FILE *file = fopen(temporary, "w");
    if (file) {
        status = record_rounds(&cell, rounds, samples, file, err);
        if (status == RB_OK)
            status = check_parity(&cell, err);
        fclose(file);
        rb_error why;
        const rb_status kept = rb_commit_file(temporary, path, &why);
        if (status == RB_OK && kept != RB_OK)
            status = rb_fail(err, kept, "%s", why.message);
    } else {
        status = rb_fail(err, RB_ERR_OUTPUT, "%s: %s", path, strerror(errno));
    }
    rb_gate_cell_close(&cell);
    return status;
}
