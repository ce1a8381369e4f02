#include <math.h>
#include <stdio.h>

#include "bench/environment.h"
#include "bench/progress.h"
#include "bench/weights_source.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "profile/profile.h"
#include "results/profile_report.h"
#include "results/profile_tables.h"

enum { OPT_SIZE = 256, OPT_SEED, OPT_NO_ALONE, OPT_QUICK, OPT_NODES };

static const struct argp_option options[] = {
    {"network", 'n', "NETWORK", 0, "The network (default: resnet50)", 0},
    {"batch", 'b', "N", 0, "Images of a call (default: 1)", 0},
    {"size", OPT_SIZE, "HxW", 0, "Size of images (default: the network's own)", 0},
    {"weights", 'w', "FILE|DIR", 0, "Weights (default: synthetic)", 0},
    {"images", 'i', "DIR", 0, "JPEG and PNG images as input (default: synthetic)", 0},
    {"seed", OPT_SEED, "N", 0, "Of synthetic weights and input (default: 1)", 0},
    {"no-alone", OPT_NO_ALONE, NULL, 0, "Do not run nodes alone, which takes the most time", 0},
    {"nodes", OPT_NODES, NULL, 0, "Print all nodes; the files have them anyway", 0},
    {"quick", OPT_QUICK, NULL, 0, "One process for each engine, fewer calls", 0},
    {"output", 'o', "DIR", 0, "Where the results go (default: resbench-results/<time>)", 0},
    {0}};

static const char doc[] =
    "Tells where the time of a network goes: every node within the running network and alone, with "
    "hot and with cold caches, against the multiply-adds and the bytes that this machine can do."
    "\v"
    "ENGINE is a name or a path (default: onednn); several are shown side by side. Ordinary and "
    "profiled calls take turns: the difference is what looking costs, and what no node accounts "
    "for is told. Results are checked as in run, and a profile of a wrong result says so.\n\n"
    "Example:\n"
    "  resbench profile onednn ./mine.so --network resnet50 -o profile-today\n"
    "  resbench plot profile-today/profile.json\n\n"
    "Files: profile.json, profile.md and profile.csv. docs/profile.md says what the figures "
    "are.\n\n" RB_EXIT_HELP;

typedef struct profile_arguments {
    rb_engine_options engines;
    rb_plan plan; /* its engines alone */
    rb_error bad_engine;
    const char *network, *weights, *images, *output;
    int64_t batch, height, width;
    uint64_t seed;
    bool no_alone, every, quick;
} profile_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    profile_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engines;
        break;
    case 'n':
        a->network = argument;
        break;
    case 'b':
        a->batch = rb_cli_integer(state, "batch", argument, 1, 65536);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &a->height, &a->width);
        break;
    case 'w':
        a->weights = argument;
        break;
    case 'i':
        a->images = argument;
        break;
    case OPT_SEED:
        a->seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case OPT_NO_ALONE:
        a->no_alone = true;
        break;
    case OPT_NODES:
        a->every = true;
        break;
    case OPT_QUICK:
        a->quick = true;
        break;
    case 'o':
        a->output = argument;
        break;
    case ARGP_KEY_ARG:
        if (!a->bad_engine.message[0])
            rb_plan_add_engines(&a->plan, argument, &a->bad_engine);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void show_progress(void *ctx, double share, const char *what) {
    rb_progress *progress = ctx;
    rb_progress_advance(progress, share - progress->done);
    rb_progress_show(progress, what);
}

/* What a profile is made of; the caller releases inputs. */
typedef struct profile_job {
    char weights[RB_PATH_CAPACITY], directory[RB_PATH_CAPACITY];
    rb_weights_info info;
    rb_inputs inputs;
    rb_profile_plan plan;
} profile_job;

static rb_status load_inputs(const profile_arguments *a, const rb_network *network,
                             profile_job *job, rb_error *err) {
    const int64_t least = a->batch > RB_CASE_INPUTS ? a->batch : RB_CASE_INPUTS;
    const rb_inputs_request request = {.images = a->images,
                                       .least = least,
                                       .limit = least,
                                       .height = a->height,
                                       .width = a->width,
                                       .size = network->size,
                                       .resize = RB_RESIZE_STORED,
                                       .seed = a->seed,
                                       .weights = job->weights,
                                       .preprocessing = job->info.preprocessing};
    return rb_inputs_make(&request, &job->inputs, err);
}

