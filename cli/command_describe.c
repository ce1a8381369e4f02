#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

enum { OPT_JSON = 256, OPT_SIZE, OPT_CLASSES, OPT_CONV_BIAS, OPT_FOLDED };

static const struct argp_option options[] = {
    {"batch", 'b', "N", 0, "Images (default: 1)", 0},
    {"size", OPT_SIZE, "HxW", 0, "Input size (default: the network's own)", 0},
    {"classes", OPT_CLASSES, "N", 0, "Classes (default: the network's own)", 0},
    {"conv-bias", OPT_CONV_BIAS, NULL, 0, "Convolutions with biases of their own, as in Keras", 0},
    {"folded", OPT_FOLDED, NULL, 0, "Batch norm folded into the convolutions", 0},
    {"json", OPT_JSON, NULL, 0, "Print JSON instead of a table", 0},
    {0}};

static const char doc[] =
    "Prints the graph of a network: nodes, shapes, parameters, MACs, activation bytes."
    "\v"
    "A MAC is one multiply-add. The lower bound on activation memory is what values need at once "
    "when nodes run in order, additions take place in their operand and nothing is padded; the "
    "input and the logits count.\n\n"
    "Example:\n"
    "  resbench describe resnet50 --batch 2\n\n" RB_EXIT_HELP;

typedef struct describe_arguments {
    const char *network;
    rb_graph_shape shape;
    bool json;
} describe_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    describe_arguments *a = state->input;
    switch (key) {
    case 'b':
        a->shape.batch = rb_cli_integer(state, "batch", argument, 1, 1000000);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &a->shape.height, &a->shape.width);
        break;
    case OPT_CLASSES:
        a->shape.classes = rb_cli_integer(state, "classes", argument, 1, 1000000);
        break;
    case OPT_CONV_BIAS:
        a->shape.conv_bias = true;
        break;
    case OPT_FOLDED:
        a->shape.folded = true;
        break;
    case OPT_JSON:
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        if (a->network)
            argp_error(state, "'%s' is one argument too many", argument);
        a->network = argument;
        break;
    case ARGP_KEY_END:
        if (!a->network)
            argp_error(state, "which network? 'resbench list' shows them");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What a node does, with its fused steps: "conv+bn+add+relu". */
static void type_of(const rb_node *node, char *text, size_t capacity) {
    static const char *const names[] = {[RB_OP_CONV] = "conv",
                                        [RB_OP_MAXPOOL] = "maxpool",
                                        [RB_OP_AVGPOOL] = "avgpool",
                                        [RB_OP_FC] = "fc",
                                        [RB_OP_SHORTCUT] = "shortcut"};
    snprintf(text, capacity, "%s%s%s%s", names[node->op], node->bn_weight != RB_NONE ? "+bn" : "",
             node->add != RB_NONE ? "+add" : "", node->relu ? "+relu" : "");
}

static void print_shape(char *text, size_t capacity, int64_t n, int64_t c, int64_t h, int64_t w) {
    snprintf(text, capacity, "(%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ")", n, c, h, w);
}

static void print_table(const rb_graph *graph) {
    char type[32], in[64], out[64], kernel[32];
    printf("%s: input (%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ") to scores (%" PRId64
           ",%" PRId64 ")\n\n",
           graph->name, graph->batch, graph->channels, graph->height, graph->width, graph->batch,
           graph->classes);
    printf("%-22s %-17s %-18s %-18s %6s %6s %10s %9s %11s\n", "node", "type", "input", "output",
           "kernel", "stride", "parameters", "MMACs", "act. bytes");
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *node = &graph->nodes[i];
        type_of(node, type, sizeof type);
        print_shape(in, sizeof in, graph->batch, node->ic, node->ih, node->iw);
        if (node->op == RB_OP_FC)
            snprintf(out, sizeof out, "(%" PRId64 ",%" PRId64 ")", graph->batch, node->oc);
        else
            print_shape(out, sizeof out, graph->batch, node->oc, node->oh, node->ow);
        snprintf(kernel, sizeof kernel, "%" PRId64 "x%" PRId64, node->kh, node->kw);
        printf("%-22s %-17s %-18s %-18s %6s %6" PRId64 " %10" PRId64 " %9.2f %11" PRId64 "\n",
               node->name, type, in, out, kernel, node->stride_h, rb_node_parameters(graph, node),
               (double)rb_node_macs(graph, node) * 1e-6, rb_node_value_bytes(graph, node));
    }
    printf("\nparameters %" PRId64 "; weights in float32 with running statistics %" PRId64
           " bytes\nGMACs %.3f for the batch, %.3f for an image\nactivation memory at least "
           "%" PRId64 " bytes (%.1f MiB)\n",
           rb_graph_parameters(graph), rb_graph_weight_bytes(graph),
           (double)rb_graph_macs(graph) * 1e-9,
           (double)rb_graph_macs(graph) * 1e-9 / (double)graph->batch,
           rb_graph_activation_bound_bytes(graph),
           (double)rb_graph_activation_bound_bytes(graph) / (1 << 20));
}

