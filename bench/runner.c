#include "bench/runner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cell.h"
#include "bench/environment.h"
#include "bench/interrupt.h"
#include "bench/machine.h"
#include "bench/meter.h"
#include "bench/overhead.h"
#include "bench/progress.h"
#include "bench/run_cells.h"
#include "bench/run_memory.h"
#include "bench/run_peaks.h"
#include "bench/run_share.h"
#include "bench/run_source.h"
#include "model/graph_build.h"
#include "results/report.h"

#define STABILITY_SECONDS 0.3 /* the machine is looked at before anything is timed */

typedef struct runner {
    const rb_plan *plan;
    rb_report report;
    rb_progress progress;
    rb_run_peaks peaks;
    rb_run_share share; /* what of the plan is measured here */
    double harness_overhead_ns;
    rb_environment environment;
    size_t resumed;         /* rows of an earlier run, which stay as they are */
    rb_run_source *sources; /* as plan->networks */
    void (*notice)(const char *sentence);
} runner;

static void show(const runner *run, const rb_cell *cell, const char *step) {
    char text[256];
    snprintf(text, sizeof text, "%s %s batch %lld, %d threads%s: %s", cell->record.network,
             cell->record.engine, (long long)cell->record.batch, cell->record.threads,
             cell->mode == RB_LATENCY_COLD ? ", cold" : "", step);
    rb_progress_show(&run->progress, text);
}

/* A peer's settings are fixed by its first worker, before anything is timed. */
static void tell_settings(const runner *run, const rb_cell *cell) {
    const rb_record *record = &cell->record;
    char name[256], sentence[sizeof record->settings_tried + sizeof name + 128];
    if (!record->settings[0] || cell->worker > 0)
        return;
    rb_progress_clear(&run->progress);
    rb_record_name(record, name, sizeof name);
    snprintf(sentence, sizeof sentence,
             "%s: settings %s, fixed before timing (%s); an empty call takes %.0f ns", name,
             record->settings, record->settings_tried, record->harness_overhead_ns);
    run->notice(sentence);
}

/* One round: a fresh worker for each engine, then turns in the order A B, B A, A B ... */
static rb_status run_round(runner *run, rb_cell *cells, size_t count, rb_error *err) {
    const rb_tier *tier = run->plan->tier;
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < count; i++) {
        show(run, &cells[i], "open, parity");
        status = rb_cell_open(&cells[i], err);
        tell_settings(run, &cells[i]);
    }
    for (int32_t turn = 0; turn < tier->turns; turn++)
        for (size_t i = 0; status == RB_OK && !rb_interrupted() && i < count; i++) {
            rb_cell *cell = &cells[turn % 2 ? count - 1 - i : i];
            show(run, cell, "timing");
            status = rb_cell_turn(cell, err);
            rb_progress_advance(&run->progress, rb_cell_group_work(&cell->setting->group) /
                                                    (tier->workers * tier->turns));
        }
    for (size_t i = 0; status == RB_OK && i < count; i++)
        status = rb_cell_close(&cells[i], err);
    return status;
}

/* All engines that are pending in one group: their rows are finished together. */
static rb_status run_group(runner *run, const rb_cell_setting *setting, rb_error *err) {
    rb_pending_row pending[RB_MAX_PENDING];
    rb_cell cells[RB_MAX_PENDING];
    const size_t count =
        rb_run_share_has(&run->share, &setting->group)
            ? rb_cell_group_pending(run->plan, &run->report.records, &setting->group, pending)
            : 0;
    const rb_machine_ticks before = rb_machine_ticks_now();
    rb_status status = RB_OK;
    if (count == 0)
        return RB_OK;
    for (size_t i = 0; i < count; i++)
        rb_cell_init(&cells[i], setting, pending[i].engine, pending[i].mode);
    rb_run_refuse_cells(cells, count);
    for (int32_t round = 0; status == RB_OK && round < run->plan->tier->workers; round++)
        status = run_round(run, cells, count, err);
    const double steal = rb_machine_steal_share(before, rb_machine_ticks_now());
    for (size_t i = 0; i < count; i++) {
        cells[i].record.steal_share = steal;
        if (status == RB_OK)
            status = rb_cell_finish(&cells[i], err);
        rb_environment_learn(&run->environment, steal, cells[i].record.yardstick_spread - 1,
                             run->report.context);
        if (status == RB_OK)
            status = rb_record_list_put(&run->report.records, &cells[i].record, err);
        rb_remote_close(cells[i].remote);
        cells[i].remote = NULL;
        rb_record_release(&cells[i].record);
    }
    return status == RB_OK ? rb_report_write(&run->report, err) : status;
}

