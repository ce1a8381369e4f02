#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "bench/environment.h"
#include "bench/inputs.h"
#include "bench/plan.h"
#include "bench/progress.h"
#include "bench/weights_source.h"
#include "check/trace.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "results/trace_report.h"

enum { OPT_AGAINST = 256, OPT_INPUT, OPT_IMAGES, OPT_SIZE, OPT_SEED, OPT_DUMP };

static const struct argp_option options[] = {
    {"engine", 'e', "NAME|PATH", 0, "The engine that is looked at (default: onednn)", 0},
    {"against", OPT_AGAINST, "NAME|PATH", 0, "The engine it is held to (default: oracle)", 0},
    {"weights", 'w', "FILE|DIR", 0, "Weights (default: synthetic)", 0},
    {"input", OPT_INPUT, "FILE", 0, "HDF5 file with the dataset input (N, 3, H, W)", 0},
    {"images", 'i', "DIR", 0, "JPEG and PNG images as input (default: synthetic)", 0},
    {"batch", 'b', "N", 0, "Images, the first ones of the input (default: 1)", 0},
    {"size", OPT_SIZE, "HxW", 0, "Size of images (default: the network's own)", 0},
    {"seed", OPT_SEED, "N", 0, "Of synthetic weights and input (default: 1)", 0},
    {"json", 'o', "FILE", 0, "Write what was found, for 'resbench plot'", 0},
    {"output", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"dump", OPT_DUMP, "DIR", 0, "Write the values of all nodes as HDF5, a file for each engine",
     0},
    {0}};

static const char doc[] =
    "Runs two engines node by node on one input, shows how the error grows along the depth, names "
    "the first node out of bounds and tells whether the fault is there or comes from elsewhere."
    "\v"
    "A node is out of bounds when its relative L2 error is above max(4 x that of the float32 "
    "reference there, 8 u), u = 2^-24; between two engines that are not the oracle their limits "
    "add up. Then every node is held to what is right for the operands that the engine shows, and "
    "the "
    "suspects are run alone on the right input.\n\n"
    "Example:\n"
    "  resbench trace resnet50 --engine ./mine.so -o trace.json\n"
    "  resbench plot trace.json\n\n" RB_EXIT_HELP;

typedef struct trace_arguments {
    const char *network, *engine, *against, *weights, *input, *images, *json, *dump;
    int64_t batch, height, width;
    uint64_t seed;
    rb_engine_options engines;
} trace_arguments;

static void check_arguments(const trace_arguments *a, const struct argp_state *state) {
    if (!a->network)
        argp_error(state, "a network is needed");
    if (a->input && a->images)
        argp_error(state, "--input and --images exclude each other");
    if (a->input && a->height)
        argp_error(state, "--size is not for --input, whose images have a size");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    trace_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engines;
        break;
    case 'e':
        a->engine = argument;
        break;
    case OPT_AGAINST:
        a->against = argument;
        break;
    case 'w':
        a->weights = argument;
        break;
    case OPT_INPUT:
        a->input = argument;
        break;
    case 'i':
        a->images = argument;
        break;
    case 'b':
        a->batch = rb_cli_integer(state, "batch", argument, 1, 65536);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &a->height, &a->width);
        break;
    case OPT_SEED:
        a->seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case 'o':
        a->json = argument;
        break;
    case OPT_DUMP:
        a->dump = argument;
        break;
    case ARGP_KEY_ARG:
        if (a->network)
            argp_error(state, "'%s' is one argument too many", argument);
        a->network = argument;
        break;
    case ARGP_KEY_END:
        check_arguments(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status load_input(const trace_arguments *a, const rb_network *network,
                            const char *weights, const rb_weights_info *info, rb_inputs *inputs,
                            rb_error *err) {
    if (a->input) {
        const rb_status status = rb_inputs_file(a->input, inputs, err);
        if (status == RB_OK && inputs->count < a->batch)
            return rb_fail(err, RB_ERR_INPUT, "%s: holds %lld images, expected at least %lld",
                           a->input, (long long)inputs->count, (long long)a->batch);
        return status;
    }
    const rb_inputs_request request = {.images = a->images,
                                       .least = a->batch,
                                       .limit = a->batch,
                                       .height = a->height,
                                       .width = a->width,
                                       .size = network->size,
                                       .resize = RB_RESIZE_STORED,
                                       .seed = a->seed,
                                       .weights = weights,
                                       .preprocessing = info->preprocessing};
    return rb_inputs_make(&request, inputs, err);
}

static void show_progress(void *ctx, double share, const char *what) {
    rb_progress *progress = ctx;
    rb_progress_advance(progress, share - progress->done);
    rb_progress_show(progress, what);
}

/* No file that is written is one that is read. */
static rb_status check_json(const trace_arguments *a, const char *weights, rb_error *err) {
    rb_status status = rb_check_directory_of(a->json, err);
    if (status == RB_OK)
        status = rb_check_output(a->json, weights, err);
    if (status == RB_OK && a->input)
        status = rb_check_output(a->json, a->input, err);
    return status;
}

static rb_status check_dump(const trace_arguments *a, const rb_trace_plan *plan,
                            const char *weights, rb_error *err) {
    const char *const labels[] = {"input", plan->engine.label, plan->against.label};
    char name[96], path[RB_PATH_CAPACITY];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s.h5", i ? "activations-" : "", labels[i]);
        const rb_status status = rb_path_in(a->dump, name, path, err);
        if (status != RB_OK)
            return status;
        if (rb_check_output(path, weights, NULL) != RB_OK ||
            (a->input && rb_check_output(path, a->input, NULL) != RB_OK))
            return rb_fail(err, RB_ERR_OUTPUT,
                           "%s: is the file that is read; give another directory with --dump",
                           path);
    }
    return RB_OK;
}

