#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine_loader.h"
#include "bench/environment.h"
#include "bench/progress.h"
#include "check/kernels.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "results/kernel_report.h"
#include "results/kernel_tables.h"

#define MOST_PROBLEMS 1024

enum { OPT_PROBLEM = 256, OPT_V1, OPT_QUICK, OPT_SEED, OPT_SORT };

static const struct argp_option options[] = {
    {"depths", 'd', "LIST", 0, "Networks whose convolutions are timed (default: 18,34,50,101,152)",
     0},
    {"v1", OPT_V1, NULL, 0, "Those of 50-v1, 101-v1 and 152-v1 as well", 0},
    {"batch", 'b', "LIST", 0, "Batch sizes (default: 1)", 0},
    {"problem", OPT_PROBLEM, "TEXT", 0,
     "This convolution alone, such as ic64ih56oc64oh56kh3ph1+bn+relu; may be repeated", 0},
    {"sort", OPT_SORT, "time", 0,
     "What takes the most time in the networks first (default: as the networks meet them)", 0},
    {"quick", OPT_QUICK, NULL, 0, "One process for each engine, and short turns", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of all values (default: 1)", 0},
    {"output", 'o', "DIR", 0, "Where the files go (default: resbench-results/<time>)", 0},
    {0}};

static const char doc[] =
    "Times every distinct convolution of the networks, with what is fused with it, and tells what "
    "all of them take together in each network."
    "\v"
    "ENGINE is a name or the path of a shared object, an engine or a kernel plug-in; onednn is "
    "always beside it. Engines take turns in fresh processes; their values are held to the "
    "float64 oracle, and a time beside any other word than PASS counts for nothing.\n\n"
    "alone is the time of the convolution by itself, where the engine tells it; hot that of the "
    "whole call, with the caller's NCHW at both ends; cold that of a call which finds nothing in "
    "the caches.\n\n"
    "Examples:\n"
    "  resbench kernels ./mine.so --problem ic64ih56oc64oh56kh3ph1+bn+relu\n"
    "  resbench kernels ./mine.so --quick --sort time -o kernels-today\n\n"
    "Files: kernels.md, kernels.csv and kernels.json (Google Benchmark's schema), written anew "
    "after each convolution.\n\n" RB_EXIT_HELP;

typedef struct kernels_arguments {
    rb_engine_options engine_options;
    rb_plan lists; /* of networks, engines, batches */
    const char *depths, *batches, *output;
    bool v1, sort;
    rb_convolutions convolutions;
    rb_problem problems[MOST_PROBLEMS];
    rb_kernel_plan plan;
    char directory[RB_PATH_CAPACITY], title[256];
    json_t *context;
    rb_progress progress;
} kernels_arguments;

static void add_problem(kernels_arguments *a, const char *text, const struct argp_state *state) {
    rb_error err = {""};
    rb_problem *problem = &a->problems[a->plan.problem_count];
    if (a->plan.problem_count == MOST_PROBLEMS)
        argp_error(state, "more than %d problems", MOST_PROBLEMS);
    if (rb_problem_parse(text, problem, &err) != RB_OK)
        argp_error(state, "%s", err.message);
    if (problem->op != RB_OP_CONV)
        argp_error(state, "problem '%s': no convolution", text);
    for (size_t i = 0; i < a->plan.problem_count; i++)
        if (rb_problem_equal(problem, &a->problems[i]))
            argp_error(state, "problem '%s' is named twice", text);
    a->plan.problem_count++;
}

static void add_engine(kernels_arguments *a, const char *word, const struct argp_state *state) {
    rb_error err = {""};
    const rb_status status = rb_plan_add_engines(&a->lists, word, &err);
    if (status == RB_OK)
        return;
    if (status == RB_ERR_USAGE)
        argp_error(state, "%s", err.message);
    exit(rb_cli_fail(status, &err));
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    kernels_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case 'd':
        a->depths = argument;
        break;
    case OPT_V1:
        a->v1 = true;
        break;
    case 'b':
        a->batches = argument;
        break;
    case OPT_PROBLEM:
        add_problem(a, argument, state);
        break;
    case OPT_SORT:
        if (strcmp(argument, "time") != 0)
            argp_error(state, "--sort takes 'time', not '%s'", argument);
        a->sort = true;
        break;
    case OPT_QUICK:
        a->plan.tier = &rb_kernel_tier_quick;
        break;
    case OPT_SEED:
        a->plan.seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX - 1);
        break;
    case 'o':
        a->output = argument;
        break;
    case ARGP_KEY_ARG:
        add_engine(a, argument, state);
        break;
    case ARGP_KEY_END:
        if (a->lists.engine_count == 0)
            argp_error(state, "an engine is needed, by name or path");
        if (a->plan.problem_count > 0 && a->batches)
            argp_error(state, "--batch is for the networks' convolutions; a --problem says mbN");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool has_baseline(const rb_plan *lists) {
    for (size_t i = 0; i < lists->engine_count; i++)
        if (strcmp(lists->engines[i].label, RB_KERNEL_BASELINE) == 0)
            return true;
    return false;
}

static rb_status choose_engines(kernels_arguments *a, rb_error *err) {
    rb_status status =
        has_baseline(&a->lists) ? RB_OK : rb_plan_add_engines(&a->lists, RB_KERNEL_BASELINE, err);
    if (status == RB_OK)
        status = rb_plan_refuse_peers(a->lists.engines, a->lists.engine_count,
                                      "'resbench run' measures it", err);
    memcpy(a->plan.engines, a->lists.engines, sizeof a->plan.engines);
    a->plan.engine_count = a->lists.engine_count;
    return status == RB_OK ? rb_engine_find_own("oracle", a->plan.oracle_path, err) : status;
}

static rb_status choose_networks(kernels_arguments *a, rb_error *err) {
    rb_status status =
        rb_plan_add_networks(&a->lists, a->depths ? a->depths : "18,34,50,101,152", err);
    if (status == RB_OK && a->v1)
        status = rb_plan_add_networks(&a->lists, "50-v1,101-v1,152-v1", err);
    if (status == RB_OK && a->lists.network_count == 0)
        status = rb_fail(err, RB_ERR_USAGE, "the list of networks is empty");
    return status == RB_OK ? rb_convolutions_collect(a->lists.networks, a->lists.network_count,
                                                     &a->convolutions, err)
                           : status;
}

/* All convolutions, for each batch. */
static rb_status choose_problems(kernels_arguments *a, rb_error *err) {
    a->plan.convolutions = &a->convolutions;
    a->plan.problems = a->problems;
    if (a->plan.problem_count > 0)
        return RB_OK;
    const rb_status status = rb_plan_add_batches(&a->lists, a->batches ? a->batches : "1", err);
    if (status != RB_OK)
        return status;
    if (a->lists.batch_count * a->convolutions.count > MOST_PROBLEMS)
        return rb_fail(err, RB_ERR_USAGE, "%zu convolutions of %zu batch sizes, at most %d in all",
                       a->convolutions.count, a->lists.batch_count, MOST_PROBLEMS);
    for (size_t b = 0; b < a->lists.batch_count; b++)
        for (size_t i = 0; i < a->convolutions.count; i++) {
            rb_problem *problem = &a->problems[a->plan.problem_count++];
            *problem = a->convolutions.items[i].problem;
            problem->batch = a->lists.batches[b];
        }
    return a->plan.problem_count > 0 ? RB_OK
                                     : rb_fail(err, RB_ERR_USAGE, "a list of batches is empty");
}

static rb_status complete(kernels_arguments *a, rb_error *err) {
    rb_status status = choose_engines(a, err);
    if (status == RB_OK)
        status = choose_networks(a, err);
    if (status == RB_OK)
        status = choose_problems(a, err);
    if (status == RB_OK)
        status = rb_cli_results_directory(a->output, RB_KERNEL_JSON, false, a->directory, err);
    if (status == RB_OK)
        status = rb_make_directories(a->directory, err);
    a->plan.threads = a->engine_options.threads;
    a->plan.verbose = a->engine_options.verbose;
    a->plan.worker = rb_engine_options_timed(&a->engine_options);
    return status;
}

static json_t *plan_to_json(const kernels_arguments *a, bool whole) {
    const rb_kernel_plan *plan = &a->plan;
    json_t *engines = json_array(), *problems = json_array();
    for (size_t i = 0; i < plan->engine_count; i++)
        json_array_append_new(engines,
                              json_pack("{s:s, s:s, s:s}", "label", plan->engines[i].label, "path",
                                        plan->engines[i].path, "sha256", plan->engines[i].sha256));
    for (size_t i = 0; i < plan->problem_count; i++) {
        char text[RB_PROBLEM_CAPACITY];
        rb_problem_format(&plan->problems[i], text);
        json_array_append_new(problems, json_string(text));
    }
    return json_pack("{s:s, s:i, s:I, s:o, s:o, s:b}", "tier", plan->tier->name, "threads",
                     plan->threads, "seed", (json_int_t)plan->seed, "engines", engines, "problems",
                     problems, "complete", whole);
}

static rb_status write_files(const kernels_arguments *a, const rb_kernel_table *table, bool whole,
                             rb_error *err) {
    if (isfinite(table->peak_gmacs))
        json_object_set_new(a->context, "peak_gmacs_per_second", json_real(table->peak_gmacs));
    json_t *plan = plan_to_json(a, whole);
    const rb_kernel_report report = {.directory = a->directory,
                                     .title = a->title,
                                     .context = a->context,
                                     .plan = plan,
                                     .table = table};
    const rb_status status = rb_kernel_report_write(&report, err);
    json_decref(plan);
    return status;
}

static rb_status on_problem(void *ctx, const rb_kernel_table *table, rb_error *err) {
    return write_files(ctx, table, false, err);
}

static void on_progress(void *ctx, double share, const char *what) {
    kernels_arguments *a = ctx;
    a->progress.done = share;
    rb_progress_show(&a->progress, what);
}

static void begin(kernels_arguments *a) {
    a->context = rb_environment_brief(a->plan.threads);
    const char *model = json_string_value(json_object_get(a->context, "cpu_model"));
    const char *date = json_string_value(json_object_get(a->context, "date"));
    snprintf(a->title, sizeof a->title,
             "resbench " RB_VERSION " kernels: %s, %d threads, %s tier, seed %llu, %s",
             model ? model : "unknown processor", a->plan.threads, a->plan.tier->name,
             (unsigned long long)a->plan.seed, date ? date : "");
    a->plan.on_problem = on_problem;
    a->plan.on_progress = on_progress;
    a->plan.ctx = a;
    printf("convolutions: %zu; engines: %zu; %s tier, threads %d, seed %llu\n\n",
           a->plan.problem_count, a->plan.engine_count, a->plan.tier->name, a->plan.threads,
           (unsigned long long)a->plan.seed);
    fflush(stdout);
    rb_progress_start(&a->progress, 1);
}

/* The command that looks at a row which is not PASS. */
static void print_repetition(const kernels_arguments *a, const rb_kernel_row *row) {
    for (size_t e = 0; e < a->plan.engine_count; e++)
        if (strcmp(a->plan.engines[e].label, row->engine) == 0)
            printf("again: resbench check '%s' --problem %s --level operation --input seeded "
                   "--threads %d --seed %llu --no-worker\n",
                   a->plan.engines[e].path, row->problem, row->threads,
                   (unsigned long long)a->plan.seed);
}

static bool has_times(const rb_kernel_table *table, const char *engine) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].engine, engine) == 0 &&
            table->rows[i].times[RB_SPAN_HOT].count > 0)
            return true;
    return false;
}

