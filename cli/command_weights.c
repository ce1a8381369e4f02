#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "bench/weights_source.h"
#include "cli/cli.h"
#include "model/graph_cost.h"

enum { OPT_SEED = 256, OPT_JSON };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "synth: the file to write (default: <network>.h5)", 0},
    {"seed", OPT_SEED, "N", 0, "synth: seed (default: 1)", 0},
    {"json", OPT_JSON, NULL, 0, "info: print JSON", 0},
    {0}};

static const char doc[] =
    "Makes, shows and checks weights files."
    "\v"
    "synth   writes the synthetic weights of a network, the same bits on every machine\n"
    "info    prints what a file says of itself, and its tensors' size\n"
    "verify  reads every tensor as a run would and recomputes the SHA-256\n\n"
    "Examples:\n"
    "  resbench weights synth resnet152 -o w.h5 --seed 1\n"
    "  resbench weights verify w.h5\n\n" RB_EXIT_HELP;

typedef struct weights_arguments {
    const char *action, *subject, *output;
    uint64_t seed;
    bool json;
} weights_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    weights_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = argument;
        break;
    case OPT_SEED:
        a->seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    case OPT_JSON:
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        if (a->subject)
            argp_error(state, "'%s' is one argument too many", argument);
        *(a->action ? &a->subject : &a->action) = argument;
        break;
    case ARGP_KEY_END:
        if (!a->subject)
            argp_error(state, "an action and its network or file are needed: synth resnet50");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status synthesize(const weights_arguments *a, rb_error *err) {
    const rb_network *network;
    rb_graph *graph;
    char name[128];
    rb_status status = rb_network_find(a->subject, &network, err);
    if (status == RB_OK)
        status = rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, err);
    if (status != RB_OK)
        return status;
    snprintf(name, sizeof name, "%s.h5", network->name);
    const char *path = a->output ? a->output : name;
    status = rb_weights_synthesize(path, network, graph, a->seed, err);
    if (status == RB_OK)
        printf("%s: %d tensors, %" PRId64 " bytes\n", path, graph->tensor_count,
               rb_graph_weight_bytes(graph));
    rb_graph_destroy(graph);
    return status;
}

static const char *layers_of(const rb_weights_info *info) {
    if (!info->batch_norm)
        return "with biases, batch norm folded";
    return info->conv_bias ? "with biases, batch norm" : "without biases, batch norm";
}

static rb_status show(const weights_arguments *a, rb_error *err) {
    rb_weights_info info;
    rb_graph *graph;
    const rb_status status = rb_weights_inspect(a->subject, &info, &graph, err);
    if (status != RB_OK)
        return status;
    if (a->json) {
        json_t *object = json_pack(
            "{s:I, s:s, s:s, s:I, s:s, s:s, s:f, s:b, s:b, s:s, s:i, s:I}", "schema_version",
            (json_int_t)info.schema_version, "network", info.network, "variant", info.variant,
            "classes", (json_int_t)info.classes, "source", info.source, "preprocessing",
            info.preprocessing, "epsilon", info.epsilon, "conv_bias", info.conv_bias, "batch_norm",
            info.batch_norm, "sha256", info.sha256, "tensors", graph->tensor_count, "bytes",
            (json_int_t)rb_graph_weight_bytes(graph));
        json_dumpf(object, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(object);
    } else {
        printf("network        %s (%s), %" PRId64 " classes\nsource         %s\n"
               "preprocessing  %s\nconvolutions   %s\nepsilon        %.17g\nsha256         %s\n"
               "tensors        %d, %" PRId64 " bytes\n",
               info.network, info.variant, info.classes, info.source, info.preprocessing,
               layers_of(&info), info.epsilon, info.sha256, graph->tensor_count,
               rb_graph_weight_bytes(graph));
    }
    rb_graph_destroy(graph);
    return RB_OK;
}

static rb_status verify(const weights_arguments *a, rb_error *err) {
    rb_weights_info info;
    rb_graph *graph;
    rb_weights_set *set;
    rb_status status = rb_weights_inspect(a->subject, &info, &graph, err);
    if (status != RB_OK)
        return status;
    status = rb_weights_load(a->subject, graph, &set, err);
    if (status == RB_OK)
        status = rb_weights_verify(a->subject, graph, set, err);
    if (status == RB_OK)
        printf("%s: %s, %d tensors, SHA-256 as stated\n", a->subject, info.network,
               graph->tensor_count);
    rb_weights_destroy(set);
    rb_graph_destroy(graph);
    return status;
}

int rb_command_weights(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "synth NETWORK\ninfo FILE\nverify FILE",
                                     .doc = doc};
    weights_arguments a = {.seed = 1};
    rb_error err;
    rb_status status;
    rb_cli_parse(&argp, argc, argv, &a);
    if (strcmp(a.action, "synth") == 0)
        status = synthesize(&a, &err);
    else if (strcmp(a.action, "info") == 0)
        status = show(&a, &err);
    else if (strcmp(a.action, "verify") == 0)
        status = verify(&a, &err);
    else
        status = rb_fail(&err, RB_ERR_USAGE, "'%s' is not synth, info or verify", a.action);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}
