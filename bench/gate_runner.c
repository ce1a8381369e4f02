#include "bench/gate_runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate_cell.h"
#include "bench/interrupt.h"
#include "bench/progress.h"
#include "results/statistics.h"

typedef struct gate_runner {
    const rb_gate_plan *plan;
    rb_gate_rows *rows;
    size_t cell_count;
    rb_gate_cell *cells;      /* of each network and batch */
    rb_gate_side (*sides)[2]; /* of each row */
    rb_progress progress;
} gate_runner;

static size_t cell_of(const gate_runner *run, size_t row) {
    return row / run->plan->plan.engine_count;
}

static const rb_gate_half unknown_half = {.ns = NAN, .held = {{-1, -1, -1}}, .peak_rss_bytes = -1};

static void init_row(gate_runner *run, const rb_gate_cell *cell, size_t engine) {
    rb_gate_row *row = &run->rows->items[run->rows->count];
    *row = (rb_gate_row){.batch = cell->job.spec.batch,
                         .height = cell->job.spec.height,
                         .width = cell->job.spec.width,
                         .threads = cell->job.spec.threads,
                         .base = unknown_half,
                         .head = unknown_half,
                         .verdict = RB_GATE_MORE};
    snprintf(row->network, sizeof row->network, "%s", cell->job.spec.network);
    snprintf(row->engine, sizeof row->engine, "%s", run->plan->plan.engines[engine].label);
    rb_gate_side *sides = run->sides[run->rows->count++];
    sides[0] = (rb_gate_side){.label = "base", .engine_path = run->plan->base_paths[engine]};
    sides[1] = (rb_gate_side){.label = "head", .engine_path = run->plan->plan.engines[engine].path};
}

static rb_status open_cell(gate_runner *run, const rb_cell_group *group, rb_error *err) {
    rb_gate_cell *cell = &run->cells[run->cell_count];
    char text[128];
    snprintf(text, sizeof text, "%s: weights, oracle, reference", group->network->name);
    rb_progress_show(&run->progress, text);
    const rb_status status = rb_gate_cell_open(&run->plan->plan, group, cell, err);
    if (status != RB_OK)
        return status;
    run->cell_count++;
    for (size_t e = 0; e < run->plan->plan.engine_count; e++)
        init_row(run, cell, e);
    return RB_OK;
}

static rb_status open_cells(gate_runner *run, const rb_cell_group *groups, size_t count,
                            rb_error *err) {
    rb_status status = RB_OK;
    for (size_t g = 0; status == RB_OK && g < count; g++)
        status = open_cell(run, &groups[g], err);
    return status;
}

static void take_half(const rb_gate_side *side, double ns, rb_gate_half *half) {
    snprintf(half->engine_version, sizeof half->engine_version, "%s", side->engine_version);
    snprintf(half->kernel_plan, sizeof half->kernel_plan, "%s", side->kernel_plan);
    half->held = side->held;
    half->peak_rss_bytes = side->peak_rss_bytes;
    half->ns = ns;
}

/* An engine's failure costs its row; any other goes up. */
static rb_status settle(gate_runner *run, size_t index, rb_status status, rb_error *err) {
    rb_gate_row *row = &run->rows->items[index];
    if (status == RB_OK || status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED ||
        status == RB_ERR_OUTPUT)
        return status;
    row->base_failed = run->sides[index][0].failed;
    row->head_failed = run->sides[index][1].failed;
    snprintf(row->note, sizeof row->note, "%.250s", err->message);
    return row->base_failed || row->head_failed ? RB_OK : status;
}

static void judge_parity(gate_runner *run, size_t index) {
    const rb_gate_cell *cell = &run->cells[cell_of(run, index)];
    rb_gate_row *row = &run->rows->items[index];
    char note[200];
    const rb_verdict base = rb_gate_cell_judge(cell, &run->sides[index][0], note, sizeof note);
    row->base_failed = base != RB_VERDICT_PASS;
    if (row->base_failed)
        snprintf(row->note, sizeof row->note, "base's logits: %s: %s", rb_verdict_name(base), note);
    row->parity = rb_gate_cell_judge(cell, &run->sides[index][1], note, sizeof note);
    if (row->parity != RB_VERDICT_PASS)
        snprintf(row->note, sizeof row->note, "head's logits: %s: %s", rb_verdict_name(row->parity),
                 note);
}

