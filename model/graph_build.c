#include "model/graph_build.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "resbench/checked.h"

#define NAME_CAPACITY 64

typedef struct rb_name {
    char text[NAME_CAPACITY];
} rb_name;

/* The graph comes first, so that a pointer to it is a pointer to its storage. */
typedef struct rb_graph_storage {
    rb_graph graph;
    rb_node *nodes;
    rb_tensor_desc *tensors;
    rb_name *names;
    int32_t name_count;
    bool conv_bias, batch_norm;
    rb_padding padding;
} rb_graph_storage;

/* The shape of a value while the network is being laid out. */
typedef struct rb_cursor {
    int32_t value;
    int64_t c, h, w;
} rb_cursor;

/* What distinguishes one convolution of a network from another. */
typedef struct rb_conv_row {
    const char *conv, *bn, *value; /* torchvision's module names; bn NULL: no batch norm */
    int64_t oc, kernel, stride;
    int32_t add;
    int32_t relu;
} rb_conv_row;

static const char *add_name(rb_graph_storage *s, const char *format, ...) RB_PRINTF(2, 3);

static const char *add_name(rb_graph_storage *s, const char *format, ...) {
    char *text = s->names[s->name_count++].text;
    va_list args;
    va_start(args, format);
    vsnprintf(text, NAME_CAPACITY, format, args);
    va_end(args);
    return text;
}

static int32_t add_tensor(rb_graph_storage *s, const char *module, const char *member, int32_t ndim,
                          const int64_t dims[RB_MAX_DIMS]) {
    rb_tensor_desc *tensor = &s->tensors[s->graph.tensor_count];
    tensor->name = add_name(s, "%s.%s", module, member);
    tensor->ndim = ndim;
    for (int32_t d = 0; d < RB_MAX_DIMS; d++)
        tensor->dims[d] = d < ndim ? dims[d] : 1;
    return s->graph.tensor_count++;
}

/* A node that reads `from` and has no parameters yet. Both names outlive the graph. */
static rb_node *add_node(rb_graph_storage *s, const char *name, const char *value_name, rb_op op,
                         rb_cursor from) {
    rb_node *node = &s->nodes[s->graph.node_count++];
    *node = (rb_node){.name = name,
                      .value_name = value_name,
                      .op = op,
                      .src = from.value,
                      .add = RB_NONE,
                      .ic = from.c,
                      .ih = from.h,
                      .iw = from.w,
                      .oc = from.c,
                      .oh = 1,
                      .ow = 1,
                      .kh = 1,
                      .kw = 1,
                      .stride_h = 1,
                      .stride_w = 1,
                      .wei = RB_NONE,
                      .bia = RB_NONE,
                      .bn_weight = RB_NONE,
                      .bn_bias = RB_NONE,
                      .bn_mean = RB_NONE,
                      .bn_var = RB_NONE};
    return node;
}

static void set_centred_window(rb_node *node, int64_t kernel, int64_t stride, int64_t pad) {
    node->kh = node->kw = kernel;
    node->stride_h = node->stride_w = stride;
    node->pad_top = node->pad_left = node->pad_bottom = node->pad_right = pad;
    node->oh = (node->ih + 2 * pad - kernel) / stride + 1;
    node->ow = (node->iw + 2 * pad - kernel) / stride + 1;
}

/* One axis of TensorFlow's "same": as little padding as gives ceil(in / stride), and the odd pixel
 * of it at the end (tensorflow/core/framework/kernel_shape_util.h, GetWindowedOutputSize). */
static int64_t pad_same(int64_t in, int64_t kernel, int64_t stride, int64_t *before,
                        int64_t *after) {
    const int64_t out = (in + stride - 1) / stride;
    const int64_t needed = (out - 1) * stride + kernel - in;
    const int64_t total = needed > 0 ? needed : 0;
    *before = total / 2;
    *after = total - *before;
    return out;
}

static void set_window(rb_node *node, rb_padding padding, int64_t kernel, int64_t stride) {
    set_centred_window(node, kernel, stride, kernel / 2);
    if (padding != RB_PADDING_SAME)
        return;
    node->oh = pad_same(node->ih, kernel, stride, &node->pad_top, &node->pad_bottom);
    node->ow = pad_same(node->iw, kernel, stride, &node->pad_left, &node->pad_right);
}

static rb_cursor output_of(const rb_graph_storage *s, const rb_node *node) {
    return (rb_cursor){(int32_t)(node - s->nodes), node->oc, node->oh, node->ow};
}

