#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"
#include "bench/runner.h"
#include "bench/weights_source.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "cli/shard.h"
#include "results/percentiles.h"
#include "results/report.h"
#include "results/tables.h"

enum {
    OPT_QUICK = 256,
    OPT_FULL,
    OPT_RESUME,
    OPT_SEED,
    OPT_SIZE,
    OPT_RESIZE,
    OPT_CROP,
    OPT_MODE,
    OPT_AFFINITY,
    OPT_SCENARIO,
    OPT_PERCENTILE,
    OPT_MEMORY_LIMIT,
    OPT_SHARD
};

static const struct argp_option options[] = {
    {"depths", 'd', "LIST", 0,
     "Networks: 18,34,50,101,152 (default, or those of --weights), 50-v1, 18-101, all, ...", 0},
    {"engines", 'e', "LIST", 0,
     "Engines by name or path, and peers such as peer:torch (default: reference,onednn)", 0},
    {"batch", 'b', "LIST", 0, "Batch sizes: 1,8, 1-64:x2 (default: 1; --full: 1,8; offline: 8)", 0},
    {"size", OPT_SIZE, "LIST", 0,
     "Input sizes: 224, 160x192, 128-256:32 (default: the networks' own, 224x224)", 0},
    {"mode", OPT_MODE, "LIST", 0,
     "Latency with caches as they are (steady, default), or emptied before each call (cold)", 0},
    {"scenario", OPT_SCENARIO, "NAME", 0,
     "calls (default: the median of calls), single-stream (as many calls as a "
     "percentile needs), or offline (throughput over a set of images)",
     0},
    {"percentile", OPT_PERCENTILE, "P", 0, "Of single-stream: 50, 90 (default), 95, 99 or 99.9", 0},
    {"affinity", OPT_AFFINITY, "HOW", 0,
     "Where engines run: compact (default, cores side by side), scatter (over packages, NUMA "
     "nodes, "
     "caches), none, or processors such as 0-3,8",
     0},
    {"weights", 'w', "FILE|DIR", 0,
     "Weights, or a directory of <network>.h5 (default: synthetic, made once and cached)", 0},
    {"images", 'i', "DIR", 0, "JPEG and PNG images as input (default: synthetic)", 0},
    {"resize", OPT_RESIZE, "N|none", 0,
     "Shorter side of images before the crop (default: as the weights ask, or 256 for 224)", 0},
    {"crop", OPT_CROP, "LIST", 0, "What is cut from the images' centre; the same as --size", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of synthetic weights and input (default: 1)", 0},
    {"memory-limit", OPT_MEMORY_LIMIT, "BYTES", 0,
     "Do not start what needs more, as in 16G (default: what the machine has left)", 0},
    {"quick", OPT_QUICK, NULL, 0, "About two minutes on a laptop", 0},
    {"full", OPT_FULL, NULL, 0, "More workers, turns and images; batch 1 and 8", 0},
    {"output", 'o', "DIR", 0, "Where the results go (default: resbench-results/<time>)", 0},
    {"shard", OPT_SHARD, "I/N", 0,
     "Measure the I-th of N parts, for N machines alike; 'resbench merge' joins them", 0},
    {"resume", OPT_RESUME, NULL, 0, "Keep the rows that stand in the -o directory", 0},
    {0}};

static const char doc[] =
    "Measures parity, latency, memory and how they grow with depth and threads, one row per "
    "network, input size, batch, number of threads and engine."
    "\v"
    "Each engine is compared with a float64 oracle on the same weights and input; PASS means an "
    "error of at most 4 times that of plain float32, or 8 roundings. Latency is the median over "
    "several fresh "
    "processes, with the engines interleaved.\n\n"
    "A LIST has numbers and ranges: 1,2,8; 1-8; 2-8:2, every second; 1-64:x2, doubled; all threads "
    "are as many as there are processors, and all:x2 ends with them too.\n\n"
    "Examples:\n"
    "  resbench run --quick --depths 18,50 --batch 1,8 -o results-today\n"
    "  resbench run --depths 50 --threads all:x2 --size 160,224 -o threads\n\n"
    "Files: results.md, results.csv and results.json (Google Benchmark's schema), written when "
    "all engines of a network, size, batch and number of threads are finished; 'resbench plot "
    "results-today/results.json' "
    "draws them.\n\n" RB_EXIT_HELP;

typedef struct run_arguments {
    rb_engine_options engine_options;
    rb_plan plan;
    const char *depths, *engines, *batches, *modes, *sizes, *crops, *affinity, *scenario,
        *percentile, *output;
} run_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    run_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case 'd':
        a->depths = argument;
        break;
    case 'e':
        a->engines = argument;
        break;
    case 'b':
        a->batches = argument;
        break;
    case OPT_MODE:
        a->modes = argument;
        break;
    case OPT_SCENARIO:
        a->scenario = argument;
        break;
    case OPT_PERCENTILE:
        a->percentile = argument;
        break;
    case OPT_AFFINITY:
        a->affinity = argument;
        break;
    case OPT_SIZE:
        a->sizes = argument;
        break;
    case 'w':
        a->plan.weights = argument;
        break;
    case 'i':
        a->plan.images = argument;
        break;
    case OPT_RESIZE:
        a->plan.resize = rb_cli_resize(state, argument);
        break;
    case OPT_CROP:
        a->crops = argument;
        break;
    case OPT_SEED:
        a->plan.seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case OPT_MEMORY_LIMIT:
        a->plan.memory_limit_bytes = rb_cli_bytes(state, "memory-limit", argument);
        break;
    case OPT_QUICK:
    case OPT_FULL:
        if (a->plan.tier == (key == OPT_QUICK ? &rb_tier_full : &rb_tier_quick))
            argp_error(state, "--quick and --full exclude each other");
        a->plan.tier = key == OPT_QUICK ? &rb_tier_quick : &rb_tier_full;
        break;
    case 'o':
        a->output = argument;
        break;
    case OPT_SHARD:
        a->plan.shard = rb_cli_shard(state, argument);
        break;
    case OPT_RESUME:
        a->plan.resume = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        break;
    case ARGP_KEY_END:
        if (a->plan.resume && !a->output)
            argp_error(state, "--resume needs -o, the directory of the earlier run");
        if (!a->plan.images && (a->crops || a->plan.resize != RB_RESIZE_STORED))
            argp_error(state, "--resize and --crop are for --images");
        if (a->sizes && a->crops && strcmp(a->sizes, a->crops) != 0)
            argp_error(state, "--size and --crop contradict each other");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status add_threads(run_arguments *a, rb_error *err) {
    char fallback[16];
    snprintf(fallback, sizeof fallback, "%d", a->engine_options.threads);
    const char *list = a->engine_options.thread_list;
    return rb_plan_add_threads(&a->plan, list ? list : fallback, err);
}

static const char *default_batches(const run_arguments *a) {
    if (a->scenario)
        return strcmp(a->scenario, "offline") == 0 ? "8" : "1";
    return a->plan.tier == &rb_tier_full ? "1,8" : "1";
}

/* A peer's worker knows single calls alone. */
static rb_status check_offline(const rb_plan *plan, rb_error *err) {
    if (plan->mode_count != 1 || plan->modes[0] != RB_LATENCY_STEADY)
        return rb_fail(err, RB_ERR_USAGE,
                       "offline is a stream without pauses: --mode steady alone");
    for (size_t e = 0; e < plan->engine_count; e++)
        if (rb_peer_is_script(plan->engines[e].path))
            return rb_fail(err, RB_ERR_USAGE, "%s: peers are timed call by call, not offline",
                           plan->engines[e].label);
    return RB_OK;
}

/* MLPerf's single-stream is one image after the other, and its figure the 90th percentile. */
static rb_status complete_scenario(run_arguments *a, rb_error *err) {
    rb_status status =
        rb_scenario_parse(a->scenario ? a->scenario : "calls", &a->plan.scenario, err);
    if (status == RB_OK)
        status =
            rb_percentile_parse(a->percentile ? a->percentile : "90", &a->plan.percentile, err);
    const bool stream = a->plan.scenario == RB_SCENARIO_SINGLE_STREAM;
    if (status == RB_OK && a->percentile && !stream)
        status = rb_fail(err, RB_ERR_USAGE, "--percentile is for --scenario single-stream");
    if (status == RB_OK && stream && (a->plan.batch_count != 1 || a->plan.batches[0] != 1))
        status = rb_fail(err, RB_ERR_USAGE,
                         "single-stream is one image after the other: --batch 1 alone");
    if (status == RB_OK && a->plan.scenario == RB_SCENARIO_OFFLINE)
        status = check_offline(&a->plan, err);
    return status;
}

static rb_status complete(run_arguments *a, rb_error *err) {
    char networks[1024] = "18,34,50,101,152";
    rb_status status = RB_OK;
    if (!a->depths && a->plan.weights)
        status = rb_weights_networks(a->plan.weights, networks, sizeof networks, err);
    if (status == RB_OK)
        status = rb_plan_add_networks(&a->plan, a->depths ? a->depths : networks, err);
    if (status == RB_OK)
        status = rb_plan_add_engines(&a->plan, a->engines ? a->engines : "reference,onednn", err);
    if (status == RB_OK)
        status = rb_plan_add_batches(&a->plan, a->batches ? a->batches : default_batches(a), err);
    if (status == RB_OK)
        status = add_threads(a, err);
    if (status == RB_OK && (a->sizes || a->crops))
        status = rb_plan_add_sizes(&a->plan, a->sizes ? a->sizes : a->crops, err);
    if (status == RB_OK)
        status = rb_affinity_parse(a->affinity ? a->affinity : "compact", &a->plan.affinity, err);
    if (status == RB_OK)
        status = rb_plan_add_modes(&a->plan, a->modes ? a->modes : "steady", err);
    if (status == RB_OK)
        status = complete_scenario(a, err);
    if (status == RB_OK && (!a->plan.network_count || !a->plan.engine_count || !a->plan.mode_count))
        status = rb_fail(err, RB_ERR_USAGE, "a list of networks, engines or modes is empty");
    if (status == RB_OK)
        status = rb_cli_results_directory(a->output, RB_REPORT_JSON, a->plan.resume,
                                          a->plan.directory, err);
    if (status == RB_OK && a->engine_options.worker.in_process)
        status = rb_plan_refuse_peers(a->plan.engines, a->plan.engine_count,
                                      "leave out --no-worker", err);
    a->plan.verbose = a->engine_options.verbose;
    a->plan.worker = a->engine_options.worker;
    if (status == RB_OK && a->plan.resume)
        rb_plan_ask_versions(&a->plan);
    return status;
}

static void notice(const char *sentence) {
    printf("%s\n\n", sentence);
}

static void say_what_runs(const rb_plan *plan) {
    char threads[RB_THREADS_TEXT_CAPACITY];
    rb_plan_say_threads(plan, threads);
    printf("%s tier, %s threads; weights: %s; input: %s\n\n", plan->tier->name, threads,
           plan->weights ? plan->weights : "synthetic", plan->images ? plan->images : "synthetic");
}

/* What a percentile costs is said before it is paid. */
static void say_scenario(const rb_plan *plan) {
    const double share = plan->percentile;
    if (plan->scenario == RB_SCENARIO_OFFLINE)
        printf("offline: %d stretches of about %g s for each row, or once through the images\n\n",
               plan->tier->workers * plan->tier->turns, plan->tier->turn_seconds);
    if (plan->scenario == RB_SCENARIO_SINGLE_STREAM)
        printf("single-stream: p%g takes at least %zu calls of each row, as many as its 95 %% "
               "interval "
               "needs to have two ends (MLPerf's margin of %g: %zu)\n\n",
               100 * share, rb_percentile_least(share), (1 - share) / 20,
               rb_percentile_mlperf(share));
}

static void print_affinity(const rb_affinity *affinity) {
    if (affinity->kind == RB_AFFINITY_COMPACT)
        return;
    printf(" --affinity ");
    if (affinity->kind != RB_AFFINITY_LIST)
        printf("%s", rb_affinity_name(affinity->kind));
    for (int i = 0; i < affinity->count; i++)
        printf("%s%d", i ? "," : "", affinity->processors[i]);
}

/* The command that measures one row again, in one process for a debugger if it can be. */
static void print_repetition(const rb_plan *plan, const rb_record *record) {
    for (size_t e = 0; e < plan->engine_count; e++) {
        if (strcmp(plan->engines[e].label, record->engine) != 0)
            continue;
        printf("again: resbench run%s%s --depths %s --engines '%s' --batch ",
               rb_peer_is_script(plan->engines[e].path) ? "" : " --no-worker",
               plan->tier == &rb_tier_quick  ? " --quick"
               : plan->tier == &rb_tier_full ? " --full"
                                             : "",
               record->network, plan->engines[e].path);
        for (size_t b = 0; b < plan->batch_count; b++) /* all: they decide how many images */
            printf("%s%lld", b ? "," : "", (long long)plan->batches[b]);
        printf(" --threads %d --size %lldx%lld --seed %llu", record->threads,
               (long long)record->height, (long long)record->width, (unsigned long long)plan->seed);
        if (strcmp(record->mode, "steady") != 0)
            printf(" --mode %s", record->mode);
        if (plan->scenario == RB_SCENARIO_SINGLE_STREAM)
            printf(" --scenario single-stream --percentile %g", 100 * plan->percentile);
        if (plan->scenario == RB_SCENARIO_OFFLINE)
            printf(" --scenario offline");
        print_affinity(&plan->affinity);
        if (plan->weights)
            printf(" --weights '%s'", plan->weights);
        if (plan->images)
            printf(" --images '%s'", plan->images);
        if (plan->resize == 0)
            printf(" --resize none");
        else if (plan->resize != RB_RESIZE_STORED)
            printf(" --resize %lld", (long long)plan->resize);
        printf("\n");
    }
}

static void print_repetitions(const rb_plan *plan, const rb_record_list *records) {
    for (size_t i = 0; i < records->count; i++)
        if (records->items[i].verdict != RB_VERDICT_PASS)
            print_repetition(plan, &records->items[i]);
}

static bool has_times(const rb_record_list *records, const char *engine) {
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].engine, engine) == 0 && records->items[i].sample_count > 0)
            return true;
    return false;
}

