#include "tiny_graph.h"

#include <math.h>

#include "cmocka_includes.h"

void tiny_init(tiny_graph *g, int64_t batch, int64_t channels, int64_t height, int64_t width) {
    *g = (tiny_graph){.graph = {.name = "tiny",
                                .batch = batch,
                                .channels = channels,
                                .height = height,
                                .width = width}};
}

rb_node *tiny_add(tiny_graph *g, rb_op op, int32_t src, int64_t oc, tiny_window w) {
    const rb_node *from = src >= 0 ? &g->nodes[src] : NULL;
    rb_node *n = &g->nodes[g->graph.node_count++];
    *n = (rb_node){.name = "node",
                   .value_name = "node",
                   .op = op,
                   .src = src,
                   .add = RB_NONE,
                   .ic = from ? from->oc : g->graph.channels,
                   .ih = from ? from->oh : g->graph.height,
                   .iw = from ? from->ow : g->graph.width,
                   .oc = oc,
                   .kh = w.kh,
                   .kw = w.kw,
                   .stride_h = w.stride_h,
                   .stride_w = w.stride_w,
                   .pad_top = w.top,
                   .pad_left = w.left,
                   .pad_bottom = w.bottom,
                   .pad_right = w.right,
                   .wei = RB_NONE,
                   .bia = RB_NONE,
                   .bn_weight = RB_NONE,
                   .bn_bias = RB_NONE,
                   .bn_mean = RB_NONE,
                   .bn_var = RB_NONE};
    n->oh = (n->ih + w.top + w.bottom - w.kh) / w.stride_h + 1;
    n->ow = (n->iw + w.left + w.right - w.kw) / w.stride_w + 1;
    g->graph.classes = n->oc * n->oh * n->ow;
    return n;
}

int32_t tiny_tensor(tiny_graph *g, const float *data, int32_t ndim, int64_t d0, int64_t d1,
                    int64_t d2, int64_t d3) {
    g->tensors[g->graph.tensor_count] =
        (rb_tensor_desc){.name = "tensor", .ndim = ndim, .dims = {d0, d1, d2, d3}};
    g->data[g->graph.tensor_count] = data;
    return g->graph.tensor_count++;
}

void tiny_batch_norm(tiny_graph *g, rb_node *n, const float *weight, const float *bias,
                     const float *mean, const float *var, double epsilon) {
    n->bn_weight = tiny_tensor(g, weight, 1, n->oc, 1, 1, 1);
    n->bn_bias = tiny_tensor(g, bias, 1, n->oc, 1, 1, 1);
    n->bn_mean = tiny_tensor(g, mean, 1, n->oc, 1, 1, 1);
    n->bn_var = tiny_tensor(g, var, 1, n->oc, 1, 1, 1);
    g->epsilon[n - g->nodes] = epsilon;
}

double *tiny_run(const tiny_graph *g, const rb_engine *engine, int32_t threads, const float *src) {
    const int64_t count = g->graph.batch * g->graph.classes;
    void *dst = rb_test_alloc((size_t)count * sizeof(double));
    double *wide = rb_test_alloc((size_t)count * sizeof *wide);
    rb_graph graph = g->graph;
    graph.size = sizeof graph;
    graph.nodes = g->nodes;
    graph.tensors = g->tensors;
    const rb_weights weights = {.size = sizeof weights, .tensors = g->data, .epsilon = g->epsilon};
    rb_test_run(engine, &graph, &weights, threads, src, dst);
    for (int64_t i = 0; i < count; i++)
        wide[i] = engine->output_dtype == RB_F64 ? ((double *)dst)[i] : (double)((float *)dst)[i];
    rb_test_free(dst);
    return wide;
}

void tiny_expect(const tiny_graph *g, const float *src, const double *expected) {
    static const char *const engines[] = {"reference", "oracle"};
    const int64_t count = g->graph.batch * g->graph.classes;
    assert_true(count > 0);
    for (int e = 0; e < 2; e++) {
        double *found = tiny_run(g, rb_test_engine(engines[e]), 2, src);
        for (int64_t i = 0; i < count; i++)
            if (!(found[i] == expected[i] || (isnan(found[i]) && isnan(expected[i]))))
                fail_msg("%s: value %lld is %.17g, not %.17g", engines[e], (long long)i, found[i],
                         expected[i]);
        rb_test_free(found);
    }
}
