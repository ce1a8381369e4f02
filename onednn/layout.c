/* Chooses a kernel and memory layouts for each node, in execution order.
 *
 * The rule: oneDNN picks the layout of each value when it is written (any), and who reads it
 * takes it as it lies. So the stem reads the caller's NCHW, everything after it stays in the
 * stem's blocks (nChw16c on AVX-512), and a ResNet has no reorder at all. Measured against it
 * on ResNet-18 and 50 (AVX-512, one thread, CPU time, oneDNN 3.2 and 3.7): sources left to
 * oneDNN too (6 reorders in ResNet-18) and channels last everywhere. Both are within 4 % at
 * batch 1 and 3 to 17 % slower at batch 8.
 *
 * A graph of one node is judged in place of that node in a network, so it shall run the same
 * kernel: its source is first brought into the layout that a stem would have left it in, and its
 * value goes to the caller by a reorder. */
#include "describe.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "shortcut.h"

#define IMAGE_CHANNELS 3 /* of the caller's image, which no stem has written */

/* The best descriptor found so far for one layer. */
typedef struct rb_choice {
    dnnl_primitive_desc_t pd;
    int rank;
    bool in_place;
} rb_choice;

static const char *kernel_name(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) != dnnl_success || !name)
        return "unknown";
    return name;
}

/* 0: generated for this shape, or a vendor's; 1: general code, such as a convolution as
 * im2col and gemm (for an FC gemm is as fast as anything, measured at batch 1 and 8); 2: plain
 * loops. */
static int rank_of(const char *kernel, rb_op op) {
    if (strstr(kernel, "ref"))
        return 2;
    if (op == RB_OP_FC || strstr(kernel, "brgemm") || strstr(kernel, "acl"))
        return 0;
    return strstr(kernel, "gemm") || strstr(kernel, "simple") ? 1 : 0;
}

static rb_status consider(const rb_session *s, const rb_layer *layer, rb_wish wish, bool in_place,
                          rb_choice *best, rb_error *err) {
    dnnl_primitive_desc_t pd;
    const rb_status status = rb_describe_node(s, layer, wish, &pd, err);
    if (status != RB_OK || !pd)
        return status;
    const int rank = rank_of(kernel_name(pd), layer->node.op);
    if (best->pd && best->rank <= rank) {
        dnnl_primitive_desc_destroy(pd);
        return RB_OK;
    }
    dnnl_primitive_desc_destroy(best->pd);
    *best = (rb_choice){pd, rank, in_place};
    return RB_OK;
}

static bool is_last_reader(const rb_graph *graph, int32_t value, int32_t index) {
    for (int32_t i = index + 1; i < graph->node_count; i++)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return false;
    return true;
}

/* The sum may overwrite its operand when nobody reads it afterwards and it is not the caller's. */
static bool can_be_in_place(const rb_graph *graph, int32_t index) {
    const rb_node *node = &graph->nodes[index];
    return node->add >= 0 && node->add != node->src && index + 1 < graph->node_count &&
           is_last_reader(graph, node->add, index);
}

static rb_status clone(const rb_layer *layer, const_dnnl_memory_desc_t from, dnnl_memory_desc_t *md,
                       rb_error *err) {
    return rb_dnnl_status(dnnl_memory_desc_clone(md, from), "dnnl_memory_desc_clone",
                          layer->node.name, err);
}

/* The fewest extra steps first: the layout the source has, and that of the operand of the sum.
 * Another layout, with its reorder, only where that makes oneDNN choose a better kind of
 * kernel (a pool has no say in the layout of its source). The last value of a network is dense: it
 * is the caller's. entry: the layout that the source shall have first, NULL: the one it has. */
static rb_status choose_main(rb_session *s, const rb_graph *graph, int32_t index,
                             const_dnnl_memory_desc_t entry, const_dnnl_memory_desc_t dense,
                             rb_error *err) {
    rb_layer *layer = &s->layers[index];
    const rb_node *node = &layer->node;
    const const_dnnl_memory_desc_t src = entry ? entry : rb_value_md(s, node->src);
    const const_dnnl_memory_desc_t dst =
        rb_layer_is_last(s, layer) && !rb_is_single(s) ? dense : NULL;
    const bool sum = can_be_in_place(graph, index);
    const bool pool = node->op == RB_OP_MAXPOOL || node->op == RB_OP_AVGPOOL;
    const const_dnnl_memory_desc_t add = sum ? rb_value_md(s, node->add) : NULL;
    const struct {
        rb_wish wish;
        bool in_place, possible;
    } tries[] = {{{src, add}, true, sum},
                 {{NULL, add}, true, sum},
                 {{src, dst}, false, true},
                 {{NULL, dst}, false, !pool}};
    rb_choice best = {NULL, 0, false};
    rb_status status = RB_OK;
    for (size_t t = 0; status == RB_OK && t < sizeof tries / sizeof tries[0]; t++)
        if (tries[t].possible && (!best.pd || best.rank > 0))
            status = consider(s, layer, tries[t].wish, tries[t].in_place, &best, err);
    if (status == RB_OK && !best.pd)
        status =
            rb_fail(err, RB_ERR_UNSUPPORTED, "oneDNN has no implementation for %s", node->name);
    layer->main_step.pd = best.pd; /* released by close, also after an error */
    layer->in_place = best.in_place;
    if (status == RB_OK)
        status = clone(layer, dnnl_primitive_desc_query_md(best.pd, dnnl_query_src_md, 0),
                       &layer->src_md, err);
    if (status == RB_OK)
        status = clone(layer, dnnl_primitive_desc_query_md(best.pd, dnnl_query_dst_md, 0),
                       &layer->dst_md, err);
    return status;
}

