#include "bench/runner.h"

#include <string.h>
#include <time.h>

#include "bench/cell.h"
#include "bench/interrupt.h"
#include "bench/machine.h"
#include "bench/peak.h"
#include "bench/progress.h"
#include "bench/weights_source.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"
#include "results/report.h"

typedef struct runner {
    const rb_plan *plan;
    rb_report report;
    rb_progress progress;
    rb_peak peak;
    size_t resumed; /* rows of an earlier run, which stay as they are */
    void (*notice)(const char *sentence);
} runner;

/* Work of one engine on one network and batch, for the progress line. */
static double work_of(const rb_network *network, int64_t batch) {
    rb_graph *graph;
    if (rb_graph_create(network, &(rb_graph_shape){.batch = batch}, &graph, NULL) != RB_OK)
        return 1;
    const double gmacs = (double)rb_graph_macs(graph) * 1e-9;
    rb_graph_destroy(graph);
    return 1 + gmacs;
}

/* A row that stands already: measured in full, right, and with the same engine file. */
static bool is_done(const runner *run, const rb_network *network, const rb_plan_engine *engine,
                    int64_t batch, rb_latency_mode mode) {
    for (size_t i = 0; i < run->report.records.count; i++) {
        const rb_record *record = &run->report.records.items[i];
        if (strcmp(record->network, network->name) == 0 &&
            strcmp(record->engine, engine->label) == 0 && record->batch == batch &&
            strcmp(record->mode, rb_latency_mode_name(mode)) == 0)
            return record->sample_count > 0 && record->verdict == RB_VERDICT_PASS &&
                   strcmp(record->engine_sha256, engine->sha256) == 0;
    }
    return false;
}

#define MAX_PENDING (RB_MAX_ENGINES * RB_LATENCY_MODES)

/* A row of a group that is to be measured. */
typedef struct pending_row {
    const rb_plan_engine *engine;
    rb_latency_mode mode;
} pending_row;

static size_t pending_rows(const runner *run, const rb_network *network, int64_t batch,
                           pending_row pending[MAX_PENDING]) {
    const rb_plan *plan = run->plan;
    size_t count = 0;
    for (size_t e = 0; e < plan->engine_count; e++)
        for (size_t m = 0; m < plan->mode_count; m++)
            if (!is_done(run, network, &plan->engines[e], batch, plan->modes[m]))
                pending[count++] = (pending_row){&plan->engines[e], plan->modes[m]};
    return count;
}

static double pending_work(const runner *run) {
    pending_row pending[MAX_PENDING];
    double work = 0;
    for (size_t n = 0; n < run->plan->network_count; n++)
        for (size_t b = 0; b < run->plan->batch_count; b++) {
            const rb_network *network = run->plan->networks[n];
            const int64_t batch = run->plan->batches[b];
            work += (double)pending_rows(run, network, batch, pending) * work_of(network, batch);
        }
    return work;
}

static void show(const runner *run, const rb_cell *cell, const char *step) {
    char text[256];
    snprintf(text, sizeof text, "%s %s batch %lld%s: %s", cell->record.network, cell->record.engine,
             (long long)cell->record.batch, cell->mode == RB_LATENCY_COLD ? " cold" : "", step);
    rb_progress_show(&run->progress, text);
}

/* One round: a fresh worker for each engine, then turns in the order A B, B A, A B ... */
static rb_status run_round(runner *run, rb_cell *cells, size_t count, rb_error *err) {
    const rb_tier *tier = run->plan->tier;
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < count; i++) {
        show(run, &cells[i], "open, parity");
        status = rb_cell_open(&cells[i], err);
    }
    for (int32_t turn = 0; turn < tier->turns; turn++)
        for (size_t i = 0; status == RB_OK && !rb_interrupted() && i < count; i++) {
            rb_cell *cell = &cells[turn % 2 ? count - 1 - i : i];
            show(run, cell, "timing");
            status = rb_cell_turn(cell, err);
            rb_progress_advance(&run->progress,
                                work_of(cell->setting->network, cell->record.batch) /
                                    (tier->workers * tier->turns));
        }
    for (size_t i = 0; status == RB_OK && i < count; i++)
        status = rb_cell_close(&cells[i], err);
    return status;
}

/* All engines that are pending at one batch size: their rows are finished together. */
static rb_status run_group(runner *run, const rb_cell_setting *setting, rb_error *err) {
    pending_row pending[MAX_PENDING];
    rb_cell cells[MAX_PENDING];
    const size_t count = pending_rows(run, setting->network, setting->graph->batch, pending);
    const rb_machine_ticks before = rb_machine_ticks_now();
    rb_status status = RB_OK;
    for (size_t i = 0; i < count; i++)
        rb_cell_init(&cells[i], setting, pending[i].engine, pending[i].mode);
    for (int32_t round = 0; status == RB_OK && round < run->plan->tier->workers; round++)
        status = run_round(run, cells, count, err);
    const double steal = rb_machine_steal_share(before, rb_machine_ticks_now());
    for (size_t i = 0; i < count; i++) {
        cells[i].record.steal_share = steal;
        if (status == RB_OK)
            status = rb_cell_finish(&cells[i], err);
        if (status == RB_OK)
            status = rb_record_list_put(&run->report.records, &cells[i].record, err);
        rb_remote_close(cells[i].remote);
        cells[i].remote = NULL;
        rb_record_release(&cells[i].record);
    }
    return status == RB_OK ? rb_report_write(&run->report, err) : status;
}