static rb_status measure_series(gate_runner *run, size_t index, rb_error *err) {
    rb_gate_row *row = &run->rows->items[index];
    rb_gate_job job = run->cells[cell_of(run, index)].job;
    rb_gate_series *series = &row->series[row->series_count];
    char text[192];
    job.sides = run->sides[index];
    job.side_count = 2;
    *series = (rb_gate_series){.rounds = run->rows->rounds};
    double quartile_ns[2][RB_GATE_MAX_ROUNDS];
    for (size_t r = 0; r < series->rounds; r++) {
        rb_gate_times times;
        snprintf(text, sizeof text, "%s %s batch %lld: series %zu, round %zu of %zu", row->network,
                 row->engine, (long long)row->batch, row->series_count + 1, r + 1, series->rounds);
        rb_progress_show(&run->progress, text);
        const rb_status status = rb_interrupted() ? rb_fail(err, RB_ERR_INTERRUPTED, "interrupted")
                                                  : rb_gate_round_measure(&job, r, &times, err);
        if (status != RB_OK)
            return settle(run, index, status, err);
        series->log_ratio[r] =
            rb_gate_log_ratio(times.ns[0], times.ns[1], RB_GATE_SLICES * job.calls);
        for (size_t s = 0; s < 2; s++)
            quartile_ns[s][r] = rb_gate_quartile(times.ns[s], RB_GATE_SLICES * job.calls);
        rb_progress_advance(&run->progress, 1);
    }
    take_half(&job.sides[0], rb_median(quartile_ns[0], series->rounds), &row->base);
    take_half(&job.sides[1], rb_median(quartile_ns[1], series->rounds), &row->head);
    rb_gate_series_judge(&run->plan->limits, series);
    row->p_adjusted[row->series_count] = NAN;
    row->said[row->series_count++] = RB_GATE_MORE;
    judge_parity(run, index);
    return RB_OK;
}

/* Series 1 of all rows, judged together; then series 2 of those that are not decided ... */
static rb_status measure_all(gate_runner *run, rb_error *err) {
    rb_gate_rows *rows = run->rows;
    rb_status status = RB_OK;
    for (size_t count = 1; status == RB_OK && count <= RB_GATE_MAX_SERIES; count++) {
        for (size_t i = 0; status == RB_OK && i < rows->count; i++)
            if (rb_gate_row_is_open(&rows->items[i]))
                status = measure_series(run, i, err);
        rb_gate_rows_judge(&run->plan->limits, rows->items, rows->count, count);
    }
    for (size_t i = 0; status != RB_OK && i < rows->count; i++)
        rows->broken_off = rows->broken_off || rows->items[i].series_count > 0;
    return status;
}

rb_status rb_gate_run(const rb_gate_plan *plan, rb_gate_rows *rows, rb_error *err) {
    rb_cell_group groups[RB_GATE_MAX_ROWS];
    size_t cells;
    rb_status status = rb_gate_groups(&plan->plan, groups, &cells, err);
    const size_t count = cells * plan->plan.engine_count;
    gate_runner run = {.plan = plan, .rows = rows};
    *rows = (rb_gate_rows){.rounds = plan->rounds, .limits = plan->limits};
    if (status != RB_OK)
        return status;
    const size_t needed = rb_gate_rounds_needed(&plan->limits, count);
    if (rows->rounds == 0)
        rows->rounds = needed;
    if (rows->rounds < needed)
        return rb_fail(err, RB_ERR_USAGE,
                       "with series of %zu rounds nothing could be an alarm among %zu cells: they "
                       "need %zu",
                       rows->rounds, count, needed);
    run.cells = calloc(cells, sizeof *run.cells);
    run.sides = calloc(count, sizeof *run.sides);
    if (!run.cells || !run.sides)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for a gate");
    rb_progress_start(&run.progress, (double)(count * rows->rounds));
    if (status == RB_OK)
        status = open_cells(&run, groups, cells, err);
    if (status == RB_OK)
        status = measure_all(&run, err);
    rb_progress_clear(&run.progress);
    for (size_t c = 0; c < run.cell_count; c++)
        rb_gate_cell_close(&run.cells[c]);
    free(run.cells);
    free(run.sides);
    return status;
}
