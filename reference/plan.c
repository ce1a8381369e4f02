#include "plan.h"

#include <stdbool.h>

#include "kernels.h"
#include "resbench/checked.h"

/* Shape of a value: (c, h, w) of an earlier node, or of the input. */
static bool value_shape(const rb_graph *graph, int32_t reader, int32_t value, int64_t shape[3]) {
    if (value < RB_VALUE_INPUT || value >= reader)
        return false;
    const rb_node *n = value >= 0 ? &graph->nodes[value] : NULL;
    shape[0] = n ? n->oc : graph->channels;
    shape[1] = n ? n->oh : graph->height;
    shape[2] = n ? n->ow : graph->width;
    return true;
}

static bool tensor_is(const rb_graph *graph, int32_t index, bool optional, int64_t elements) {
    if (index == RB_NONE)
        return optional;
    if (index < 0 || index >= graph->tensor_count)
        return false;
    const rb_tensor_desc *tensor = &graph->tensors[index];
    int64_t count;
    return tensor->ndim >= 1 && tensor->ndim <= RB_MAX_DIMS &&
           rb_product_i64(tensor->dims, (size_t)tensor->ndim, &count) && count == elements;
}

static rb_status check_tensors(const rb_graph *graph, const rb_node *n, rb_error *err) {
    const int32_t bn[] = {n->bn_weight, n->bn_bias, n->bn_mean, n->bn_var};
    const bool has_weights = n->op == RB_OP_CONV || n->op == RB_OP_FC;
    const int64_t factors[] = {n->oc, n->ic, n->kh, n->kw};
    int64_t elements;
    if (!rb_product_i64(factors, 4, &elements) || elements > INT64_MAX / 1024)
        return rb_fail(err, RB_ERR_MEMORY, "the weights of %s are too large to count", n->name);
    if (has_weights &&
        (!tensor_is(graph, n->wei, false, elements) || !tensor_is(graph, n->bia, true, n->oc)))
        return rb_fail(err, RB_ERR_INPUT, "the weight or bias of %s does not fit its shape",
                       n->name);
    if (!has_weights && (n->wei != RB_NONE || n->bia != RB_NONE))
        return rb_fail(err, RB_ERR_INPUT, "%s is a pool and has a weight or bias", n->name);
    for (int i = 0; i < 4; i++) {
        if (n->op != RB_OP_CONV && bn[i] != RB_NONE)
            return rb_fail(err, RB_ERR_INPUT, "%s has batch norm and is no convolution", n->name);
        if ((bn[i] == RB_NONE) != (bn[0] == RB_NONE) || !tensor_is(graph, bn[i], true, n->oc))
            return rb_fail(err, RB_ERR_INPUT,
                           "the batch norm of %s does not have four tensors of %lld values",
                           n->name, (long long)n->oc);
    }
    return RB_OK;
}

/* As many windows as fit into the padded source, and one at least. */
static bool window_fits(int64_t in, int64_t before, int64_t after, int64_t kernel, int64_t stride,
                        int64_t out) {
    const int64_t limit = INT32_MAX; /* of every extent: sums and products of two cannot overflow */
    if (in < 1 || kernel < 1 || stride < 1 || out < 1 || before < 0 || after < 0)
        return false;
    if (in > limit || kernel > limit || stride > limit || out > limit || before > limit ||
        after > limit)
        return false;
    const int64_t slack = before + in + after - kernel;
    return slack >= 0 && slack / stride + 1 == out;
}

static bool shape_is_known(const rb_node *n) {
    const bool padded = n->pad_top || n->pad_left || n->pad_bottom || n->pad_right;
    switch (n->op) {
    case RB_OP_CONV:
        return true;
    case RB_OP_MAXPOOL:
        return n->oc == n->ic;
    case RB_OP_AVGPOOL:
        return n->oc == n->ic && n->kh == n->ih && n->kw == n->iw && !padded;
    case RB_OP_FC:
        return n->ih == 1 && n->iw == 1 && n->kh == 1 && n->kw == 1 && !padded;
    }
    return false;
}

