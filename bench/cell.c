#include "bench/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cell_parts.h"
#include "bench/clock.h"
#include "bench/machine.h"
#include "model/graph_cost.h"
#include "results/percentiles.h"

#define MAX_REPETITIONS 2000

static void describe_placement(const rb_cell_setting *setting, rb_record *record) {
    const rb_placement *placement = &setting->placement;
    const bool own_process = !setting->worker.in_process; /* else it is kept to nothing */
    snprintf(record->affinity, sizeof record->affinity, "%s",
             rb_affinity_name(own_process ? setting->plan->affinity.kind : RB_AFFINITY_NONE));
    if (own_process)
        rb_processors_say(&placement->set, record->processors, sizeof record->processors);
    if (own_process && placement->processors > 0)
        record->processor_count = placement->processors;
    if (own_process && placement->cores > 0)
        record->cores = placement->cores;
    if (own_process && placement->numa_nodes > 0)
        record->numa_nodes = placement->numa_nodes;
    record->cpu_quota = rb_machine_quota();
}

void rb_cell_init(rb_cell *cell, const rb_cell_setting *setting, const rb_plan_engine *engine,
                  rb_latency_mode mode) {
    const rb_graph *graph = setting->graph;
    *cell = (rb_cell){.setting = setting,
                      .engine = engine,
                      .mode = mode,
                      .worker = -1,
                      .top1_agree = INT64_MAX,
                      .call_ns = INFINITY,
                      .pause_ns = mode == RB_LATENCY_COLD ? INFINITY : 0,
                      .yardstick_min_ns = INFINITY,
                      .yardstick_max_ns = 0};
    rb_record *record = &cell->record;
    rb_record_init(record);
    snprintf(record->network, sizeof record->network, "%s", setting->group.network->name);
    snprintf(record->engine, sizeof record->engine, "%s", engine->label);
    snprintf(record->engine_sha256, sizeof record->engine_sha256, "%s", engine->sha256);
    snprintf(record->weights_sha256, sizeof record->weights_sha256, "%s", setting->weights_sha256);
    snprintf(record->preprocessing, sizeof record->preprocessing, "%s",
             setting->inputs->preprocessing);
    snprintf(record->mode, sizeof record->mode, "%s", rb_latency_mode_name(mode));
    snprintf(record->scenario, sizeof record->scenario, "%s",
             rb_scenario_name(setting->plan->scenario));
    record->depth = setting->group.network->depth;
    record->blocks = rb_network_block_count(setting->group.network);
    record->batch = graph->batch;
    record->height = graph->height;
    record->width = graph->width;
    record->threads = setting->group.threads;
    describe_placement(setting, record);
    record->parameters = rb_graph_parameters(graph);
    record->macs = rb_graph_macs(graph);
    record->peak_gmacs = setting->peak_gmacs;
    record->harness_overhead_ns = setting->harness_overhead_ns;
    record->weight_bytes = rb_graph_weight_bytes(graph);
    record->activation_bound_bytes = rb_graph_activation_bound_bytes(graph);
}

/* A failure that is the engine's costs the row; any other goes up. */
rb_status rb_cell_settle(rb_cell *cell, rb_status status, const char *step, rb_error *err) {
    if (status == RB_OK)
        return RB_OK;
    if (status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED || status == RB_ERR_OUTPUT)
        return status;
    cell->over = true;
    cell->record.verdict = rb_verdict_of_failure(status);
    snprintf(cell->record.note, sizeof cell->record.note, "%s: %.230s", step, err->message);
    rb_remote_close(cell->remote);
    cell->remote = NULL;
    return RB_OK;
}

static rb_status compare_all(rb_cell *cell, bool reversed, double *first_ns, rb_error *err) {
    const rb_inputs *inputs = cell->setting->inputs;
    const rb_truth *truth = cell->setting->truth;
    double *logits = calloc((size_t)(inputs->count * truth->classes), sizeof *logits);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    const rb_status status = rb_remote_logits(cell->remote, inputs->images, inputs->count, reversed,
                                              logits, first_ns, err);
    if (status == RB_OK) {
        rb_parity pass = {0};
        rb_parity_add(&pass, truth->logits, logits, inputs->count, truth->classes, 0);
        rb_parity_add(&cell->parity, truth->logits, logits, inputs->count, truth->classes, 0);
        if (pass.top1_agree < cell->top1_agree)
            cell->top1_agree = pass.top1_agree;
    }
    free(logits);
    return status;
}

