#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/inputs.h"
#include "bench/plan.h"
#include "bench/remote_case.h"
#include "bench/weights_source.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "loaders/tensor_file.h"

enum { OPT_INPUT = 256, OPT_SIZE, OPT_RESIZE, OPT_CROP };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "Weights (default: synthetic, seed 1)", 0},
    {"input", OPT_INPUT, "FILE|DIR", 0,
     "HDF5 file with the dataset input (N, 3, H, W), or a folder of JPEG and PNG images", 0},
    {"engine", 'e', "NAME|PATH", 0, "Engine (default: onednn)", 0},
    {"batch", 'b', "N", 0, "Images for each call (default: 1)", 0},
    {"size", OPT_SIZE, "HxW", 0,
     "Size of images of a folder (default: the crop that the weights ask for)", 0},
    {"resize", OPT_RESIZE, "N|none", 0,
     "Shorter side of images of a folder before the crop (default: as the weights ask)", 0},
    {"crop", OPT_CROP, "N|HxW", 0, "What is cut from the images' centre; the same as --size", 0},
    {"output", 'o', "FILE", 0, "The HDF5 file to write (default: logits.h5)", 0},
    {0}};

static const char doc[] =
    "Runs a network on an input and writes its logits."
    "\v"
    "The file gets the dataset logits, (N, classes): float64 from the oracle, float32 from other "
    "engines.\n\n"
    "Example:\n"
    "  resbench infer resnet50 --weights w.h5 --input x.h5 --engine onednn -o "
    "y.h5\n\n" RB_EXIT_HELP;

typedef struct infer_arguments {
    const char *network, *weights, *input, *engine, *output;
    int64_t batch, height, width, resize, crop_height, crop_width;
    rb_engine_options engine_options;
} infer_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    infer_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case 'w':
        a->weights = argument;
        break;
    case OPT_INPUT:
        a->input = argument;
        break;
    case 'e':
        a->engine = argument;
        break;
    case 'b':
        a->batch = rb_cli_integer(state, "batch", argument, 1, 65536);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &a->height, &a->width);
        break;
    case OPT_RESIZE:
        a->resize = rb_cli_resize(state, argument);
        break;
    case OPT_CROP:
        rb_cli_crop(state, argument, &a->crop_height, &a->crop_width);
        break;
    case 'o':
        a->output = argument;
        break;
    case ARGP_KEY_ARG:
        if (a->network)
            argp_error(state, "'%s' is one argument too many", argument);
        a->network = argument;
        break;
    case ARGP_KEY_END:
        if (!a->network || !a->input)
            argp_error(state, "a network and --input are needed");
        rb_cli_join_sizes(state, a->crop_height, a->crop_width, &a->height, &a->width);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status load_input(const infer_arguments *a, const rb_network *network,
                            const char *weights, const rb_weights_info *info, rb_inputs *inputs,
                            rb_error *err) {
    struct stat entry;
    rb_preprocess preprocess;
    if (stat(a->input, &entry) != 0 || !S_ISDIR(entry.st_mode)) {
        if (a->height || a->resize != RB_RESIZE_STORED)
            return rb_fail(err, RB_ERR_USAGE,
                           "--size, --resize and --crop are for folders of images, which %s is "
                           "not",
                           a->input);
        return rb_inputs_file(a->input, inputs, err);
    }
    const rb_status status =
        rb_preprocess_choose(info->preprocessing, weights, a->resize, a->height, a->width,
                             network->size, &preprocess, err);
    return status == RB_OK ? rb_inputs_folder(a->input, 1, 0, &preprocess, inputs, err) : status;
}

static rb_status write_logits(const infer_arguments *a, const rb_remote *remote,
                              const rb_inputs *inputs, int64_t classes, const double *logits,
                              rb_error *err) {
    const int64_t dims[RB_MAX_DIMS] = {inputs->count, classes, 1, 1};
    const rb_text_attribute attributes[] = {
        {"network", a->network},
        {"engine", a->engine},
        {"engine_version", rb_remote_facts_of(remote)->engine_version},
        {"input", inputs->label}};
    const size_t count = (size_t)(inputs->count * classes);
    if (rb_remote_output_f64(remote))
        return rb_tensor_write(a->output, "logits", RB_F64, 2, dims, logits, attributes, 4, err);
    float *narrow = malloc(count * sizeof *narrow);
    if (!narrow)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    for (size_t i = 0; i < count; i++)
        narrow[i] = (float)logits[i]; /* exact: they were float32 */
    const rb_status status =
        rb_tensor_write(a->output, "logits", RB_F32, 2, dims, narrow, attributes, 4, err);
    free(narrow);
    return status;
}

static rb_status infer(const infer_arguments *a, const rb_case_spec *spec, const rb_inputs *inputs,
                       rb_error *err) {
    rb_remote *remote;
    double run_ns;
    rb_status status = rb_remote_open(&a->engine_options.worker, spec, &remote, err);
    if (status != RB_OK)
        return status;
    double *logits = calloc((size_t)(inputs->count * spec->classes), sizeof *logits);
    if (!logits)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    if (status == RB_OK)
        status =
            rb_remote_logits(remote, inputs->images, inputs->count, false, logits, &run_ns, err);
    for (int64_t i = 0; status == RB_OK && i < inputs->count * spec->classes; i++)
        if (!isfinite(logits[i]))
            status =
                rb_fail(err, RB_ERR_ENGINE,
                        "%s left logit %lld of image %lld NaN, infinite or "
                        "unwritten",
                        a->engine, (long long)(i % spec->classes), (long long)(i / spec->classes));
    if (status == RB_OK)
        status = write_logits(a, remote, inputs, spec->classes, logits, err);
    free(logits);
    rb_remote_close(remote);
    return status;
}

int rb_command_infer(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .children = rb_engine_children,
                                     .args_doc = "NETWORK",
                                     .doc = doc};
    infer_arguments a = {
        .engine = "onednn", .output = "logits.h5", .batch = 1, .resize = RB_RESIZE_STORED};
    const rb_network *network;
    rb_weights_info info;
    rb_inputs inputs = {0};
    char weights[RB_PATH_CAPACITY];
    rb_plan_engine engine;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engine_options);
    rb_status status = rb_network_find(a.network, &network, &err);
    if (status == RB_OK)
        status = rb_plan_find_engine(a.engine, &engine, &err);
    if (status == RB_OK)
        status = rb_weights_source(a.weights, network, 1, weights, &info, &err);
    if (status == RB_OK)
        status = rb_check_output(a.output, weights, &err);
    if (status == RB_OK)
        status = rb_check_output(a.output, a.input, &err);
    if (status == RB_OK)
        status = load_input(&a, network, weights, &info, &inputs, &err);
    if (status == RB_OK) {
        const rb_case_spec spec = {.engine_path = engine.path,
                                   .network = network->name,
                                   .weights = weights,
                                   .batch = a.batch,
                                   .height = inputs.height,
                                   .width = inputs.width,
                                   .classes = info.classes,
                                   .threads = a.engine_options.threads,
                                   .verbose = a.engine_options.verbose};
        status = infer(&a, &spec, &inputs, &err);
    }
    if (status == RB_OK)
        printf("%s: logits (%lld, %lld) of %s by %s; input: %s\n", a.output,
               (long long)inputs.count, (long long)info.classes, network->name, a.engine,
               inputs.label);
    rb_inputs_release(&inputs);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}
