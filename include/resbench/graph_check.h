/* Whether a graph holds together. For engines: what passes keeps every read and write that
 * follows the graph inside its buffers. In a header, because an engine links nothing of ours. */
#ifndef RESBENCH_GRAPH_CHECK_H
#define RESBENCH_GRAPH_CHECK_H

#include <stdbool.h>

#include "resbench/checked.h"
#include "resbench/graph.h"
#include "resbench/status.h"

/* Shape of a value: (c, h, w) of an earlier node, or of the input. */
static inline bool rb_value_shape(const rb_graph *graph, int32_t reader, int32_t value,
                                  int64_t shape[3]) {
    if (value < RB_VALUE_INPUT || value >= reader)
        return false;
    const rb_node *n = value >= 0 ? &graph->nodes[value] : NULL;
    shape[0] = n ? n->oc : graph->channels;
    shape[1] = n ? n->oh : graph->height;
    shape[2] = n ? n->ow : graph->width;
    return true;
}

static inline rb_status rb_check_operands(const rb_graph *graph, int32_t index, rb_error *err) {
    const rb_node *n = &graph->nodes[index];
    int64_t src[3], add[3];
    if (!rb_value_shape(graph, index, n->src, src))
        return rb_fail(err, RB_ERR_INPUT, "%s reads value %d, which is not there yet", n->name,
                       n->src);
    if (src[0] != n->ic || src[1] != n->ih || src[2] != n->iw)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s reads (%lld, %lld, %lld), but its source is (%lld, %lld, %lld)", n->name,
                       (long long)n->ic, (long long)n->ih, (long long)n->iw, (long long)src[0],
                       (long long)src[1], (long long)src[2]);
    if (n->add == RB_NONE)
        return RB_OK;
    if (n->add == RB_VALUE_ADDEND)
        return index == graph->node_count - 1
                   ? RB_OK
                   : rb_fail(err, RB_ERR_INPUT,
                             "%s adds the second input, which is the last node's alone", n->name);
    if (!rb_value_shape(graph, index, n->add, add))
        return rb_fail(err, RB_ERR_INPUT, "%s adds value %d, which is not there yet", n->name,
                       n->add);
    if (add[0] != n->oc || add[1] != n->oh || add[2] != n->ow)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s adds (%lld, %lld, %lld) to its own (%lld, %lld, %lld)", n->name,
                       (long long)add[0], (long long)add[1], (long long)add[2], (long long)n->oc,
                       (long long)n->oh, (long long)n->ow);
    return RB_OK;
}

/* One axis. Extents are small enough that a few of them can be added up in int. */
static inline bool rb_window_fits(int64_t in, int64_t before, int64_t after, int64_t kernel,
                                  int64_t stride, int64_t out) {
    const int64_t limit = INT32_MAX / 4;
    if (in < 1 || kernel < 1 || stride < 1 || out < 1 || before < 0 || after < 0)
        return false;
    if (in > limit || kernel > limit || stride > limit || out > limit || before > limit ||
        after > limit)
        return false;
    const int64_t slack = before + in + after - kernel;
    return slack >= 0 && slack / stride + 1 == out;
}

static inline bool rb_shape_is_known(const rb_node *n) {
    const bool padded = n->pad_top || n->pad_left || n->pad_bottom || n->pad_right;
    switch (n->op) {
    case RB_OP_CONV:
        return true;
    case RB_OP_MAXPOOL:
        return n->oc == n->ic;
    case RB_OP_AVGPOOL:
        return n->oc == n->ic && n->kh == n->ih && n->kw == n->iw && !padded;
    case RB_OP_SHORTCUT:
        return n->oc >= n->ic && n->kh == 1 && n->kw == 1 && !padded;
    case RB_OP_FC:
        return n->ih == 1 && n->iw == 1 && n->kh == 1 && n->kw == 1 && !padded;
    }
    return false;
}

/* Far enough from overflow that an engine may round dimensions up to its blocks and count bytes. */
static inline bool rb_is_countable(const int64_t *factors, size_t count) {
    int64_t product;
    return rb_product_i64(factors, count, &product) && product <= INT64_MAX / 4096;
}

static inline rb_status rb_check_shapes(const rb_graph *graph, const rb_node *n, rb_error *err) {
    if (n->ic < 1 || n->ic > INT32_MAX || n->oc < 1 || n->oc > INT32_MAX ||
        !rb_window_fits(n->ih, n->pad_top, n->pad_bottom, n->kh, n->stride_h, n->oh) ||
        !rb_window_fits(n->iw, n->pad_left, n->pad_right, n->kw, n->stride_w, n->ow) ||
        !rb_shape_is_known(n))
        return rb_fail(err, RB_ERR_INPUT, "the shapes of %s contradict each other", n->name);
    const int64_t in[] = {graph->batch, n->ic, n->pad_top + n->ih + n->pad_bottom,
                          n->pad_left + n->iw + n->pad_right};
    const int64_t out[] = {graph->batch, n->oc, n->oh, n->ow};
    if (graph->batch > INT32_MAX || !rb_is_countable(in, 4) || !rb_is_countable(out, 4))
        return rb_fail(err, RB_ERR_MEMORY, "the values of %s are too large to count", n->name);
    const int64_t wei[] = {n->oc, n->ic, n->kh, n->kw};
    if (!rb_is_countable(wei, 4))
        return rb_fail(err, RB_ERR_MEMORY, "the weights of %s are too large to count", n->name);
    return RB_OK;
}