/* Convolution [+ batch norm] [+ add] [+ ReLU]. */
static rb_cursor add_conv(rb_graph_storage *s, rb_cursor from, const rb_conv_row *row) {
    rb_node *node = add_node(s, row->conv, row->value, RB_OP_CONV, from);
    node->oc = row->oc;
    node->add = row->add;
    node->relu = row->relu;
    set_window(node, s->padding, row->kernel, row->stride);
    const int64_t wei[RB_MAX_DIMS] = {row->oc, from.c, row->kernel, row->kernel};
    const int64_t channel[RB_MAX_DIMS] = {row->oc};
    node->wei = add_tensor(s, row->conv, "weight", 4, wei);
    if (s->conv_bias)
        node->bia = add_tensor(s, row->conv, "bias", 1, channel);
    if (!s->batch_norm || !row->bn)
        return output_of(s, node);
    node->bn_weight = add_tensor(s, row->bn, "weight", 1, channel);
    node->bn_bias = add_tensor(s, row->bn, "bias", 1, channel);
    node->bn_mean = add_tensor(s, row->bn, "running_mean", 1, channel);
    node->bn_var = add_tensor(s, row->bn, "running_var", 1, channel);
    return output_of(s, node);
}

/* What a block adds: its input, or where the shape changes what the row's shortcut makes of it. */
static rb_cursor add_shortcut(rb_graph_storage *s, const rb_network *network, rb_cursor from,
                              const char *prefix, int64_t oc, int64_t stride) {
    if (stride == 1 && from.c == oc)
        return from;
    if (network->shortcut == RB_SHORTCUT_A) {
        const char *name = add_name(s, "%s.shortcut", prefix);
        rb_node *node = add_node(s, name, name, RB_OP_SHORTCUT, from);
        node->oc = oc;
        set_centred_window(node, 1, stride, 0);
        return output_of(s, node);
    }
    const char *conv = add_name(s, "%s.downsample.0", prefix);
    const bool norm = s->batch_norm && network->shortcut == RB_SHORTCUT_B;
    const char *bn = norm ? add_name(s, "%s.downsample.1", prefix) : NULL;
    return add_conv(s, from,
                    &(rb_conv_row){.conv = conv,
                                   .bn = bn,
                                   .value = bn ? bn : conv,
                                   .oc = oc,
                                   .kernel = 1,
                                   .stride = stride,
                                   .add = RB_NONE,
                                   .relu = 0});
}

/* One residual block (He et al. 2015, equations 1 and 2). The shortcut's node, where there is
 * one, runs just before the convolution that adds it, as torchvision does: that order also
 * keeps the fewest bytes alive. */
static rb_cursor add_block(rb_graph_storage *s, const rb_network *network, rb_cursor from,
                           const char *prefix, int64_t width, int64_t stride) {
    const int64_t oc = width * rb_block_expansion(network->block);
    const bool bottleneck = network->block == RB_BLOCK_BOTTLENECK;
    const bool first_strides = !bottleneck || network->stride_in_first_1x1;
    rb_cursor x = add_conv(s, from,
                           &(rb_conv_row){.conv = add_name(s, "%s.conv1", prefix),
                                          .bn = add_name(s, "%s.bn1", prefix),
                                          .value = add_name(s, "%s.relu", prefix),
                                          .oc = width,
                                          .kernel = bottleneck ? 1 : 3,
                                          .stride = first_strides ? stride : 1,
                                          .add = RB_NONE,
                                          .relu = 1});
    if (bottleneck)
        x = add_conv(s, x,
                     &(rb_conv_row){.conv = add_name(s, "%s.conv2", prefix),
                                    .bn = add_name(s, "%s.bn2", prefix),
                                    .value = add_name(s, "%s.relu+", prefix),
                                    .oc = width,
                                    .kernel = 3,
                                    .stride = first_strides ? 1 : stride,
                                    .add = RB_NONE,
                                    .relu = 1});
    const rb_cursor shortcut = add_shortcut(s, network, from, prefix, oc, stride);
    const int last = bottleneck ? 3 : 2;
    return add_conv(s, x,
                    &(rb_conv_row){.conv = add_name(s, "%s.conv%d", prefix, last),
                                   .bn = add_name(s, "%s.bn%d", prefix, last),
                                   .value = prefix,
                                   .oc = oc,
                                   .kernel = bottleneck ? 1 : 3,
                                   .stride = 1,
                                   .add = shortcut.value,
                                   .relu = 1});
}

static void lay_out(rb_graph_storage *s, const rb_network *network) {
    rb_graph *graph = &s->graph;
    const bool imagenet = network->stem == RB_STEM_IMAGENET;
    rb_cursor x = {RB_VALUE_INPUT, graph->channels, graph->height, graph->width};
    x = add_conv(s, x,
                 &(rb_conv_row){.conv = "conv1",
                                .bn = "bn1",
                                .value = "relu",
                                .oc = network->widths[0],
                                .kernel = imagenet ? 7 : 3,
                                .stride = imagenet ? 2 : 1,
                                .add = RB_NONE,
                                .relu = 1});
    if (imagenet) {
        rb_node *pool = add_node(s, "maxpool", "maxpool", RB_OP_MAXPOOL, x);
        set_centred_window(pool, 3, 2, 1);
        x = output_of(s, pool);
    }
    for (int32_t stage = 0; stage < network->stages; stage++)
        for (int32_t block = 0; block < network->blocks[stage]; block++) {
            const char *prefix = add_name(s, "layer%d.%d", stage + 1, block);
            const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
            x = add_block(s, network, x, prefix, network->widths[stage], stride);
        }
    rb_node *average = add_node(s, "avgpool", "avgpool", RB_OP_AVGPOOL, x);
    average->kh = average->ih;
    average->kw = average->iw;
    x = output_of(s, average);
    rb_node *fc = add_node(s, "fc", "fc", RB_OP_FC, x);
    fc->oc = graph->classes;
    fc->wei = add_tensor(s, "fc", "weight", 2, (const int64_t[RB_MAX_DIMS]){fc->oc, fc->ic});
    fc->bia = add_tensor(s, "fc", "bias", 1, (const int64_t[RB_MAX_DIMS]){fc->oc});
}

