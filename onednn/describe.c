#include "describe.h"

#include "failure.h"

/* Everything an operation descriptor is made of; owned here, NULL where there is none. */
typedef struct rb_parts {
    dnnl_memory_desc_t src, wei, bia, dst;
    dnnl_primitive_attr_t attr;
} rb_parts;

static void release_parts(rb_parts *parts) {
    dnnl_memory_desc_destroy(parts->src);
    dnnl_memory_desc_destroy(parts->wei);
    dnnl_memory_desc_destroy(parts->bia);
    dnnl_memory_desc_destroy(parts->dst);
    dnnl_primitive_attr_destroy(parts->attr);
}

static int ndims_of(const_dnnl_memory_desc_t md) {
    int ndims = 0;
    dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &ndims);
    return ndims;
}

/* oneDNN takes arrays of DNNL_MAX_NDIMS entries and reads ndims of them. */
static dnnl_status_t create_md(dnnl_memory_desc_t *md, int ndims, const int64_t *dims,
                               dnnl_format_tag_t tag) {
    dnnl_dims_t all = {0};
    for (int d = 0; d < ndims; d++)
        all[d] = dims[d];
    return dnnl_memory_desc_create_with_tag(md, ndims, all, dnnl_f32, tag);
}

/* A copy of wish, or the shape with layout any. */
static dnnl_status_t make_md(dnnl_memory_desc_t *md, const_dnnl_memory_desc_t wish, int ndims,
                             const int64_t *dims) {
    if (wish)
        return dnnl_memory_desc_clone(md, wish);
    return create_md(md, ndims, dims, dnnl_format_tag_any);
}

/* dst = relu(op(src) + add): the sum reads what stands in dst before. */
static dnnl_status_t make_attr(const rb_node *node, dnnl_primitive_attr_t *attr) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) /* whatever ONEDNN_DEFAULT_FPMATH_MODE says */
        status = dnnl_primitive_attr_set_fpmath_mode(*attr, dnnl_fpmath_mode_strict);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && node->add != RB_NONE)
        status = dnnl_post_ops_append_sum(ops, 1.0F, 0, dnnl_data_type_undef);
    if (status == dnnl_success && node->relu)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

/* Source and weights of an FC have the source's own number of dimensions: a pooled value
 * (n, c, 1, 1) is read as it lies, with weights (o, c, 1, 1). */
static dnnl_status_t make_parts(const rb_session *s, const rb_layer *layer, rb_wish wish,
                                rb_parts *parts, const char **call) {
    const rb_node *n = &layer->node;
    const bool fc = n->op == RB_OP_FC;
    const int src_ndims = fc ? ndims_of(rb_value_md(s, n->src)) : 4;
    const int64_t src[4] = {layer->dims[0], n->ic, n->ih, n->iw};
    const int64_t wei[4] = {n->oc, n->ic, n->kh, n->kw};
    *call = "dnnl_memory_desc_create_with_tag or _clone";
    dnnl_status_t status = make_md(&parts->src, wish.src, src_ndims, src);
    if (status == dnnl_success)
        status = make_md(&parts->dst, wish.dst, fc ? 2 : 4, layer->dims);
    if (status == dnnl_success && n->wei != RB_NONE)
        status = make_md(&parts->wei, NULL, src_ndims, wei);
    if (status == dnnl_success && rb_node_has_bias(n))
        status = create_md(&parts->bia, 1, &n->oc, dnnl_a);
    if (status != dnnl_success)
        return status;
    *call = "dnnl_primitive_attr_* or dnnl_post_ops_*";
    return make_attr(n, &parts->attr);
}

static dnnl_status_t create_pd(const rb_session *s, const rb_node *n, const rb_parts *parts,
                               dnnl_primitive_desc_t *pd) {
    const dnnl_prop_kind_t inference = dnnl_forward_inference;
    const dnnl_dims_t strides = {n->stride_h, n->stride_w};
    const dnnl_dims_t dilates = {0, 0}; /* oneDNN counts the gaps */
    const dnnl_dims_t kernel = {n->kh, n->kw};
    const dnnl_dims_t pad_l = {n->pad_top, n->pad_left};
    const dnnl_dims_t pad_r = {n->pad_bottom, n->pad_right};
    switch (n->op) {
    case RB_OP_CONV:
        return dnnl_convolution_forward_primitive_desc_create(
            pd, s->engine, inference, dnnl_convolution_direct, parts->src, parts->wei, parts->bia,
            parts->dst, strides, dilates, pad_l, pad_r, parts->attr);
    case RB_OP_MAXPOOL:
        return dnnl_pooling_forward_primitive_desc_create(
            pd, s->engine, inference, dnnl_pooling_max, parts->src, parts->dst, strides, kernel,
            dilates, pad_l, pad_r, parts->attr);
    case RB_OP_AVGPOOL:
        return dnnl_pooling_forward_primitive_desc_create(
            pd, s->engine, inference, dnnl_pooling_avg_exclude_padding, parts->src, parts->dst,
            strides, kernel, dilates, pad_l, pad_r, parts->attr);
    case RB_OP_SHORTCUT: /* oneDNN has none: shortcut.c */
        break;
    case RB_OP_FC:
        return dnnl_inner_product_forward_primitive_desc_create(
            pd, s->engine, inference, parts->src, parts->wei, parts->bia, parts->dst, parts->attr);
    }
    return dnnl_unimplemented;
}

