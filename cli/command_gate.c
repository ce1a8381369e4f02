#include <stdlib.h>
#include <string.h>

#include "bench/build_directory.h"
#include "bench/environment.h"
#include "bench/gate_record.h"
#include "bench/gate_runner.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "results/gate_report.h"

enum {
    OPT_BASE = 256,
    OPT_HEAD,
    OPT_SELFTEST,
    OPT_REPLAY,
    OPT_RECORD,
    OPT_SLOWDOWN,
    OPT_GATES,
    OPT_ROUNDS,
    OPT_TOLERANCE,
    OPT_DETECT,
    OPT_JSON,
    OPT_MARKDOWN,
    OPT_SIZE,
    OPT_SEED
};

static const struct argp_option options[] = {
    {"base", OPT_BASE, "DIR", 0, "Build or installation that head must not fall behind", 0},
    {"head", OPT_HEAD, "DIR", 0, "Build or installation that is judged", 0},
    {"engines", 'e', "LIST", 0, "Engines of both, by name (default: onednn)", 0},
    {"depths", 'd', "LIST", 0, "Networks (default: 18)", 0},
    {"batch", 'b', "LIST", 0, "Batch sizes (default: 1)", 0},
    {"size", OPT_SIZE, "LIST", 0, "Input sizes (default: the networks' own, 224x224)", 0},
    {"weights", 'w', "FILE|DIR", 0, "Weights (default: synthetic)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of synthetic weights and input (default: 1)", 0},
    {"tolerance", OPT_TOLERANCE, "PERCENT", 0, "A slowdown that is no alarm (default: 2)", 0},
    {"detect", OPT_DETECT, "PERCENT", 0, "A slowdown that must not be missed (default: 5)", 0},
    {"rounds", OPT_ROUNDS, "N", 0, "Rounds of a series (default: 6, more for many cells)", 0},
    {"markdown", OPT_MARKDOWN, "FILE", 0, "The table for a comment under a pull request", 0},
    {"json", OPT_JSON, "FILE", 0, "Everything that was measured", 0},
    {0, 0, NULL, 0, "The gate judged:", 1},
    {"selftest", OPT_SELFTEST, NULL, 0,
     "Slow one build down on purpose, and see whether the gate notices, and that alone", 1},
    {"slowdown", OPT_SLOWDOWN, "LIST", 0, "Percent to inject (default: 0,1,2,5,10)", 1},
    {"gates", OPT_GATES, "N", 0, "Gates of the self-test for each slowdown (default: 3)", 1},
    {"record", OPT_RECORD, "FILE", 0, "Keep the times of the self-test as CSV", 1},
    {"replay", OPT_REPLAY, "FILE", 0, "Judge such a file again; nothing is measured", 1},
    {0}};

static const char doc[] =
    "Tells whether one build of an engine is slower than another, or takes more memory."
    "\v"
    "Both builds run interleaved in pairs of fresh processes. A series of such rounds says slower, "
    "fine or neither; an alarm needs two series that say slower. Where the machine is too noisy to "
    "tell, the answer is 'noisy', and not a guess. docs/gate.md has the method, and how often it "
    "errs.\n\n"
    "Example:\n"
    "  resbench gate --base ../base/build --head build --depths 18,50 --markdown "
    "gate.md\n\n" RB_EXIT_HELP;

typedef struct gate_arguments {
    rb_engine_options engine_options;
    rb_gate_plan gate;
    const char *base, *head, *engines, *depths, *batches, *sizes;
    const char *json, *markdown, *record, *replay, *slowdowns;
    bool selftest;
    int64_t gates;
} gate_arguments;

static double percent(const struct argp_state *state, const char *option, const char *text) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value > 0 && value <= 100))
        argp_error(state, "--%s takes percent, more than 0 and at most 100, not '%s'", option,
                   text);
    return value / 100;
}

static void check_together(const gate_arguments *a, const struct argp_state *state) {
    const bool pair = a->base || a->head;
    if (pair + a->selftest + (a->replay != NULL) != 1)
        argp_error(state, "give --base and --head, or --selftest, or --replay");
    if (pair && !(a->base && a->head))
        argp_error(state, "--base and --head belong together");
    if (!a->selftest && (a->record || a->slowdowns || a->gates))
        argp_error(state, "--record, --slowdown and --gates are for --selftest");
    if (!pair && (a->json || a->markdown))
        argp_error(state, "--json and --markdown are for --base and --head");
    if (a->gate.limits.tolerance >= a->gate.limits.detect)
        argp_error(state, "--tolerance must be less than --detect");
}