/* Every image of a batch must be another, and so must those of two calls in a row: an engine that
 * computes one image and copies it, or remembers its last, shall not pass. */
static int64_t least_images(const rb_plan *plan) {
    int64_t least = RB_CASE_INPUTS;
    for (size_t b = 0; b < plan->batch_count; b++)
        if (plan->batches[b] > least)
            least = plan->batches[b];
    return least;
}

static int64_t image_limit(const rb_plan *plan) {
    const int64_t limit = plan->tier->images, least = least_images(plan);
    return limit == 0 || limit > least ? limit : least;
}

static rb_status choose_preprocessing(const rb_plan *plan, const rb_network *network,
                                      const char *weights, const rb_weights_info *info,
                                      rb_preprocess *preprocess, rb_error *err) {
    return rb_preprocess_choose(info->preprocessing, weights, plan->resize, plan->height,
                                plan->width, network->size, preprocess, err);
}

static rb_status load_inputs(const rb_plan *plan, const rb_network *network, const char *weights,
                             const rb_weights_info *info, rb_inputs *inputs, rb_error *err) {
    const rb_inputs_request request = {.images = plan->images,
                                       .least = least_images(plan),
                                       .limit = image_limit(plan),
                                       .height = plan->height,
                                       .width = plan->width,
                                       .size = network->size,
                                       .resize = plan->resize,
                                       .seed = plan->seed,
                                       .weights = weights,
                                       .preprocessing = info->preprocessing};
    return rb_inputs_make(&request, inputs, err);
}

static rb_status run_batches(runner *run, const rb_network *network, rb_cell_setting *setting,
                             const rb_weights_info *info, rb_error *err) {
    const rb_plan *plan = run->plan;
    rb_status status = RB_OK;
    for (size_t b = 0; status == RB_OK && b < plan->batch_count; b++) {
        rb_graph *graph;
        const rb_graph_shape shape = rb_weights_graph_shape(
            info, plan->batches[b], setting->inputs->height, setting->inputs->width);
        status = rb_graph_create(network, &shape, &graph, err);
        setting->graph = graph;
        if (status == RB_OK)
            status = run_group(run, setting, err);
        rb_graph_destroy(graph);
    }
    return status;
}

static bool network_is_done(const runner *run, const rb_network *network) {
    pending_row pending[MAX_PENDING];
    for (size_t b = 0; b < run->plan->batch_count; b++)
        if (pending_rows(run, network, run->plan->batches[b], pending) > 0)
            return false;
    return true;
}

/* The peak again: on a machine that is shared one look is not enough. The best of the run counts.
 */
static rb_status look_at_peak(runner *run, rb_error *err) {
    rb_peak peak;
    const rb_status status = rb_peak_measure(run->plan->threads, &peak, err);
    if (status != RB_OK || peak.gmacs_per_second <= run->peak.gmacs_per_second)
        return status;
    run->peak = peak;
    json_t *context = run->report.context;
    json_object_set_new(context, "peak_gmacs_per_second", json_real(peak.gmacs_per_second));
    json_object_set_new(context, "peak_isa", json_string(peak.isa));
    for (size_t i = run->resumed; i < run->report.records.count; i++)
        if (peak.gmacs_per_second > run->report.records.items[i].peak_gmacs)
            run->report.records.items[i].peak_gmacs = peak.gmacs_per_second;
    return RB_OK;
}

static rb_status run_network(runner *run, const rb_network *network, rb_error *err) {
    const rb_plan *plan = run->plan;
    char weights[RB_PATH_CAPACITY], text[128];
    rb_weights_info info;
    rb_inputs inputs = {0};
    rb_truth truth = {0};
    if (network_is_done(run, network))
        return RB_OK;
    snprintf(text, sizeof text, "%s: weights, oracle, reference", network->name);
    rb_progress_show(&run->progress, text);
    rb_status status = look_at_peak(run, err);
    if (status == RB_OK)
        status = rb_weights_source(plan->weights, network, plan->seed, weights, &info, err);
    if (status == RB_OK)
        status = load_inputs(plan, network, weights, &info, &inputs, err);
    const rb_case_spec spec = {.network = network->name,
                               .weights = weights,
                               .height = inputs.height,
                               .width = inputs.width,
                               .classes = info.classes,
                               .threads = plan->threads,
                               .verbose = plan->verbose};
    if (status == RB_OK)
        status = rb_truth_compute(&plan->worker, &spec, &inputs, &truth, err);
    rb_cell_setting setting = {.plan = plan,
                               .network = network,
                               .inputs = &inputs,
                               .truth = &truth,
                               .weights = weights,
                               .weights_sha256 = info.sha256,
                               .synthetic = rb_weights_are_synthetic(&info),
                               .peak_gmacs = run->peak.gmacs_per_second};
    if (status == RB_OK)
        status = run_batches(run, network, &setting, &info, err);
    rb_truth_release(&truth);
    rb_inputs_release(&inputs);
    return status;
}