/* Batches and numbers of threads of one network and size. */
static rb_status run_groups(runner *run, const rb_run_source *source, rb_cell_setting *setting,
                            rb_error *err) {
    const rb_plan *plan = setting->plan;
    rb_status status = RB_OK;
    for (size_t b = 0; status == RB_OK && b < plan->batch_count; b++) {
        rb_graph *graph;
        const rb_graph_shape shape = rb_weights_graph_shape(
            &source->info, plan->batches[b], setting->inputs->height, setting->inputs->width);
        status = rb_graph_create(source->network, &shape, &graph, err);
        setting->graph = graph;
        setting->group.batch = plan->batches[b];
        for (size_t t = 0; status == RB_OK && !rb_interrupted() && t < plan->thread_count; t++) {
            setting->group.threads = (int32_t)plan->threads[t];
            rb_affinity_place(&plan->affinity, setting->group.threads, &setting->placement);
            rb_worker_keep(&setting->worker, &setting->placement);
            setting->peak_gmacs = run->peaks.at[t].gmacs_per_second;
            status = run_group(run, setting, err);
        }
        rb_graph_destroy(graph);
    }
    return status;
}

static int32_t most_threads(const rb_plan *plan) {
    int32_t most = 1;
    for (size_t t = 0; t < plan->thread_count; t++)
        if (plan->threads[t] > most)
            most = (int32_t)plan->threads[t];
    return most;
}

/* Threads for oracle and reference, whose results are the same with any number of them: the most
 * that the plan has, as long as there are cores for them. */
static int32_t truth_threads(const rb_plan *plan) {
    const int32_t cores = rb_machine_threads(), most = most_threads(plan);
    return most < cores ? most : cores;
}

/* What is right depends on network, weights and input alone: it is found out once for each size. */
static rb_status find_truth(const rb_run_source *source, rb_cell_setting *setting, int32_t threads,
                            rb_inputs *inputs, rb_truth *truth, rb_error *err) {
    const rb_plan *plan = setting->plan;
    const rb_status status = rb_run_inputs(plan, source, setting->group.size, inputs, err);
    const rb_case_spec spec = {.network = source->network->name,
                               .weights = source->weights,
                               .height = inputs->height,
                               .width = inputs->width,
                               .classes = source->info.classes,
                               .threads = threads,
                               .verbose = plan->verbose};
    return status == RB_OK ? rb_truth_compute(&setting->worker, &spec, inputs, truth, err) : status;
}

/* Batches that do not fit into memory cost their rows, and the others are measured all the same. */
static rb_status run_size(runner *run, const rb_run_source *source, rb_plan_size size,
                          rb_error *err) {
    rb_plan plan = *run->plan;
    rb_inputs inputs = {0};
    rb_truth truth = {0};
    rb_cell_setting setting = {.plan = &plan,
                               .group = {.network = source->network, .size = size},
                               .inputs = &inputs,
                               .truth = &truth,
                               .weights = source->weights,
                               .weights_sha256 = source->info.sha256,
                               .synthetic = rb_weights_are_synthetic(&source->info),
                               .harness_overhead_ns = run->harness_overhead_ns,
                               .worker = plan.worker};
    const int32_t threads = truth_threads(&plan);
    rb_affinity_place(&plan.affinity, threads, &setting.placement);
    rb_worker_keep(&setting.worker, &setting.placement);
    rb_record_list *records = &run->report.records;
    rb_status status =
        rb_run_refuse_batches(&plan, &run->share, source, &setting, NULL, records, err);
    if (status == RB_OK && plan.batch_count > 0) {
        status = find_truth(source, &setting, threads, &inputs, &truth, err);
        if (status == RB_ERR_MEMORY) {
            const rb_error why = *err;
            status =
                rb_run_refuse_batches(&plan, &run->share, source, &setting, &why, records, err);
        }
    }
    if (status == RB_OK && plan.batch_count < run->plan->batch_count)
        status = rb_report_write(&run->report, err);
    if (status == RB_OK)
        status = run_groups(run, source, &setting, err);
    rb_truth_release(&truth);
    rb_inputs_release(&inputs);
    return status;
}