static error_t parse_selftest(int key, char *argument, struct argp_state *state) {
    gate_arguments *a = state->input;
    switch (key) {
    case OPT_SELFTEST:
        a->selftest = true;
        break;
    case OPT_SLOWDOWN:
        a->slowdowns = argument;
        break;
    case OPT_GATES:
        a->gates = rb_cli_integer(state, "gates", argument, 1, 100000);
        break;
    case OPT_RECORD:
        a->record = argument;
        break;
    case OPT_REPLAY:
        a->replay = argument;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    gate_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case OPT_BASE:
        a->base = argument;
        break;
    case OPT_HEAD:
        a->head = argument;
        break;
    case 'e':
        a->engines = argument;
        break;
    case 'd':
        a->depths = argument;
        break;
    case 'b':
        a->batches = argument;
        break;
    case OPT_SIZE:
        a->sizes = argument;
        break;
    case 'w':
        a->gate.plan.weights = argument;
        break;
    case OPT_SEED:
        a->gate.plan.seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case OPT_TOLERANCE:
        a->gate.limits.tolerance = percent(state, "tolerance", argument);
        break;
    case OPT_DETECT:
        a->gate.limits.detect = percent(state, "detect", argument);
        break;
    case OPT_ROUNDS:
        a->gate.rounds = (size_t)rb_cli_integer(state, "rounds", argument, RB_GATE_LEAST_ROUNDS,
                                                RB_GATE_MAX_ROUNDS);
        break;
    case OPT_JSON:
        a->json = argument;
        break;
    case OPT_MARKDOWN:
        a->markdown = argument;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        break;
    case ARGP_KEY_END:
        check_together(a, state);
        break;
    default:
        return parse_selftest(key, argument, state);
    }
    return 0;
}

static rb_status add_cells(gate_arguments *a, rb_error *err) {
    rb_plan *plan = &a->gate.plan;
    char number[16];
    snprintf(number, sizeof number, "%d", a->engine_options.threads);
    const char *threads = a->engine_options.thread_list ? a->engine_options.thread_list : number;
    rb_status status = rb_plan_add_networks(plan, a->depths ? a->depths : "18", err);
    if (status == RB_OK)
        status = rb_plan_add_batches(plan, a->batches ? a->batches : "1", err);
    if (status == RB_OK)
        status = rb_plan_add_threads(plan, threads, err);
    if (status == RB_OK && a->sizes)
        status = rb_plan_add_sizes(plan, a->sizes, err);
    plan->verbose = a->engine_options.verbose;
    plan->worker = a->engine_options.worker;
    return status;
}

/* The engines of both builds, by name. */
static rb_status add_pairs(gate_arguments *a, rb_error *err) {
    char list[1024], path[RB_PATH_CAPACITY], labelled[2 * RB_PATH_CAPACITY], *rest = list;
    rb_gate_plan *gate = &a->gate;
    rb_status status = RB_OK;
    if (snprintf(list, sizeof list, "%s", a->engines ? a->engines : "onednn") >= (int)sizeof list)
        return rb_fail(err, RB_ERR_USAGE, "--engines is too long");
    for (char *name; status == RB_OK && (name = strsep(&rest, ","));) {
        if (gate->plan.engine_count == RB_MAX_ENGINES)
            return rb_fail(err, RB_ERR_USAGE, "more than %d engines", RB_MAX_ENGINES);
        status = rb_build_engine(a->base, name, gate->base_paths[gate->plan.engine_count], err);
        if (status == RB_OK)
            status = rb_build_engine(a->head, name, path, err);
        if (status == RB_OK) {
            snprintf(labelled, sizeof labelled, "%s", path);
            status = rb_plan_add_engines(&gate->plan, labelled, err);
        }
    }
    return status;
}

static rb_status write_files(const gate_arguments *a, const rb_gate_rows *rows, rb_error *err) {
    const rb_gate_report report = {.base = a->base,
                                   .head = a->head,
                                   .context = rb_environment_brief(a->engine_options.threads),
                                   .rows = rows};
    rb_status status = a->json ? rb_gate_json_write(a->json, &report, err) : RB_OK;
    if (status == RB_OK && a->markdown)
        status = rb_gate_markdown_write(a->markdown, &report, err);
    json_decref(report.context);
    return status;
}

static int exit_of(rb_gate_outcome outcome) {
    static const rb_exit codes[RB_GATE_OUTCOME_COUNT] = {RB_EXIT_FINE,           RB_EXIT_NOISY,
                                                         RB_EXIT_NOT_COMPARABLE, RB_EXIT_SLOWER,
                                                         RB_EXIT_CRASHED,        RB_EXIT_WRONG};
    return codes[outcome];
}

static rb_status prepare_files(const gate_arguments *a, rb_error *err) {
    rb_status status = a->json ? rb_check_directory_of(a->json, err) : RB_OK;
    return status == RB_OK && a->markdown ? rb_check_directory_of(a->markdown, err) : status;
}

