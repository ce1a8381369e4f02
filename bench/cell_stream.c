#include <math.h>
#include <stdlib.h>

#include "bench/cell_parts.h"

/* As many batches as take a turn, at least the whole set; all turns of a cell have the same. */
static int64_t batches_of(const rb_cell *cell) {
    const int64_t batch = cell->setting->graph->batch;
    const int64_t set = (cell->setting->inputs->count + batch - 1) / batch;
    const double fitting = cell->setting->plan->tier->turn_seconds * 1e9 / cell->call_ns;
    return fitting > (double)set ? (int64_t)fmin(fitting, 1e6) : set;
}

static rb_status time_stretch(rb_cell *cell, double *logits, rb_error *err) {
    const rb_inputs *inputs = cell->setting->inputs;
    const rb_truth *truth = cell->setting->truth;
    rb_record *record = &cell->record;
    rb_sample *sample = &record->samples[record->sample_count];
    rb_remote_timing timing = {.samples = sample, .logits = logits};
    char name[256];
    rb_record_name(record, name, sizeof name);
    const rb_status status = rb_remote_stream(cell->remote, name, record->stretch_batches,
                                              inputs->count, cell->call_ns, &timing, err);
    if (status != RB_OK)
        return status;
    sample->worker = cell->worker;
    sample->turn = cell->turn;
    record->sample_count++;
    for (size_t i = 0; i < 2; i++) {
        cell->yardstick_min_ns = fmin(cell->yardstick_min_ns, timing.yardstick_ns[i]);
        cell->yardstick_max_ns = fmax(cell->yardstick_max_ns, timing.yardstick_ns[i]);
    }
    rb_parity_add(&cell->parity, truth->logits, logits, inputs->count, truth->classes, 0);
    return RB_OK;
}

rb_status rb_cell_stream(rb_cell *cell, rb_error *err) {
    const rb_inputs *inputs = cell->setting->inputs;
    const size_t values = (size_t)(inputs->count * cell->setting->truth->classes);
    double *logits = malloc(values * sizeof *logits);
    rb_status status = logits ? rb_cell_make_room(cell, 1, err)
                              : rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    if (status == RB_OK && cell->turn == 0)
        status = rb_remote_images(cell->remote, inputs->images, inputs->count, err);
    if (cell->record.sample_count == 0)
        cell->record.stretch_batches = batches_of(cell);
    if (status == RB_OK)
        status = time_stretch(cell, logits, err);
    free(logits);
    cell->turn++;
    return status;
}