/* Whoever sums or allocates by these shapes later may multiply without looking. */
static rb_status check_sizes(const rb_graph *graph, rb_error *err) {
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        int64_t in_bytes, out_bytes, macs;
        const int64_t in[] = {graph->batch, n->ic, n->ih, n->iw, (int64_t)sizeof(double)};
        const int64_t out[] = {graph->batch, n->oc, n->oh, n->ow, (int64_t)sizeof(double)};
        const int64_t work[] = {graph->batch, n->oc, n->oh, n->ow, n->ic, n->kh, n->kw};
        if (!rb_product_i64(in, 5, &in_bytes) || !rb_product_i64(out, 5, &out_bytes) ||
            !rb_product_i64(work, 7, &macs) || macs > INT64_MAX / graph->node_count ||
            in_bytes > INT64_MAX / graph->node_count || out_bytes > INT64_MAX / graph->node_count)
            return rb_fail(err, RB_ERR_MEMORY, "%s at batch %lld is too large to count", n->name,
                           (long long)graph->batch);
    }
    return RB_OK;
}

static rb_status check_shape(const rb_graph *graph, rb_error *err) {
    if (graph->batch < 1)
        return rb_fail(err, RB_ERR_USAGE, "batch must be at least 1, not %lld",
                       (long long)graph->batch);
    if (graph->classes < 1 || graph->classes > 1000000)
        return rb_fail(err, RB_ERR_USAGE, "classes must lie in 1..1000000, not %lld",
                       (long long)graph->classes);
    const int64_t sides[] = {graph->height, graph->width};
    for (int i = 0; i < 2; i++)
        if (sides[i] < RB_MIN_IMAGE_SIZE || sides[i] > RB_MAX_IMAGE_SIZE)
            return rb_fail(err, RB_ERR_USAGE, "input size must lie in %dx%d..%dx%d, not %lldx%lld",
                           RB_MIN_IMAGE_SIZE, RB_MIN_IMAGE_SIZE, RB_MAX_IMAGE_SIZE,
                           RB_MAX_IMAGE_SIZE, (long long)graph->height, (long long)graph->width);
    return RB_OK;
}

rb_status rb_graph_create(const rb_network *network, const rb_graph_shape *shape, rb_graph **graph,
                          rb_error *err) {
    *graph = NULL;
    rb_graph_storage *s = calloc(1, sizeof *s);
    if (!s)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a graph");
    s->graph = (rb_graph){.size = sizeof(rb_graph),
                          .name = network->name,
                          .batch = shape->batch,
                          .channels = 3,
                          .height = shape->height ? shape->height : network->size,
                          .width = shape->width ? shape->width : network->size,
                          .classes = shape->classes ? shape->classes : network->classes};
    rb_status status = check_shape(&s->graph, err);
    if (status != RB_OK)
        goto failed;
    s->conv_bias = shape->conv_bias || shape->folded;
    s->batch_norm = !shape->folded;
    s->padding = network->padding;
    /* At most 4 convolutions a block, with 6 tensors and 3 names of modules each; stem, pools
     * and FC besides. Every tensor has a name of its own. */
    const size_t nodes = 4 * (size_t)rb_network_block_count(network) + 4;
    const size_t tensors = 6 * nodes;
    s->nodes = calloc(nodes, sizeof *s->nodes);
    s->tensors = calloc(tensors, sizeof *s->tensors);
    s->names = calloc(3 * nodes + tensors, sizeof *s->names);
    if (!s->nodes || !s->tensors || !s->names) {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the graph of %s", network->name);
        goto failed;
    }
    s->graph.nodes = s->nodes;
    s->graph.tensors = s->tensors;
    lay_out(s, network);
    status = check_sizes(&s->graph, err);
    if (status != RB_OK)
        goto failed;
    *graph = &s->graph;
    return RB_OK;
failed:
    rb_graph_destroy(&s->graph);
    return status;
}

void rb_graph_destroy(rb_graph *graph) {
    if (!graph)
        return;
    rb_graph_storage *s = (rb_graph_storage *)graph;
    free(s->nodes);
    free(s->tensors);
    free(s->names);
    free(s);
}