static int compare_builds(gate_arguments *a) {
    static rb_gate_rows rows;
    rb_error err = {""};
    rb_status status = prepare_files(a, &err);
    if (status == RB_OK)
        status = add_cells(a, &err);
    if (status == RB_OK)
        status = add_pairs(a, &err);
    if (status == RB_OK)
        status = rb_gate_run(&a->gate, &rows, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_gate_terminal(&rows, stdout);
    status = write_files(a, &rows, &err);
    return status == RB_OK ? exit_of(rb_gate_rows_outcome(&rows)) : rb_cli_fail(status, &err);
}

/* "0,1,2,5,10" */
static rb_status read_slowdowns(const char *list, double *slowdowns, size_t *count, rb_error *err) {
    *count = 0;
    for (const char *at = list; *at;) {
        char *end;
        const double value = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(value >= 0 && value <= 1000) ||
            *count == RB_GATE_MAX_SIDES - 1)
            return rb_fail(err, RB_ERR_USAGE,
                           "'%s' is not a list of at most %d slowdowns in percent", list,
                           RB_GATE_MAX_SIDES - 1);
        slowdowns[(*count)++] = value / 100;
        at = *end ? end + 1 : end;
    }
    return *count > 0 ? RB_OK : rb_fail(err, RB_ERR_USAGE, "--slowdown is empty");
}

/* 0: every slowdown within the tolerance passed, every one of `detect` and more was caught. */
static int judge_tallies(const rb_gate_limits *limits, const rb_gate_tally *tallies, size_t count) {
    bool noisy = false;
    for (size_t i = 0; i < count; i++) {
        const rb_gate_tally *t = &tallies[i];
        if ((t->slowdown < limits->tolerance && t->slower > 0) ||
            (t->slowdown >= limits->detect && t->fine > 0))
            return RB_EXIT_WRONG;
        noisy = noisy || t->noisy > 0;
        if (t->gates == 0)
            return RB_EXIT_NOTHING;
    }
    return noisy ? RB_EXIT_NOISY : RB_EXIT_FINE;
}

static int replay(const gate_arguments *a, const rb_gate_samples *samples) {
    rb_gate_tally tallies[RB_GATE_MAX_SIDES];
    rb_error err = {""};
    const size_t rounds =
        a->gate.rounds ? a->gate.rounds : rb_gate_rounds_needed(&a->gate.limits, 1);
    for (size_t s = 1; s < samples->side_count; s++) {
        const rb_status status =
            rb_gate_replay(samples, &a->gate.limits, rounds, s, &tallies[s - 1], &err);
        if (status != RB_OK)
            return rb_cli_fail(status, &err);
    }
    rb_gate_tally_terminal(tallies, samples->side_count - 1, stdout);
    return judge_tallies(&a->gate.limits, tallies, samples->side_count - 1);
}

static int replay_file(gate_arguments *a) {
    rb_gate_samples samples;
    rb_error err = {""};
    const rb_status status = rb_gate_samples_read(a->replay, &samples, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    const int code = replay(a, &samples);
    rb_gate_samples_release(&samples);
    return code;
}

static int selftest(gate_arguments *a) {
    rb_gate_samples samples = {0};
    double slowdowns[RB_GATE_MAX_SIDES];
    size_t count;
    rb_error err = {""};
    const size_t rounds =
        a->gate.rounds ? a->gate.rounds : rb_gate_rounds_needed(&a->gate.limits, 1);
    rb_status status =
        read_slowdowns(a->slowdowns ? a->slowdowns : "0,1,2,5,10", slowdowns, &count, &err);
    if (status == RB_OK)
        status = add_cells(a, &err);
    if (status == RB_OK)
        status = rb_plan_add_engines(&a->gate.plan, a->engines ? a->engines : "onednn", &err);
    if (status == RB_OK && (a->gate.plan.network_count != 1 || a->gate.plan.batch_count != 1 ||
                            a->gate.plan.engine_count != 1 || a->gate.plan.thread_count != 1 ||
                            a->gate.plan.size_count > 1))
        status = rb_fail(&err, RB_ERR_USAGE,
                         "--selftest takes a single cell: one network, size, "
                         "batch, number of threads and engine");
    /* An alarm takes two series. */
    if (status == RB_OK)
        status = rb_gate_record(&a->gate.plan, slowdowns, count,
                                2 * rounds * (size_t)(a->gates ? a->gates : 3), a->record, &samples,
                                &err);
    const int code = status == RB_OK ? replay(a, &samples) : rb_cli_fail(status, &err);
    rb_gate_samples_release(&samples);
    return code;
}

int rb_command_gate(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .children = rb_engine_sweep_children, .doc = doc};
    static gate_arguments a;
    a.gate = (rb_gate_plan){.plan = {.seed = 1, .resize = RB_RESIZE_STORED},
                            .limits = rb_gate_default_limits};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engine_options);
    if (a.replay)
        return replay_file(&a);
    return a.selftest ? selftest(&a) : compare_builds(&a);
}