static rb_status prepare(profile_arguments *a, profile_job *job, rb_error *err) {
    rb_profile_plan *plan = &job->plan;
    if (a->bad_engine.message[0])
        return rb_fail(err, RB_ERR_USAGE, "%s", a->bad_engine.message);
    rb_status status = rb_network_find(a->network, &plan->network, err);
    if (status == RB_OK && a->plan.engine_count == 0)
        status = rb_plan_add_engines(&a->plan, "onednn", err);
    if (status == RB_OK)
        status = rb_plan_refuse_peers(a->plan.engines, a->plan.engine_count,
                                      "'resbench run' measures it", err);
    if (status == RB_OK)
        status = rb_cli_results_directory(a->output, RB_PROFILE_JSON, false, job->directory, err);
    if (status == RB_OK)
        status =
            rb_weights_source(a->weights, plan->network, a->seed, job->weights, &job->info, err);
    if (status == RB_OK)
        status = load_inputs(a, plan->network, job, err);
    if (status == RB_OK)
        status = rb_make_directories(job->directory, err);
    if (status != RB_OK)
        return status;
    plan->engine_count = a->plan.engine_count;
    for (size_t e = 0; e < plan->engine_count; e++)
        plan->engines[e] = a->plan.engines[e];
    plan->spec = (rb_case_spec){.network = plan->network->name,
                                .weights = job->weights,
                                .batch = a->batch,
                                .height = job->inputs.height,
                                .width = job->inputs.width,
                                .classes = job->info.classes,
                                .threads = a->engines.threads,
                                .verbose = a->engines.verbose};
    plan->weights_sha256 = job->info.sha256;
    plan->inputs = &job->inputs;
    plan->worker = rb_engine_options_timed(&a->engines);
    plan->quick = a->quick;
    plan->alone = !a->no_alone;
    return RB_OK;
}

static rb_status write_files(const rb_profile *profile, const char *directory, rb_error *err) {
    char title[160];
    json_t *context = rb_environment_brief(profile->threads);
    const char *model = json_string_value(json_object_get(context, "cpu_model"));
    snprintf(title, sizeof title, "Profile of %s, %.80s", profile->network,
             model ? model : "unknown processor");
    const rb_status status = rb_profile_write(profile, context, directory, title, err);
    json_decref(context);
    return status;
}

/* The gravest of all engines. */
static rb_exit judge(const rb_profile *profile) {
    bool crashed = false, measured = profile->engine_count > 0;
    for (size_t e = 0; e < profile->engine_count; e++) {
        const rb_profile_engine *engine = &profile->engines[e];
        crashed = crashed || engine->verdict == RB_VERDICT_CRASHED ||
                  engine->verdict == RB_VERDICT_TIMEOUT;
        measured =
            measured && (isfinite(engine->call_ns) || engine->verdict != RB_VERDICT_UNSUPPORTED);
    }
    if (crashed)
        return RB_EXIT_CRASHED;
    if (!measured)
        return RB_EXIT_NOTHING;
    return rb_profile_is_right(profile) ? RB_EXIT_FINE : RB_EXIT_WRONG;
}

/* Files and tables of what was measured. */
static rb_status show(const rb_profile *profile, const char *directory, bool every, rb_error *err) {
    const rb_status status = write_files(profile, directory, err);
    if (status != RB_OK)
        return status;
    rb_profile_terminal(profile, every, stdout);
    printf("\n%s/{%s,%s,%s}\n", directory, RB_PROFILE_MARKDOWN, RB_PROFILE_CSV, RB_PROFILE_JSON);
    fflush(stdout);
    return RB_OK;
}

int rb_command_profile(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "[ENGINE...]",
                                     .doc = doc,
                                     .children = rb_engine_children};
    static profile_arguments a = {.network = "resnet50", .batch = 1, .seed = 1};
    static profile_job job;
    rb_profile profile = {0};
    rb_progress progress;
    rb_error err = {""}, why = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engines);
    rb_status status = prepare(&a, &job, &err);
    rb_progress_start(&progress, 1);
    job.plan.on_progress = show_progress;
    job.plan.ctx = &progress;
    if (status == RB_OK) {
        status = rb_profile_make(&job.plan, &profile, &err);
        rb_progress_clear(&progress);
    }
    rb_status shown = RB_OK;
    if (status == RB_OK || rb_profile_is_measured(&profile))
        shown = show(&profile, job.directory, a.every, &why);
    int code = (int)judge(&profile);
    if (shown != RB_OK)
        code = rb_cli_fail(shown, &why);
    if (status != RB_OK)
        code = rb_cli_fail(status, &err);
    rb_profile_release(&profile);
    rb_inputs_release(&job.inputs);
    return code;
}