static rb_status run_network(runner *run, size_t n, rb_error *err) {
    const rb_plan *plan = run->plan;
    const rb_network *network = plan->networks[n];
    rb_plan_size sizes[RB_MAX_SIZES];
    rb_status status;
    bool looked = false;
    const size_t count = rb_run_sizes(plan, network, &run->sources[n], sizes, &status, err);
    for (size_t s = 0; status == RB_OK && !rb_interrupted() && s < count; s++) {
        char text[128];
        if (!(rb_run_pending_work(plan, &run->share, &run->report.records, network, sizes[s]) > 0))
            continue;
        snprintf(text, sizeof text, "%s %lldx%lld: weights, oracle, reference", network->name,
                 (long long)sizes[s].height, (long long)sizes[s].width);
        rb_progress_show(&run->progress, text);
        if (!looked)
            status = rb_run_peaks_look(plan, &run->peaks, &run->report.records, run->resumed,
                                       run->report.context, err);
        looked = true;
        if (status == RB_OK)
            status = rb_run_source_find(plan, network, &run->sources[n], err);
        if (status == RB_OK)
            status = run_size(run, &run->sources[n], sizes[s], err);
    }
    return status;
}

/* Takes over the rows of an earlier run, if they may stand beside ours. */
static rb_status resume(runner *run, rb_error *err) {
    json_t *plan;
    char path[RB_PATH_CAPACITY + 16], sentence[128];
    snprintf(path, sizeof path, "%s/%s", run->plan->directory, RB_REPORT_JSON);
    FILE *earlier = fopen(path, "r");
    if (!earlier)
        return RB_OK;
    fclose(earlier);
    rb_status status = rb_report_read(run->plan->directory, &plan, &run->report.records, err);
    if (status != RB_OK)
        return status;
    if (!json_equal(plan, run->report.plan))
        status = rb_fail(
            err, RB_ERR_NOT_COMPARABLE,
            "%s: was made with other settings (tier, scenario, weights, seed, images "
            "or how many of them, "
            "machine, OpenMP, affinity, --no-worker, --shard and what it splits); use another "
            "-o",
            path);
    json_decref(plan);
    for (size_t n = 0; status == RB_OK && n < run->plan->network_count; n++)
        status = rb_run_check_rows(run->plan, run->plan->networks[n], &run->sources[n],
                                   &run->report.records, err);
    run->resumed = run->report.records.count;
    for (size_t i = 0; i < run->resumed; i++)
        rb_environment_learn(&run->environment, run->report.records.items[i].steal_share,
                             run->report.records.items[i].yardstick_spread - 1,
                             run->report.context);
    if (status == RB_OK) {
        snprintf(sentence, sizeof sentence, "resuming; rows that stand already: %zu",
                 run->report.records.count);
        run->notice(sentence);
    }
    return status;
}

/* What a person wants to know of a table that he finds. */
static void write_title(const runner *run, char *title, size_t capacity) {
    const json_t *context = run->report.context;
    const char *model = json_string_value(json_object_get(context, "cpu_model"));
    const char *date = json_string_value(json_object_get(context, "date"));
    char threads[RB_THREADS_TEXT_CAPACITY];
    rb_plan_say_threads(run->plan, threads);
    snprintf(title, capacity,
             "resbench " RB_VERSION ": %s, %s threads, %s tier, weights %s, input %s, %s",
             model ? model : "unknown processor", threads, run->plan->tier->name,
             run->plan->weights ? run->plan->weights : "synthetic",
             run->plan->images ? run->plan->images : "synthetic", date ? date : "");
}