static rb_status open_worker(rb_cell *cell, rb_error *err) {
    const rb_cell_setting *setting = cell->setting;
    const rb_case_spec spec = {.engine_path = cell->engine->path,
                               .network = setting->group.network->name,
                               .weights = setting->weights,
                               .batch = setting->graph->batch,
                               .height = setting->graph->height,
                               .width = setting->graph->width,
                               .classes = setting->graph->classes,
                               .threads = setting->group.threads,
                               .verbose = setting->plan->verbose,
                               .settings =
                                   cell->record.settings}; /* the first worker's, from then on */
    return rb_remote_open(&setting->worker, &spec, &cell->remote, err);
}

rb_status rb_cell_open(rb_cell *cell, rb_error *err) {
    if (cell->over)
        return RB_OK;
    cell->worker++;
    cell->turn = 0;
    rb_status status = open_worker(cell, err);
    if (status != RB_OK)
        return rb_cell_settle(cell, status, "open", err);
    const rb_remote_facts *facts = rb_remote_facts_of(cell->remote);
    rb_record *record = &cell->record;
    snprintf(record->engine_version, sizeof record->engine_version, "%s", facts->engine_version);
    snprintf(record->settings, sizeof record->settings, "%s", facts->settings);
    if (isfinite(facts->call_overhead_ns) && cell->worker == 0) /* as it is told before timing */
        record->harness_overhead_ns = facts->call_overhead_ns;
    if (facts->settings_tried[0])
        snprintf(record->settings_tried, sizeof record->settings_tried, "%s",
                 facts->settings_tried);
    if (cell->worker > 0 && strcmp(record->kernel_plan, facts->kernel_plan) != 0)
        snprintf(record->note, sizeof record->note,
                 "workers chose different kernels: plans %s and %s", record->kernel_plan,
                 facts->kernel_plan);
    snprintf(record->kernel_plan, sizeof record->kernel_plan, "%s", facts->kernel_plan);
    record->reorders = facts->reorders;
    double first_run_ns = NAN;
    status = compare_all(cell, false, &first_run_ns, err);
    if (status == RB_OK) { /* a permuted batch must give permuted outputs */
        double again_ns = INFINITY;
        cell->load_ns[cell->opened] = facts->load_ns;
        cell->open_ns[cell->opened] = facts->open_ns;
        cell->first_run_ns[cell->opened++] = first_run_ns;
        status = compare_all(cell, true, &again_ns, err);
        if (status == RB_OK && again_ns < cell->call_ns)
            cell->call_ns = again_ns;
    }
    return rb_cell_settle(cell, status, "run", err);
}

/* A turn's share of the calls that the scenario needs, whatever they take. */
static size_t least_repetitions(const rb_plan *plan) {
    const rb_tier *tier = plan->tier;
    const size_t turns = (size_t)(tier->workers * tier->turns);
    if (plan->scenario != RB_SCENARIO_SINGLE_STREAM)
        return tier->min_repetitions;
    const size_t share = (rb_percentile_least(plan->percentile) + turns - 1) / turns;
    return share > tier->min_repetitions ? share : tier->min_repetitions;
}

static size_t repetitions_of(const rb_cell *cell) {
    const rb_plan *plan = cell->setting->plan;
    const size_t least = least_repetitions(plan);
    const double fitting = plan->tier->turn_seconds * 1e9 / (cell->call_ns + cell->pause_ns);
    const double wanted = fitting < MAX_REPETITIONS ? fitting : MAX_REPETITIONS;
    return wanted > (double)least ? (size_t)wanted : least;
}

/* Timed input i of the cell starts one image further than input i - 1, so that no two are alike. */
static int64_t timed_image(const rb_cell *cell, int64_t input, int64_t n) {
    return (input + n) % cell->setting->inputs->count;
}