static inline bool rb_tensor_is(const rb_graph *graph, int32_t index, int64_t elements) {
    if (index < 0 || index >= graph->tensor_count)
        return false;
    const rb_tensor_desc *tensor = &graph->tensors[index];
    int64_t count;
    return tensor->ndim >= 1 && tensor->ndim <= RB_MAX_DIMS &&
           rb_product_i64(tensor->dims, (size_t)tensor->ndim, &count) && count == elements;
}

/* Of a node whose shapes are checked already. */
static inline rb_status rb_check_tensors(const rb_graph *graph, const rb_node *n, rb_error *err) {
    const int32_t bn[] = {n->bn_weight, n->bn_bias, n->bn_mean, n->bn_var};
    const int64_t elements = n->oc * n->ic * n->kh * n->kw;
    const bool weighted = n->op == RB_OP_CONV || n->op == RB_OP_FC;
    if (weighted && !rb_tensor_is(graph, n->wei, elements))
        return rb_fail(err, RB_ERR_INPUT, "the weight of %s is not a tensor of %lld values",
                       n->name, (long long)elements);
    if (weighted && n->bia != RB_NONE && !rb_tensor_is(graph, n->bia, n->oc))
        return rb_fail(err, RB_ERR_INPUT, "the bias of %s is not a tensor of %lld values", n->name,
                       (long long)n->oc);
    if (!weighted && (n->wei != RB_NONE || n->bia != RB_NONE))
        return rb_fail(err, RB_ERR_INPUT, "%s takes no weight and no bias, but has one", n->name);
    for (int i = 0; i < 4; i++) {
        if (n->op != RB_OP_CONV && bn[i] != RB_NONE)
            return rb_fail(err, RB_ERR_INPUT, "%s has batch norm and is no convolution", n->name);
        if ((bn[i] == RB_NONE) != (bn[0] == RB_NONE) ||
            (bn[i] != RB_NONE && !rb_tensor_is(graph, bn[i], n->oc)))
            return rb_fail(err, RB_ERR_INPUT,
                           "the batch norm of %s does not have four tensors of %lld values",
                           n->name, (long long)n->oc);
    }
    return RB_OK;
}

/* What version 1 has no name for. */
static inline rb_status rb_check_names(const rb_graph *graph, const rb_node *n, rb_error *err) {
    if (n->op < RB_OP_CONV || n->op > RB_OP_SHORTCUT)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s is operation %d, known are %d to %d", n->name,
                       (int)n->op, (int)RB_OP_CONV, (int)RB_OP_SHORTCUT);
    bool used = n->relu != 0 && n->relu != 1;
    for (size_t r = 0; r < sizeof n->reserved / sizeof n->reserved[0]; r++)
        used = used || n->reserved[r];
    const int32_t tensors[] = {n->wei, n->bia, n->bn_weight, n->bn_bias, n->bn_mean, n->bn_var};
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++)
        used = used || (tensors[t] >= 0 && tensors[t] < graph->tensor_count &&
                        graph->tensors[tensors[t]].reserved);
    if (used)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s asks for what ABI version 1 has no name for",
                       n->name);
    return RB_OK;
}

/* RB_ERR_INPUT when a node reads what does not exist, or shapes, tensors or classes contradict
 * each other; RB_ERR_MEMORY when a size is too large to count; RB_ERR_UNSUPPORTED when it asks for
 * something newer than this header. The sentence names the node. */
static inline rb_status rb_graph_check(const rb_graph *graph, rb_error *err) {
    if (graph->node_count < 1 || graph->batch < 1 || graph->channels < 1 || graph->height < 1 ||
        graph->width < 1)
        return rb_fail(err, RB_ERR_INPUT, "the graph has no node, or an extent below 1");
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        rb_status status = rb_check_names(graph, n, err);
        if (status == RB_OK)
            status = rb_check_operands(graph, i, err);
        if (status == RB_OK)
            status = rb_check_shapes(graph, n, err);
        if (status == RB_OK)
            status = rb_check_tensors(graph, n, err);
        if (status != RB_OK)
            return status;
    }
    const rb_node *last = &graph->nodes[graph->node_count - 1];
    if (last->oc * last->oh * last->ow != graph->classes)
        return rb_fail(err, RB_ERR_INPUT, "%s gives %lld values an image, not %lld classes",
                       last->name, (long long)(last->oc * last->oh * last->ow),
                       (long long)graph->classes);
    return RB_OK;
}

#endif