/* The source as it lies, and the value arranged in the same way: its reader, a sum, takes that. */
static rb_status choose_shortcut(rb_session *s, int32_t index, const_dnnl_memory_desc_t entry,
                                 const_dnnl_memory_desc_t dense, rb_error *err) {
    rb_layer *layer = &s->layers[index];
    const rb_node *node = &layer->node;
    const const_dnnl_memory_desc_t src = entry ? entry : rb_value_md(s, node->src);
    const int64_t dims[4] = {layer->dims[0], node->ic, node->ih, node->iw};
    rb_status status = rb_shortcut_knows(src)
                           ? clone(layer, src, &layer->src_md, err)
                           : rb_describe_dense(node->name, 4, dims, &layer->src_md, err);
    if (status == RB_OK)
        status = rb_layer_is_last(s, layer) && !rb_is_single(s)
                     ? clone(layer, dense, &layer->dst_md, err)
                     : rb_shortcut_layout(layer, layer->src_md, &layer->dst_md, err);
    return status;
}

/* The steps that bring the operands into the layouts main_step asks for. */
static rb_status choose_reorders(rb_session *s, rb_layer *layer, rb_error *err) {
    const rb_node *node = &layer->node;
    const const_dnnl_memory_desc_t have = rb_value_md(s, node->src);
    rb_status status = RB_OK;
    if (!dnnl_memory_desc_equal(have, layer->src_md))
        status = rb_describe_reorder(s, layer, have, layer->src_md, &layer->src_step.pd, err);
    if (status == RB_OK && node->add != RB_NONE && !layer->in_place)
        status = rb_describe_reorder(s, layer, rb_value_md(s, node->add), layer->dst_md,
                                     &layer->add_step.pd, err);
    return status;
}

/* The instruction set oneDNN generates code for, where a kernel's own name does not say. The
 * values are bit sets; what lies above AVX-512 (VNNI, bf16, fp16, AMX) is of no use to float32. */
static const char *isa_name(void) {
    static const struct {
        dnnl_cpu_isa_t bits;
        const char *name;
    } sets[] = {{dnnl_cpu_isa_avx512_core, "avx512_core"},
                {dnnl_cpu_isa_avx2, "avx2"},
                {dnnl_cpu_isa_avx, "avx"},
                {dnnl_cpu_isa_sse41, "sse41"}};
    const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if ((isa & (unsigned)sets[i].bits) == (unsigned)sets[i].bits)
            return sets[i].name;
    return "native"; /* not x86 */
}

/* "jit:avx512_core", "gemm:jit:avx2 +reorder"; "any" in a name is compiled, portable code. */
static void write_kernel(const rb_session *s, rb_layer *layer) {
    static const char *const isa_marks[] = {"sse", "avx", "any", "sve", "asimd", "acl", "rvv"};
    const char *name = layer->main_step.pd ? kernel_name(layer->main_step.pd) : "copy:any";
    const bool reordered = layer->src_step.pd || (rb_layer_is_last(s, layer) && s->exit_step.pd);
    bool says_isa = false;
    for (size_t i = 0; i < sizeof isa_marks / sizeof isa_marks[0]; i++)
        says_isa = says_isa || strstr(name, isa_marks[i]) != NULL;
    snprintf(layer->kernel, sizeof layer->kernel, "%s%s%s%s%s", name, says_isa ? "" : ":",
             says_isa ? "" : isa_name(), reordered ? " +reorder" : "",
             layer->add_step.pd ? " +copy" : "");
}

rb_status rb_layout_choose(rb_session *s, const rb_graph *graph, rb_error *err) {
    const rb_layer *last = &s->layers[s->layer_count - 1];
    dnnl_memory_desc_t dense = NULL, entry = NULL;
    rb_status status = rb_describe_dense(last->node.name, last->node.op == RB_OP_FC ? 2 : 4,
                                         last->dims, &dense, err);
    if (status == RB_OK && rb_is_single(s) && graph->channels > IMAGE_CHANNELS)
        status = rb_describe_entry(s, graph, &entry, err);
    for (int32_t i = 0; status == RB_OK && i < s->layer_count; i++) {
        rb_layer *layer = &s->layers[i];
        status = layer->node.op == RB_OP_SHORTCUT ? choose_shortcut(s, i, entry, dense, err)
                                                  : choose_main(s, graph, i, entry, dense, err);
        if (status == RB_OK)
            status = choose_reorders(s, layer, err);
        if (status == RB_OK && layer == last && !dnnl_memory_desc_equal(layer->dst_md, dense))
            status = rb_describe_reorder(s, layer, layer->dst_md, dense, &s->exit_step.pd, err);
        if (status == RB_OK)
            write_kernel(s, layer);
    }
    dnnl_memory_desc_destroy(dense);
    dnnl_memory_desc_destroy(entry);
    return status;
}
