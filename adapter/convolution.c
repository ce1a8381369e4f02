#include "convolution.h"

#include "layout.h"
#include "model/problem.h"
#include "resbench/fold.h"

void rb_node_label(const rb_graph *graph, int32_t index, char label[RB_LABEL_CAPACITY]) {
    const rb_problem problem = rb_problem_of_node(graph, index);
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(&problem, text);
    snprintf(label, RB_LABEL_CAPACITY, "%.160s (%s)", graph->nodes[index].name, text);
}

rb_status rb_kernel_failed(const char *label, rb_status status, const rb_error *why,
                           rb_error *err) {
    return rb_fail(err, status, "%s: %.600s", label,
                   why->message[0] ? why->message : "the plug-in failed and gave no reason");
}

static rb_conv2d conv_of(const rb_graph *graph, const rb_node *n) {
    return (rb_conv2d){.size = sizeof(rb_conv2d),
                       .add = n->add != RB_NONE,
                       .relu = n->relu != 0,
                       .batch = graph->batch,
                       .ic = n->ic,
                       .ih = n->ih,
                       .iw = n->iw,
                       .oc = n->oc,
                       .oh = n->oh,
                       .ow = n->ow,
                       .kh = n->kh,
                       .kw = n->kw,
                       .stride_h = n->stride_h,
                       .stride_w = n->stride_w,
                       .pad_top = n->pad_top,
                       .pad_left = n->pad_left,
                       .pad_bottom = n->pad_bottom,
                       .pad_right = n->pad_right};
}

/* The sentence in why when a choice is none. */
static bool is_valid(const rb_convolution *c, rb_error *why) {
    const rb_kernel_choice *choice = &c->choice;
    if (!c->prepared)
        rb_fail(why, RB_ERR_ENGINE, "prepare succeeded without anything prepared");
    else if (choice->size != sizeof *choice)
        rb_fail(why, RB_ERR_ENGINE, "prepare made a choice of %u bytes, expected %zu", choice->size,
                sizeof *choice);
    else if (!rb_layout_is_known(choice->src) || !rb_layout_is_known(choice->dst))
        rb_fail(why, RB_ERR_ENGINE, "prepare chose layouts %d and %d, known are %d to %d",
                (int)choice->src, (int)choice->dst, RB_LAYOUT_NCHW, RB_LAYOUT_NCHW16C);
    else if (choice->algorithm != RB_ALGORITHM_DIRECT && choice->algorithm != RB_ALGORITHM_WINOGRAD)
        rb_fail(why, RB_ERR_ENGINE, "prepare chose algorithm %d, known are %d and %d",
                (int)choice->algorithm, RB_ALGORITHM_DIRECT, RB_ALGORITHM_WINOGRAD);
    else if (choice->reserved || choice->reserved_word || choice->reserved_values[0])
        rb_fail(why, RB_ERR_ENGINE, "prepare asks for what ABI version %u has no name for",
                RB_ENGINE_ABI);
    else if (choice->executed_macs < 0)
        rb_fail(why, RB_ERR_ENGINE, "prepare tells of %lld multiply-adds",
                (long long)choice->executed_macs);
    else if (choice->scratch_bytes < 0)
        rb_fail(why, RB_ERR_ENGINE, "prepare asks for %lld bytes of scratch",
                (long long)choice->scratch_bytes);
    else
        return true;
    return false;
}

static float *take(const rb_host *host, rb_memory_kind kind, int64_t count) {
    return host->alloc(host->ctx, kind, (size_t)count * sizeof(float));
}

static void drop_weights(const rb_host *host, rb_convolution *c) {
    host->release(host->ctx, c->wei);
    host->release(host->ctx, c->bia);
    c->wei = c->bia = NULL;
}

rb_status rb_convolution_prepare(const rb_kernel *kernel, const rb_host *host,
                                 const rb_graph *graph, const rb_weights *weights, int32_t index,
                                 const char *label, rb_layout src_layout, rb_layout add_layout,
                                 rb_convolution *c, rb_error *err) {
    const rb_node *n = &graph->nodes[index];
    const bool keeps = kernel->flags & RB_KERNEL_KEEPS_WEIGHTS;
    const rb_memory_kind kind = keeps ? RB_MEMORY_WEIGHTS : RB_MEMORY_SCRATCH;
    rb_conv2d conv = conv_of(graph, n);
    rb_error why = {""};
    conv.src_layout = src_layout;
    conv.add_layout = add_layout;
    *c = (rb_convolution){.choice = {.size = sizeof(rb_kernel_choice),
                                     .src = RB_LAYOUT_NCHW,
                                     .dst = RB_LAYOUT_NCHW,
                                     .kernel = ""},
                          .wei = take(host, kind, n->oc * n->ic * n->kh * n->kw),
                          .bia = take(host, kind, n->oc)};
    if (!c->wei || !c->bia) {
        drop_weights(host, c);
        return rb_fail(err, RB_ERR_MEMORY, "the host has no memory for the weights of %s", n->name);
    }
    rb_fold(graph, weights, index, c->wei, c->bia);
    rb_status status =
        kernel->prepare(kernel, host, &conv, c->wei, c->bia, &c->choice, &c->prepared, &why);
    if (status != RB_OK)
        c->prepared = NULL;
    else if (!is_valid(c, &why))
        status = RB_ERR_ENGINE;
    if (status != RB_OK) {
        rb_convolution_release(kernel, host, c);
        return rb_kernel_failed(label, status, &why, err);
    }
    if (!keeps)
        drop_weights(host, c);
    return RB_OK;
}

void rb_convolution_release(const rb_kernel *kernel, const rb_host *host, rb_convolution *c) {
    if (c->prepared)
        kernel->release(c->prepared);
    drop_weights(host, c);
    *c = (rb_convolution){0};
}