/* What the images of a network go through, as the text in its rows. */
static rb_status format_preprocessing(const rb_plan *plan, const rb_network *network,
                                      const char *weights, const rb_weights_info *info,
                                      char text[RB_PREPROCESS_CAPACITY], rb_error *err) {
    rb_preprocess preprocess;
    text[0] = '\0';
    if (!plan->images)
        return RB_OK;
    const rb_status status = choose_preprocessing(plan, network, weights, info, &preprocess, err);
    return status == RB_OK ? rb_preprocess_format(&preprocess, text, RB_PREPROCESS_CAPACITY, err)
                           : status;
}

/* Rows of one network with other weights, or images prepared in another way, may not stand beside
 * ours. */
static rb_status check_rows(const runner *run, const rb_network *network, rb_error *err) {
    char path[RB_PATH_CAPACITY], preprocessing[RB_PREPROCESS_CAPACITY];
    rb_weights_info info = {.network = ""};
    rb_status status = RB_OK;
    for (size_t i = 0; i < run->report.records.count; i++) {
        const rb_record *record = &run->report.records.items[i];
        if (strcmp(record->network, network->name) != 0)
            continue;
        if (!info.network[0]) {
            status =
                rb_weights_source(run->plan->weights, network, run->plan->seed, path, &info, err);
            if (status == RB_OK)
                status = format_preprocessing(run->plan, network, path, &info, preprocessing, err);
        }
        if (status != RB_OK)
            return status;
        if (strcmp(record->weights_sha256, info.sha256) != 0)
            return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                           "%s: was made with other weights of %s than %s holds; use another -o",
                           run->plan->directory, network->name, path);
        if (strcmp(record->preprocessing, preprocessing) != 0)
            return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                           "%s: was made with images of %s prepared in another way (%.300s) than "
                           "now (%.300s); use another -o",
                           run->plan->directory, network->name, record->preprocessing,
                           preprocessing);
    }
    return RB_OK;
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
            "%s: was made with other settings (tier, threads, size, weights, "
            "seed, images or how many of them, machine, OpenMP, --no-worker); use another -o",
            path);
    json_decref(plan);
    for (size_t n = 0; status == RB_OK && n < run->plan->network_count; n++)
        status = check_rows(run, run->plan->networks[n], err);
    run->resumed = run->report.records.count;
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
    snprintf(title, capacity,
             "resbench " RB_VERSION ": %s, %d threads, %s tier, weights %s, input %s, %s",
             model ? model : "unknown processor", run->plan->threads, run->plan->tier->name,
             run->plan->weights ? run->plan->weights : "synthetic",
             run->plan->images ? run->plan->images : "synthetic", date ? date : "");
}

static rb_status prepare(runner *run, rb_error *err) {
    rb_status status = rb_make_directories(run->plan->directory, err);
    if (status == RB_OK && run->plan->resume)
        status = resume(run, err);
    if (status == RB_OK)
        status = look_at_peak(run, err);
    if (status != RB_OK)
        return status;
    json_object_set_new(run->report.context, "threads", json_integer(run->plan->threads));
    rb_progress_start(&run->progress, pending_work(run));
    return RB_OK;
}

rb_status rb_runner_run(const rb_plan *plan, void (*notice)(const char *sentence),
                        rb_record_list *records, rb_error *err) {
    runner run = {.plan = plan, .notice = notice};
    char title[512];
    rb_plan full = *plan;
    rb_status status = RB_OK;
    if (plan->images)
        status = rb_inputs_folder_digest(plan->images, image_limit(plan), full.images_sha256, err);
    json_t *context = rb_machine_context();
    run.report = (rb_report){.directory = plan->directory,
                             .title = title,
                             .context = context,
                             .plan = rb_plan_identity(&full, context)};
    write_title(&run, title, sizeof title);
    if (status == RB_OK)
        status = prepare(&run, err);
    for (size_t n = 0; status == RB_OK && !rb_interrupted() && n < plan->network_count; n++)
        status = run_network(&run, plan->networks[n], err);
    rb_progress_clear(&run.progress);
    if (status == RB_OK && rb_interrupted())
        status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    json_decref(run.report.context);
    json_decref(run.report.plan);
    *records = run.report.records;
    return status;
}
