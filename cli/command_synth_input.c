#include "bench/inputs.h"
#include "cli/cli.h"
#include "loaders/tensor_file.h"

enum { OPT_SEED = 256, OPT_SIZE };

static const struct argp_option options[] = {
    {"batch", 'b', "N", 0, "Images (default: 1)", 0},
    {"size", OPT_SIZE, "HxW", 0, "Height and width (default: 224x224)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed (default: 1)", 0},
    {"output", 'o', "FILE", 0, "The HDF5 file to write (default: input.h5)", 0},
    {0}};

static const char doc[] =
    "Writes the synthetic input, the same bits on every machine."
    "\v"
    "Example:\n"
    "  resbench synth-input --batch 2 --size 224x224 -o x.h5\n\n" RB_EXIT_HELP;

typedef struct synth_arguments {
    int64_t batch, height, width;
    uint64_t seed;
    const char *output;
} synth_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    synth_arguments *a = state->input;
    switch (key) {
    case 'b':
        a->batch = rb_cli_integer(state, "batch", argument, 1, 1000000);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &a->height, &a->width);
        break;
    case OPT_SEED:
        a->seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case 'o':
        a->output = argument;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int rb_command_synth_input(int argc, char **argv) {
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    synth_arguments a = {.batch = 1, .height = 224, .width = 224, .seed = 1, .output = "input.h5"};
    rb_inputs inputs;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = rb_inputs_synthetic(a.batch, a.height, a.width, a.seed, &inputs, &err);
    if (status == RB_OK) {
        const int64_t dims[RB_MAX_DIMS] = {a.batch, 3, a.height, a.width};
        const rb_text_attribute source = {"source", inputs.label};
        status =
            rb_tensor_write(a.output, "input", RB_F32, 4, dims, inputs.images, &source, 1, &err);
    }
    rb_inputs_release(&inputs);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    printf("%s: input (%lld, 3, %lld, %lld)\n", a.output, (long long)a.batch, (long long)a.height,
           (long long)a.width);
    return RB_EXIT_FINE;
}