/* The gravest of all rows; an engine without a single timing was not measured. */
static rb_exit judge(const kernels_arguments *a, const rb_kernel_table *table) {
    bool wrong = false, crashed = false, measured = true;
    for (size_t i = 0; i < table->count; i++) {
        const rb_verdict verdict = table->rows[i].verdict;
        wrong = wrong || verdict == RB_VERDICT_FAIL || verdict == RB_VERDICT_MARGINAL ||
                verdict == RB_VERDICT_MISTRUSTED;
        crashed = crashed || verdict == RB_VERDICT_CRASHED || verdict == RB_VERDICT_TIMEOUT;
    }
    for (size_t e = 0; e < a->plan.engine_count; e++)
        measured = measured && has_times(table, a->plan.engines[e].label);
    if (wrong)
        return RB_EXIT_WRONG;
    if (crashed)
        return RB_EXIT_CRASHED;
    return measured ? RB_EXIT_FINE : RB_EXIT_NOTHING;
}

/* Tables and files of what was measured. */
static rb_status end(kernels_arguments *a, rb_kernel_table *table, bool whole, rb_error *err) {
    rb_progress_clear(&a->progress);
    if (table->count == 0)
        return RB_OK;
    rb_status status = a->sort ? rb_kernel_table_sort(table, err) : RB_OK;
    if (status == RB_OK)
        status = write_files(a, table, whole, err);
    if (status == RB_OK)
        status = rb_kernel_terminal(table, stdout, err);
    if (status != RB_OK)
        return status;
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].verdict != RB_VERDICT_PASS &&
            table->rows[i].verdict != RB_VERDICT_UNSUPPORTED)
            print_repetition(a, &table->rows[i]);
    printf("\n%s/{%s,%s,%s}\n", a->directory, RB_KERNEL_MARKDOWN, RB_KERNEL_CSV, RB_KERNEL_JSON);
    fflush(stdout);
    return RB_OK;
}

int rb_command_kernels(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "ENGINE [ENGINE...]",
                                     .children = rb_engine_children,
                                     .doc = doc};
    static kernels_arguments a = {.plan = {.tier = &rb_kernel_tier_normal, .seed = 1}};
    rb_kernel_table table = {.count = 0};
    rb_error err = {""}, why = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = complete(&a, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_engine_options_watch(&a.engine_options);
    begin(&a);
    status = rb_kernels_measure(&a.plan, &table, &err);
    const rb_status ended = end(&a, &table, status == RB_OK, &why);
    int code = (int)judge(&a, &table);
    if (ended != RB_OK)
        code = rb_cli_fail(ended, &why);
    if (status != RB_OK)
        code = rb_cli_fail(status, &err);
    json_decref(a.context);
    rb_kernel_table_release(&table);
    rb_convolutions_release(&a.convolutions);
    return code;
}