static const char *call_of(rb_op op) {
    switch (op) {
    case RB_OP_CONV:
        return "dnnl_convolution_forward_primitive_desc_create";
    case RB_OP_FC:
        return "dnnl_inner_product_forward_primitive_desc_create";
    default:
        return "dnnl_pooling_forward_primitive_desc_create";
    }
}

rb_status rb_describe_node(const rb_session *s, const rb_layer *layer, rb_wish wish,
                           dnnl_primitive_desc_t *pd, rb_error *err) {
    rb_parts parts = {NULL, NULL, NULL, NULL, NULL};
    *pd = NULL;
    const char *call;
    dnnl_status_t status = make_parts(s, layer, wish, &parts, &call);
    if (status != dnnl_success)
        goto done;
    call = call_of(layer->node.op);
    status = create_pd(s, &layer->node, &parts, pd);
    if (status == dnnl_unimplemented) {
        *pd = NULL;
        status = dnnl_success;
    }
done:
    release_parts(&parts);
    return rb_dnnl_status(status, call, layer->node.name, err);
}

rb_status rb_describe_entry(const rb_session *s, const rb_graph *graph, dnnl_memory_desc_t *md,
                            rb_error *err) {
    const rb_node stem = {.name = "the source",
                          .op = RB_OP_CONV,
                          .src = RB_VALUE_INPUT,
                          .add = RB_NONE,
                          .ic = 3,
                          .ih = graph->height,
                          .iw = graph->width,
                          .oc = graph->channels,
                          .oh = graph->height,
                          .ow = graph->width,
                          .kh = 3,
                          .kw = 3,
                          .stride_h = 1,
                          .stride_w = 1,
                          .pad_top = 1,
                          .pad_left = 1,
                          .pad_bottom = 1,
                          .pad_right = 1,
                          .wei = 0,
                          .bia = RB_NONE,
                          .bn_bias = RB_NONE};
    const rb_layer layer = {.node = stem,
                            .dims = {graph->batch, graph->channels, graph->height, graph->width}};
    const int64_t image[4] = {graph->batch, 3, graph->height, graph->width};
    dnnl_memory_desc_t src = NULL;
    dnnl_primitive_desc_t pd = NULL;
    *md = NULL;
    rb_status status = rb_describe_dense("the source", 4, image, &src, err);
    if (status == RB_OK)
        status = rb_describe_node(s, &layer, (rb_wish){src, NULL}, &pd, err);
    if (status == RB_OK && pd)
        status = rb_dnnl_status(
            dnnl_memory_desc_clone(md, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0)),
            "dnnl_memory_desc_clone", stem.name, err);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_desc_destroy(src);
    return status;
}

rb_status rb_describe_reorder(const rb_session *s, const rb_layer *layer,
                              const_dnnl_memory_desc_t from, const_dnnl_memory_desc_t to,
                              dnnl_primitive_desc_t *pd, rb_error *err) {
    return rb_dnnl_status(
        dnnl_reorder_primitive_desc_create(pd, from, s->engine, to, s->engine, s->plain_attr),
        "dnnl_reorder_primitive_desc_create", layer->node.name, err);
}

rb_status rb_describe_layout(const char *name, int ndims, const int64_t *dims,
                             dnnl_format_tag_t tag, dnnl_memory_desc_t *md, rb_error *err) {
    return rb_dnnl_status(create_md(md, ndims, dims, tag), "dnnl_memory_desc_create_with_tag", name,
                          err);
}

rb_status rb_describe_dense(const char *name, int ndims, const int64_t *dims,
                            dnnl_memory_desc_t *md, rb_error *err) {
    return rb_describe_layout(name, ndims, dims, ndims == 2 ? dnnl_ab : dnnl_abcd, md, err);
}