static rb_status prepare(const trace_arguments *a, rb_trace_plan *plan, rb_inputs *inputs,
                         rb_weights_info *info, char weights[RB_PATH_CAPACITY], rb_error *err) {
    const rb_network *network;
    rb_status status = rb_network_find(a->network, &network, err);
    if (status == RB_OK)
        status = rb_plan_find_engine(a->engine, &plan->engine, err);
    if (status == RB_OK)
        status = rb_plan_find_engine(a->against, &plan->against, err);
    const rb_plan_engine both[] = {plan->engine, plan->against};
    if (status == RB_OK)
        status = rb_plan_refuse_peers(both, 2, "'resbench run' compares its logits", err);
    if (status == RB_OK)
        status = rb_weights_source(a->weights, network, a->seed, weights, info, err);
    if (status == RB_OK && a->json)
        status = check_json(a, weights, err);
    if (status == RB_OK && a->dump)
        status = check_dump(a, plan, weights, err);
    if (status == RB_OK)
        status = load_input(a, network, weights, info, inputs, err);
    if (status == RB_OK)
        plan->spec = (rb_case_spec){.network = network->name,
                                    .weights = weights,
                                    .batch = a->batch,
                                    .height = inputs->height,
                                    .width = inputs->width,
                                    .classes = info->classes,
                                    .threads = a->engines.threads,
                                    .verbose = a->engines.verbose};
    return status;
}

/* 0: not a terminal. */
static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int rb_command_trace(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "NETWORK",
                                     .doc = doc,
                                     .children = rb_engine_children};
    trace_arguments a = {.engine = "onednn", .against = "oracle", .batch = 1, .seed = 1};
    char weights[RB_PATH_CAPACITY];
    rb_weights_info info;
    rb_inputs inputs = {0};
    rb_trace trace = {0};
    rb_progress progress;
    bool refused = false; /* by one of the engines */
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engines);
    rb_engine_options_let_threads_sleep();
    rb_trace_plan plan = {.weights_sha256 = info.sha256,
                          .inputs = &inputs,
                          .dump = a.dump,
                          .worker = a.engines.worker,
                          .on_progress = show_progress,
                          .ctx = &progress};
    rb_status status = prepare(&a, &plan, &inputs, &info, weights, &err);
    rb_progress_start(&progress, 1);
    if (status == RB_OK) {
        status = rb_trace_make(&plan, &trace, &err);
        refused = status == RB_ERR_UNSUPPORTED;
        rb_progress_clear(&progress);
    }
    if (status == RB_OK)
        rb_trace_print(&trace, terminal_columns(), stdout);
    if (status == RB_OK && a.json)
        status = rb_trace_write(&trace, rb_environment_brief(trace.threads), a.json, &err);
    const rb_exit code = trace.crashed                ? RB_EXIT_CRASHED
                         : !rb_trace_is_right(&trace) ? RB_EXIT_WRONG
                                                      : RB_EXIT_FINE;
    rb_trace_release(&trace);
    rb_inputs_release(&inputs);
    if (status == RB_OK)
        return (int)code;
    const int failed = rb_cli_fail(status, &err);
    return refused ? RB_EXIT_NOTHING : failed;
}