/* The gravest of all rows; an engine without a single timing was not measured. */
static rb_exit judge(const rb_plan *plan, const rb_record_list *records) {
    bool wrong = false, crashed = false, measured = true;
    for (size_t i = 0; i < records->count; i++) {
        const rb_verdict verdict = records->items[i].verdict;
        wrong = wrong || verdict == RB_VERDICT_FAIL || verdict == RB_VERDICT_MARGINAL ||
                verdict == RB_VERDICT_MISTRUSTED;
        crashed = crashed || verdict == RB_VERDICT_CRASHED || verdict == RB_VERDICT_TIMEOUT;
    }
    for (size_t e = 0; e < plan->engine_count; e++)
        measured = measured && has_times(records, plan->engines[e].label);
    if (wrong)
        return RB_EXIT_WRONG;
    if (crashed)
        return RB_EXIT_CRASHED;
    return measured ? RB_EXIT_FINE : RB_EXIT_NOTHING;
}

int rb_command_run(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .children = rb_engine_sweep_children, .doc = doc};
    static run_arguments a = {
        .plan = {.tier = &rb_tier_normal, .seed = 1, .resize = RB_RESIZE_STORED}};
    rb_record_list records = {0};
    rb_error err = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = complete(&a, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_engine_options_watch(&a.engine_options);
    say_what_runs(&a.plan);
    say_scenario(&a.plan);
    status = rb_runner_run(&a.plan, notice, &records, &err);
    if (records.count > 0) {
        rb_table_terminal(&records, stdout);
        print_repetitions(&a.plan, &records);
        printf("\n%s/{%s,%s,%s}\n", a.plan.directory, RB_REPORT_MARKDOWN, RB_REPORT_CSV,
               RB_REPORT_JSON);
    }
    const rb_exit code = judge(&a.plan, &records);
    rb_record_list_release(&records);
    return status == RB_OK ? (int)code : rb_cli_fail(status, &err);
}
