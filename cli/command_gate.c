#include <string.h>

#include "cli/gate_jobs.h"

enum {
    OPT_BASE = 256,
    OPT_HEAD,
    OPT_AGAINST,
    OPT_UPDATE,
    OPT_ADDED,
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
    OPT_JUNIT,
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
    {"junit", OPT_JUNIT, "FILE", 0, "The rows as JUnit's XML", 0},
    {"json", OPT_JSON, "FILE", 0, "Everything that was measured", 0},
    {0, 0, NULL, 0, "Without a second build:", 1},
    {"against", OPT_AGAINST, "FILE", 0,
     "Count instructions (valgrind) and bytes, and compare with this baseline", 1},
    {"update", OPT_UPDATE, NULL, 0, "Write the baseline instead", 1},
    {"added", OPT_ADDED, "PERCENT", 0, "Instructions that may be added (default: 0.1)", 1},
    {0, 0, NULL, 0, "The gate judged:", 2},
    {"selftest", OPT_SELFTEST, NULL, 0,
     "Slow one build down on purpose, and see whether the gate notices, and that alone", 2},
    {"slowdown", OPT_SLOWDOWN, "LIST", 0, "Percent to inject (default: 0,1,2,5,10)", 2},
    {"gates", OPT_GATES, "N", 0, "Gates of the self-test for each slowdown (default: 3)", 2},
    {"record", OPT_RECORD, "FILE", 0, "Keep the times of the self-test as CSV", 2},
    {"replay", OPT_REPLAY, "FILE", 0, "Judge such a file again; nothing is measured", 2},
    {0}};

static const char doc[] =
    "Tells whether one build of an engine is slower than another, or takes more memory."
    "\v"
    "Both builds run interleaved in pairs of fresh processes. A series of such rounds says slower, "
    "fine or neither; an alarm needs two series that say slower. Where the machine is too noisy to "
    "tell, the answer is 'noisy', and not a guess. Where one build is all there is, or the machine "
    "is hopeless, --against compares counts of instructions with a stored baseline. docs/gate.md "
    "has the methods, and how often they err.\n\n"
    "Example:\n"
    "  resbench gate --base ../base/build --head build --depths 18,50 --markdown "
    "gate.md\n\n" RB_EXIT_HELP;

static void check_together(const rb_gate_arguments *a, const struct argp_state *state) {
    const bool pair = a->base || a->head;
    if (pair + (a->against != NULL) + a->selftest + (a->replay != NULL) != 1)
        argp_error(state, "give --base and --head, or --against, or --selftest, or --replay");
    if (pair && !(a->base && a->head))
        argp_error(state, "--base and --head belong together");
    if (!a->selftest && (a->record || a->slowdowns || a->gates))
        argp_error(state, "--record, --slowdown and --gates are for --selftest");
    if (!pair && (a->json || a->junit))
        argp_error(state, "--json and --junit are for --base and --head");
    if (!pair && !a->against && a->markdown)
        argp_error(state, "--markdown is for --base and --head, or --against");
    if (!a->against && (a->update || a->added >= 0))
        argp_error(state, "--update and --added are for --against");
    const char *threads = a->engine_options.thread_list;
    if (a->against && threads && strcmp(threads, "1") != 0)
        argp_error(state, "--against counts with one thread, not --threads %s", threads);
    if (a->engine_options.worker.in_process)
        argp_error(state, "a gate runs each build in a process of its own: leave out --no-worker");
    if (a->gate.limits.tolerance >= a->gate.limits.detect)
        argp_error(state, "--tolerance must be less than --detect");
}

static error_t parse_against(int key, char *argument, struct argp_state *state) {
    rb_gate_arguments *a = state->input;
    switch (key) {
    case OPT_AGAINST:
        a->against = argument;
        break;
    case OPT_UPDATE:
        a->update = true;
        break;
    case OPT_ADDED:
        a->added = rb_cli_percent(state, "added", argument) / 100;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_selftest(int key, char *argument, struct argp_state *state) {
    rb_gate_arguments *a = state->input;
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
    rb_gate_arguments *a = state->input;
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
        a->gate.limits.tolerance = rb_cli_percent(state, "tolerance", argument) / 100;
        break;
    case OPT_DETECT:
        a->gate.limits.detect = rb_cli_percent(state, "detect", argument) / 100;
        break;
    case OPT_ROUNDS:
        a->gate.rounds = (size_t)rb_cli_integer(state, "rounds", argument, RB_GATE_LEAST_ROUNDS,
                                                RB_GATE_MAX_ROUNDS);
        break;
    case OPT_JSON:
        a->json = argument;
        break;
    case OPT_JUNIT:
        a->junit = argument;
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
        return parse_against(key, argument, state) == 0 ? 0 : parse_selftest(key, argument, state);
    }
    return 0;
}

rb_status rb_gate_add_cells(rb_gate_arguments *a, rb_error *err) {
    rb_plan *plan = &a->gate.plan;
    char number[16];
    snprintf(number, sizeof number, "%d", a->engine_options.threads);
    const char *threads = a->against                      ? "1"
                          : a->engine_options.thread_list ? a->engine_options.thread_list
                                                          : number;
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

int rb_gate_exit(rb_gate_outcome outcome) {
    static const rb_exit codes[RB_GATE_OUTCOME_COUNT] = {RB_EXIT_FINE,           RB_EXIT_NOISY,
                                                         RB_EXIT_NOT_COMPARABLE, RB_EXIT_SLOWER,
                                                         RB_EXIT_CRASHED,        RB_EXIT_WRONG};
    return (int)codes[outcome];
}

rb_status rb_gate_prepare_files(const rb_gate_arguments *a, rb_error *err) {
    rb_status status = a->json ? rb_check_directory_of(a->json, err) : RB_OK;
    if (status == RB_OK && a->junit)
        status = rb_check_directory_of(a->junit, err);
    return status == RB_OK && a->markdown ? rb_check_directory_of(a->markdown, err) : status;
}

int rb_command_gate(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .children = rb_engine_sweep_children, .doc = doc};
    static rb_gate_arguments a;
    a.gate = (rb_gate_plan){.plan = {.seed = 1, .resize = RB_RESIZE_STORED},
                            .limits = rb_gate_default_limits};
    a.added = -1;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engine_options);
    if (a.replay)
        return rb_gate_replay_file(&a);
    if (a.against)
        return rb_gate_count_against(&a);
    return a.selftest ? rb_gate_selftest(&a) : rb_gate_compare_builds(&a);
}