static rb_status check_node(const rb_graph *graph, int32_t index, rb_error *err) {
    const rb_node *n = &graph->nodes[index];
    int64_t src[3], add[3], bytes;
    if (!value_shape(graph, index, n->src, src) || src[0] != n->ic || src[1] != n->ih ||
        src[2] != n->iw)
        return rb_fail(err, RB_ERR_INPUT, "%s reads (%lld, %lld, %lld), which its source is not",
                       n->name, (long long)n->ic, (long long)n->ih, (long long)n->iw);
    if (n->add != RB_NONE && (!value_shape(graph, index, n->add, add) || add[0] != n->oc ||
                              add[1] != n->oh || add[2] != n->ow))
        return rb_fail(err, RB_ERR_INPUT, "%s adds to (%lld, %lld, %lld) a value of another shape",
                       n->name, (long long)n->oc, (long long)n->oh, (long long)n->ow);
    if (n->ic < 1 || n->oc < 1 || n->oc > INT32_MAX ||
        !window_fits(n->ih, n->pad_top, n->pad_bottom, n->kh, n->stride_h, n->oh) ||
        !window_fits(n->iw, n->pad_left, n->pad_right, n->kw, n->stride_w, n->ow) ||
        !shape_is_known(n))
        return rb_fail(err, RB_ERR_INPUT, "the shapes of %s contradict each other", n->name);
    const int64_t in[] = {graph->batch, n->ic, n->pad_top + n->ih + n->pad_bottom,
                          n->pad_left + n->iw + n->pad_right, (int64_t)sizeof(rb_real)};
    const int64_t out[] = {graph->batch, n->oc, n->oh, n->ow, (int64_t)sizeof(rb_real)};
    if (!rb_product_i64(in, 5, &bytes) || bytes > INT64_MAX / 2 || !rb_product_i64(out, 5, &bytes))
        return rb_fail(err, RB_ERR_MEMORY, "the values of %s are too large to count", n->name);
    return check_tensors(graph, n, err);
}

rb_status rb_ref_check_graph(const rb_graph *graph, rb_error *err) {
    if (graph->node_count < 1 || graph->batch < 1 || graph->channels < 1 || graph->height < 1 ||
        graph->width < 1)
        return rb_fail(err, RB_ERR_INPUT, "the graph has no node, or an extent below 1");
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_status status = check_node(graph, i, err);
        if (status != RB_OK)
            return status;
    }
    const rb_node *last = &graph->nodes[graph->node_count - 1];
    if (last->oc * last->oh * last->ow != graph->classes)
        return rb_fail(err, RB_ERR_INPUT, "the last node gives %lld values an image, not %lld",
                       (long long)(last->oc * last->oh * last->ow), (long long)graph->classes);
    return RB_OK;
}

/* The last node that reads value; its own node when nobody does, the end for the result. */
static int32_t last_reader(const rb_graph *graph, int32_t value) {
    if (value == graph->node_count - 1)
        return graph->node_count;
    for (int32_t i = graph->node_count - 1; i > value; i--)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return i;
    return value;
}

/* Of the slots that are free at node `now`: the smallest that is large enough, else the
 * largest (which then grows), else a new one. */
static int32_t choose_slot(const rb_slot *slots, int32_t count, int32_t now, int64_t elements) {
    int32_t best = count;
    for (int32_t s = 0; s < count; s++) {
        if (slots[s].busy_until >= now)
            continue;
        const bool fits = slots[s].elements >= elements;
        const bool best_fits = best < count && slots[best].elements >= elements;
        if (best == count || (fits && !best_fits) ||
            (fits == best_fits && (slots[s].elements < slots[best].elements) == fits))
            best = s;
    }
    return best;
}

int32_t rb_ref_plan_slots(const rb_graph *graph, int32_t *slot_of, rb_slot *slots) {
    int32_t count = 0;
    for (int32_t value = RB_VALUE_INPUT; value < graph->node_count; value++) {
        int64_t shape[3];
        value_shape(graph, graph->node_count, value, shape);
        const int64_t elements = graph->batch * shape[0] * shape[1] * shape[2];
        const int32_t s = choose_slot(slots, count, value, elements);
        if (s == count)
            slots[count++] = (rb_slot){0};
        if (slots[s].elements < elements)
            slots[s].elements = elements;
        slots[s].busy_until = last_reader(graph, value);
        slot_of[value + 1] = s;
    }
    return count;
}
