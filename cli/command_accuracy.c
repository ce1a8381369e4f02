#include <string.h>

#include "bench/accuracy.h"
#include "cli/accuracy_console.h"
#include "cli/engine_options.h"
#include "cli/shard.h"
#include "results/accuracy_file.h"

enum { OPT_DATA = 256, OPT_LIMIT, OPT_RESUME, OPT_SHARD };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "Weights of the network", 0},
    {"data", OPT_DATA, "FILE", 0, "Data set, as 'resbench preprocess' writes it", 0},
    {"engines", 'e', "LIST", 0, "Engines by name or path (default: oracle,reference,onednn)", 0},
    {"batch", 'b', "N", 0, "Images for each call (default: 8)", 0},
    {"limit", OPT_LIMIT, "N", 0, "The first N images alone (default: all)", 0},
    {"output", 'o', "DIR", 0, "Where the results go (default: resbench-results/<time>)", 0},
    {"resume", OPT_RESUME, NULL, 0, "Go on where the job in the -o directory ended", 0},
    {"shard", OPT_SHARD, "I/N", 0,
     "Part I of N of the images, for N machines; 'resbench merge' joins and judges them", 0},
    {0}};

static const char doc[] =
    "Measures top-1 and top-5 of every engine on a data set, and compares the engines image by "
    "image."
    "\v"
    "The columns from and to are Wilson's 95 % interval of top-1. An engine may have another top-1 "
    "than the float64 oracle only where the oracle's two largest logits are closer than twice the "
    "engine's largest error; 'near ties' counts the images where that is so. Without the oracle "
    "among the engines nothing is judged. img/s are the calls alone.\n\n"
    "Example:\n"
    "  resbench accuracy --weights resnet20.h5 --data cifar10.h5 -o accuracy-today\n\n"
    "Files: accuracy.md, accuracy.csv and accuracy.json when all is done, and while it goes on "
    "accuracy-images.json, with every image of every engine.\n\n" RB_EXIT_HELP;

typedef struct accuracy_arguments {
    rb_engine_options engine_options;
    rb_accuracy_job job;
    const char *data, *engines, *output;
    int64_t limit;
} accuracy_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    accuracy_arguments *a = state->input;
    rb_plan *plan = &a->job.plan;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case 'w':
        plan->weights = argument;
        break;
    case OPT_DATA:
        a->data = argument;
        break;
    case 'e':
        a->engines = argument;
        break;
    case 'b':
        a->job.batch = rb_cli_integer(state, "batch", argument, 1, 65536);
        break;
    case OPT_LIMIT:
        a->limit = rb_cli_integer(state, "limit", argument, 1, RB_IMAGE_SET_MAX_COUNT);
        break;
    case 'o':
        a->output = argument;
        break;
    case OPT_SHARD:
        a->job.shard = rb_cli_shard(state, argument);
        break;
    case OPT_RESUME:
        plan->resume = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        break;
    case ARGP_KEY_END:
        if (!plan->weights || !a->data)
            argp_error(state, "--weights and --data are needed");
        if (plan->resume && !a->output)
            argp_error(state, "--resume needs -o, the directory of the earlier job");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status complete(accuracy_arguments *a, rb_error *err) {
    rb_plan *plan = &a->job.plan;
    rb_status status =
        rb_plan_add_engines(plan, a->engines ? a->engines : "oracle,reference,onednn", err);
    if (status == RB_OK && plan->engine_count == 0)
        status = rb_fail(err, RB_ERR_USAGE, "the list of engines is empty");
    if (status == RB_OK && a->engine_options.worker.in_process)
        status =
            rb_plan_refuse_peers(plan->engines, plan->engine_count, "leave out --no-worker", err);
    if (status == RB_OK)
        status = rb_cli_results_directory(a->output, RB_ACCURACY_IMAGES, plan->resume,
                                          plan->directory, err);
    a->job.threads = a->engine_options.threads;
    plan->verbose = a->engine_options.verbose;
    plan->worker = a->engine_options.worker;
    return status;
}

static void say_what_runs(const accuracy_arguments *a, const rb_accuracy_source *source,
                          const rb_accuracy *accuracy) {
    char normalisation[256], count[80];
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    rb_accuracy_source_normalisation(source, normalisation, sizeof normalisation);
    rb_accuracy_describe_images(accuracy, count);
    printf("%s, %s images of %lldx%lld, batch %lld, %d threads\n", accuracy->network, count,
           (long long)images->height, (long long)images->width, (long long)a->job.batch,
           a->job.threads);
    printf("weights: %s (%s)\n", a->job.plan.weights, source->info.source);
    printf("data: %s (%s)\n", a->data, images->source);
    printf("normalisation: %s\n", normalisation);
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (accuracy->engines[e].done > 0)
            printf("resuming %s: images that are done already: %lld\n", accuracy->engines[e].engine,
                   (long long)accuracy->engines[e].done);
    printf("\n");
}

static int run(const accuracy_arguments *a, rb_accuracy_source *source) {
    static rb_accuracy accuracy;
    rb_error err = {""};
    rb_exit code = RB_EXIT_FINE;
    rb_status status = rb_accuracy_begin(&a->job, source, &accuracy, &err);
    if (status == RB_OK) {
        say_what_runs(a, source, &accuracy);
        status = rb_accuracy_run(&a->job, source, &accuracy, &err);
        if (status == RB_OK || status == RB_ERR_INTERRUPTED)
            rb_accuracy_show(&accuracy, a->job.plan.directory);
        code = rb_accuracy_exit(&accuracy);
    }
    rb_accuracy_end(&accuracy);
    return status == RB_OK ? (int)code : rb_cli_fail(status, &err);
}

int rb_command_accuracy(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .children = rb_engine_children, .doc = doc};
    static accuracy_arguments a = {.job = {.batch = 8}};
    rb_accuracy_source source;
    rb_error err = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = complete(&a, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_engine_options_watch(&a.engine_options);
    status = rb_accuracy_source_open(a.job.plan.weights, a.data, a.limit, &source, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    const int code = run(&a, &source);
    rb_accuracy_source_close(&source);
    return code;
}