static void compare_timed(rb_cell *cell, const double *logits) {
    const rb_truth *truth = cell->setting->truth;
    const int64_t batch = cell->setting->graph->batch;
    for (int64_t i = 0; i < RB_CASE_INPUTS; i++)
        for (int64_t n = 0; n < batch; n++) {
            const int64_t image = timed_image(cell, i, n);
            rb_parity_add(&cell->parity, truth->logits + image * truth->classes,
                          logits + (i * batch + n) * truth->classes, 1, truth->classes, image);
        }
}

static rb_status take_samples(rb_cell *cell, const rb_timing_spec *spec, float *src, double *logits,
                              rb_error *err) {
    const rb_cell_setting *setting = cell->setting;
    const int64_t elements = 3 * setting->inputs->height * setting->inputs->width;
    const int64_t batch = setting->graph->batch;
    for (int64_t i = 0; i < RB_CASE_INPUTS; i++)
        for (int64_t n = 0; n < batch; n++)
            memcpy(src + (i * batch + n) * elements,
                   setting->inputs->images + timed_image(cell, i, n) * elements,
                   (size_t)elements * sizeof *src);
    rb_sample *samples = cell->record.samples + cell->record.sample_count;
    rb_remote_timing timing = {.samples = samples, .logits = logits};
    const int64_t start = rb_now_ns();
    const rb_status status = rb_remote_time(cell->remote, spec, src, cell->call_ns, &timing, err);
    if (status != RB_OK)
        return status;
    if (cell->mode == RB_LATENCY_COLD) /* the calls themselves and the warm-up count twice */
        cell->pause_ns = (double)(rb_now_ns() - start) / (double)spec->repetitions;
    for (size_t i = 0; i < spec->repetitions; i++) {
        samples[i].worker = cell->worker;
        samples[i].turn = cell->turn;
        cell->call_ns = fmin(cell->call_ns, samples[i].real_ns);
    }
    rb_call_counts_add(&cell->record.counts, (double)cell->record.sample_count, &timing.counts,
                       (double)spec->repetitions);
    cell->record.sample_count += spec->repetitions;
    for (size_t i = 0; i < 2; i++) {
        cell->yardstick_min_ns = fmin(cell->yardstick_min_ns, timing.yardstick_ns[i]);
        cell->yardstick_max_ns = fmax(cell->yardstick_max_ns, timing.yardstick_ns[i]);
    }
    compare_timed(cell, logits);
    return RB_OK;
}

rb_status rb_cell_make_room(rb_cell *cell, size_t more, rb_error *err) {
    const size_t needed = cell->record.sample_count + more;
    if (needed <= cell->sample_capacity)
        return RB_OK;
    rb_sample *samples = realloc(cell->record.samples, 2 * needed * sizeof *samples);
    if (!samples)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", needed);
    cell->record.samples = samples;
    cell->sample_capacity = 2 * needed;
    return RB_OK;
}

rb_status rb_cell_turn(rb_cell *cell, rb_error *err) {
    char name[256];
    if (cell->over)
        return RB_OK;
    if (cell->setting->plan->scenario == RB_SCENARIO_OFFLINE)
        return rb_cell_settle(cell, rb_cell_stream(cell, err), "timing", err);
    rb_record_name(&cell->record, name, sizeof name);
    const rb_timing_spec spec = {.name = name,
                                 .repetitions = repetitions_of(cell),
                                 .warmup_seconds = cell->setting->plan->tier->warmup_seconds,
                                 .cold = cell->mode == RB_LATENCY_COLD};
    const int64_t elements = 3 * cell->setting->inputs->height * cell->setting->inputs->width;
    const size_t images = RB_CASE_INPUTS * (size_t)cell->setting->graph->batch;
    float *src = malloc(images * (size_t)elements * sizeof *src);
    double *logits = malloc(images * (size_t)cell->setting->truth->classes * sizeof *logits);
    rb_status status = src && logits ? rb_cell_make_room(cell, spec.repetitions, err)
                                     : rb_fail(err, RB_ERR_MEMORY, "no memory for a batch");
    if (status == RB_OK)
        status = take_samples(cell, &spec, src, logits, err);
    free(src);
    free(logits);
    cell->turn++;
    return rb_cell_settle(cell, status, "timing", err);
}