/* The node that makes a value; null for none. */
static json_t *value_to_json(const rb_graph *graph, int32_t value) {
    if (value == RB_NONE)
        return json_null();
    return json_string(value == RB_VALUE_INPUT ? "input" : graph->nodes[value].name);
}

static json_t *node_tensors_to_json(const rb_graph *graph, const rb_node *node) {
    const struct {
        const char *part;
        int32_t tensor;
    } parts[] = {{"weight", node->wei},          {"bias", node->bia},
                 {"bn_weight", node->bn_weight}, {"bn_bias", node->bn_bias},
                 {"bn_mean", node->bn_mean},     {"bn_var", node->bn_var}};
    json_t *names = json_object();
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].tensor != RB_NONE)
            json_object_set_new(names, parts[i].part,
                                json_string(graph->tensors[parts[i].tensor].name));
    return names;
}

static json_t *node_to_json(const rb_graph *graph, const rb_node *node) {
    char type[32];
    type_of(node, type, sizeof type);
    return json_pack(
        "{s:s, s:s, s:[I, I, I, I], s:[I, I, I, I], s:[I, I], s:[I, I], s:[I, I, I, I], s:I, s:I, "
        "s:I, s:o, s:o, s:b, s:o}",
        "name", node->name, "type", type, "input", graph->batch, node->ic, node->ih, node->iw,
        "output", graph->batch, node->oc, node->oh, node->ow, "kernel", node->kh, node->kw,
        "stride", node->stride_h, node->stride_w, "padding", node->pad_top, node->pad_left,
        node->pad_bottom, node->pad_right, "parameters", rb_node_parameters(graph, node), "macs",
        rb_node_macs(graph, node), "activation_bytes", rb_node_value_bytes(graph, node), "source",
        value_to_json(graph, node->src), "add", value_to_json(graph, node->add), "relu", node->relu,
        "tensors", node_tensors_to_json(graph, node));
}

static json_t *tensor_to_json(const rb_tensor_desc *tensor) {
    json_t *dims = json_array();
    for (int32_t d = 0; d < tensor->ndim; d++)
        json_array_append_new(dims, json_integer(tensor->dims[d]));
    return json_pack("{s:s, s:o}", "name", tensor->name, "shape", dims);
}

static void print_json(const rb_graph *graph) {
    json_t *nodes = json_array();
    for (int32_t i = 0; i < graph->node_count; i++)
        json_array_append_new(nodes, node_to_json(graph, &graph->nodes[i]));
    json_t *tensors = json_array();
    for (int32_t i = 0; i < graph->tensor_count; i++)
        json_array_append_new(tensors, tensor_to_json(&graph->tensors[i]));
    json_t *root = json_pack(
        "{s:s, s:[I, I, I, I], s:[I, I], s:I, s:I, s:I, s:I, s:o, s:o}", "network", graph->name,
        "input", graph->batch, graph->channels, graph->height, graph->width, "output", graph->batch,
        graph->classes, "parameters", rb_graph_parameters(graph), "macs", rb_graph_macs(graph),
        "weight_bytes", rb_graph_weight_bytes(graph), "activation_bound_bytes",
        rb_graph_activation_bound_bytes(graph), "nodes", nodes, "tensors", tensors);
    json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
}

int rb_command_describe(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .args_doc = "NETWORK", .doc = doc};
    describe_arguments a = {.shape = {.batch = 1}};
    const rb_network *network;
    rb_graph *graph;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = rb_network_find(a.network, &network, &err);
    if (status == RB_OK)
        status = rb_graph_create(network, &a.shape, &graph, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    if (a.json)
        print_json(graph);
    else
        print_table(graph);
    rb_graph_destroy(graph);
    return RB_EXIT_FINE;
}