static rb_status total_work(runner *run, double *work, rb_error *err) {
    const rb_plan *plan = run->plan;
    rb_plan_size sizes[RB_MAX_SIZES];
    rb_status status = RB_OK;
    *work = 0;
    for (size_t n = 0; status == RB_OK && n < plan->network_count; n++) {
        const size_t count =
            rb_run_sizes(plan, plan->networks[n], &run->sources[n], sizes, &status, err);
        for (size_t s = 0; s < count; s++)
            *work += rb_run_pending_work(plan, &run->share, &run->report.records, plan->networks[n],
                                         sizes[s]);
    }
    return status;
}

static rb_status look_at_overhead(runner *run, rb_error *err) {
    rb_worker_options options = run->plan->worker;
    rb_placement placement;
    rb_affinity_place(&run->plan->affinity, 1, &placement);
    rb_worker_keep(&options, &placement);
    const rb_status status = rb_overhead_measure(&options, false, &run->harness_overhead_ns, err);
    if (status == RB_OK)
        json_object_set_new(run->report.context, "harness_overhead_ns",
                            json_real(run->harness_overhead_ns));
    return status;
}

static rb_status prepare(runner *run, rb_error *err) {
    double work = 0;
    run->sources = calloc(RB_MAX_NETWORKS, sizeof *run->sources);
    if (!run->sources)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a run");
    rb_status status = rb_make_directories(run->plan->directory, err);
    if (status == RB_OK && run->plan->shard.count > 0)
        status = rb_run_share_make(run->plan, run->sources, &run->share, err);
    if (status == RB_OK && run->plan->shard.count > 0)
        json_object_set_new(run->report.context, "planned_rows",
                            json_integer((json_int_t)rb_run_share_rows(run->plan, &run->share)));
    if (status == RB_OK && run->plan->resume)
        status = resume(run, err);
    if (status == RB_OK)
        status = rb_run_peaks_look(run->plan, &run->peaks, &run->report.records, run->resumed,
                                   run->report.context, err);
    if (status == RB_OK)
        status = look_at_overhead(run, err);
    if (status == RB_OK)
        status = total_work(run, &work, err);
    if (status == RB_OK)
        rb_progress_start(&run->progress, work);
    return status;
}

rb_status rb_runner_run(const rb_plan *plan, void (*notice)(const char *sentence),
                        rb_record_list *records, rb_error *err) {
    runner run = {.plan = plan, .notice = notice};
    char title[1024], line[RB_GRADE_LINE_CAPACITY];
    rb_plan full = *plan;
    rb_status status = RB_OK;
    if (plan->images)
        status = rb_inputs_folder_digest(plan->images, rb_run_image_limit(plan), full.images_sha256,
                                         err);
    rb_environment_look(most_threads(plan), STABILITY_SECONDS, &run.environment);
    json_t *context = rb_environment_context(&run.environment);
    rb_meter_describe(context);
    run.report = (rb_report){.directory = plan->directory,
                             .title = title,
                             .context = context,
                             .plan = rb_plan_identity(&full, context)};
    write_title(&run, title, sizeof title);
    if (status == RB_OK)
        status = prepare(&run, err);
    for (size_t n = 0; status == RB_OK && !rb_interrupted() && n < plan->network_count; n++)
        status = run_network(&run, n, err);
    rb_progress_clear(&run.progress);
    if (run.report.records.count > 0) {
        rb_environment_grade_line(&run.environment, line);
        notice(line);
    }
    if (status == RB_OK && rb_interrupted())
        status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    json_decref(run.report.context);
    json_decref(run.report.plan);
    rb_run_share_release(&run.share);
    free(run.sources);
    *records = run.report.records;
    return status;
}