/* The ledger of one worker is kept as a whole: that with the highest peak. Memory of a process that
 * is not the engine's alone says nothing of it. */
static void book_account(rb_cell *cell, const rb_remote_account *account) {
    rb_record *record = &cell->record;
    /* Memory to empty caches with, and sets of images, are the harness's: other cells tell the
     * process's. */
    const bool own_process = !cell->setting->worker.in_process && cell->mode != RB_LATENCY_COLD &&
                             !rb_record_is_offline(record) && account->peak_rss_bytes >= 0;
    if (own_process && account->peak_rss_bytes <= record->peak_rss_bytes)
        return;
    record->packed_weight_bytes = account->held.bytes[RB_MEMORY_WEIGHTS];
    record->activation_bytes = account->held.bytes[RB_MEMORY_ACTIVATIONS];
    record->scratch_bytes = account->held.bytes[RB_MEMORY_SCRATCH];
    if (!own_process) {
        record->ledger.host_peak_bytes = account->ledger.host_peak_bytes;
        record->ledger.buffer_bytes = account->ledger.buffer_bytes;
        return;
    }
    record->peak_rss_bytes = account->peak_rss_bytes;
    record->peak_rss_after_start_bytes = account->peak_rss_bytes - account->start_rss_bytes;
    record->steady_rss_bytes = account->resident_bytes;
    record->ledger = account->ledger;
}

rb_status rb_cell_close(rb_cell *cell, rb_error *err) {
    rb_remote_account account;
    if (cell->over)
        return RB_OK;
    rb_record *record = &cell->record;
    const rb_status status = rb_remote_account_of(cell->remote, &account, err);
    if (status == RB_ERR_ENGINE) { /* what it says of its memory cannot be true */
        record->verdict = RB_VERDICT_MISTRUSTED;
        snprintf(record->note, sizeof record->note, "memory: %.230s", err->message);
        cell->over = true;
    } else if (status != RB_OK) {
        return rb_cell_settle(cell, status, "memory", err);
    } else {
        book_account(cell, &account);
    }
    const rb_status ended = rb_remote_end(cell->remote, err);
    if (ended != RB_OK)
        return rb_cell_settle(cell, ended, "close", err);
    rb_remote_close(cell->remote);
    cell->remote = NULL;
    return RB_OK;
}

static double limit_of(const rb_cell *cell) {
    const rb_truth *truth = cell->setting->truth;
    const double own = rb_parity_reference_limit(truth->jitter_rel_l2);
    return strcmp(cell->record.engine, "reference") == 0
               ? own
               : rb_parity_limit_beside(truth->reference_rel_l2, own);
}

rb_status rb_cell_finish(rb_cell *cell, rb_error *err) {
    rb_record *record = &cell->record;
    rb_remote_close(cell->remote);
    cell->remote = NULL;
    if (cell->parity.images > 0) {
        record->images = cell->setting->inputs->count;
        record->rel_l2 = cell->parity.worst_rel_l2;
        record->rel_l2_limit = limit_of(cell);
        record->max_abs_error = cell->parity.max_abs_error;
        if (!cell->setting->synthetic)
            record->top1_agree = cell->top1_agree;
    }
    if (!cell->over) {
        char note[sizeof record->note];
        record->verdict = rb_parity_judge(&cell->parity, record->rel_l2_limit, note, sizeof note);
        if (note[0])
            snprintf(record->note, sizeof record->note, "%s", note);
    }
    if (cell->over)
        rb_record_release(record); /* broken off: what was timed so far is not the whole cell */
    record->load_ns = rb_median(cell->load_ns, cell->opened);
    record->open_ns = rb_median(cell->open_ns, cell->opened);
    record->first_run_ns = rb_median(cell->first_run_ns, cell->opened);
    if (record->sample_count > 0)
        record->yardstick_spread = cell->yardstick_max_ns / cell->yardstick_min_ns;
    return rb_record_summarize(record, err);
}
