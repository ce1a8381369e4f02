/* Mutants of the reference: engines with one fault each, which the judge has to find.
 *
 * The reference's own sources are compiled with its steps renamed to rb_true_*; here stand the
 * steps that its session calls instead. Each shared object is this file with another RB_MUTANT, the
 * name of a row of `mutants`; apart from its fault it computes what the reference computes. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "session.h"

void rb_true_conv(float *dst, const float *src, const rb_lanes *wei, const float *bia,
                  float *padded, const rb_node *node, int64_t batch, int threads);
void rb_true_batch_norm(float *x, const rb_batch_norm *bn, const rb_node *node, int64_t batch,
                        int threads);
void rb_true_add(float *x, const float *shortcut, int64_t count, int threads);
void rb_true_relu(float *x, int64_t count, int threads);
rb_status rb_true_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                       const rb_weights *weights, const rb_options *options, rb_session **session,
                       rb_error *err);

/* A convolution's operands, for faults that need more than its result. */
typedef struct rb_call {
    float *dst;
    const float *src;
    const rb_lanes *wei;
    const float *bia;
    float *padded;
    rb_node node;
    int64_t batch;
    int threads;
} rb_call;

static void convolve(const rb_call *c) {
    rb_true_conv(c->dst, c->src, c->wei, c->bia, c->padded, &c->node, c->batch, c->threads);
}

static int64_t plane_of(const rb_call *c) {
    return c->node.oh * c->node.ow;
}

static int64_t count_of(const rb_call *c) {
    return c->batch * c->node.oc * plane_of(c);
}

static void swap(float *a, float *b, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float value = a[i];
        a[i] = b[i];
        b[i] = value;
    }
}

/* Faults of the result. */

static void corner_pixel(rb_call *c) {
    convolve(c);
    c->dst[count_of(c) - 1] *= 1.01f;
}

static void swapped_channels(rb_call *c) {
    convolve(c);
    for (int64_t n = 0; c->node.oc > 1 && n < c->batch; n++) {
        float *image = c->dst + n * c->node.oc * plane_of(c);
        swap(image, image + plane_of(c), plane_of(c));
    }
}

/* The last row of every plane is the one above it. */
static void row_shifted(rb_call *c) {
    const int64_t ow = c->node.ow;
    convolve(c);
    for (int64_t p = 0; c->node.oh > 1 && p < c->batch * c->node.oc; p++) {
        float *end = c->dst + (p + 1) * plane_of(c);
        memcpy(end - ow, end - 2 * ow, (size_t)ow * sizeof *end);
    }
}

static void stale_tail(rb_call *c) {
    float tail[3];
    float *at = c->dst + count_of(c) - 3;
    memcpy(tail, at, sizeof tail);
    convolve(c);
    memcpy(at, tail, sizeof tail);
}

static void one_nan(rb_call *c) {
    convolve(c);
    c->dst[count_of(c) / 2] = NAN;
}

static void all_zeros(rb_call *c) {
    memset(c->dst, 0, (size_t)count_of(c) * sizeof *c->dst);
}

static void constant_output(rb_call *c) {
    convolve(c);
    for (int64_t i = 1; i < count_of(c); i++)
        c->dst[i] = c->dst[0];
}

static void swapped_batch(rb_call *c) {
    const int64_t image = c->node.oc * plane_of(c);
    convolve(c);
    if (c->batch > 1)
        swap(c->dst, c->dst + (c->batch - 1) * image, image);
}

/* As where threads add their parts in the order in which they arrive. */
static void nondeterministic_sum(rb_call *c) {
    static uint64_t state = 1;
    convolve(c);
    for (int64_t i = 0; i < count_of(c); i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (state >> 63)
            c->dst[i] = nextafterf(c->dst[i], INFINITY);
    }
}

static void write_past_the_end(rb_call *c) {
    convolve(c);
    ((volatile float *)c->dst)[count_of(c)] = 0;
}

static void read_past_the_end(rb_call *c) {
    convolve(c);
    const volatile float *src = c->src;
    c->dst[0] += 0 * src[c->batch * c->node.ic * c->node.ih * c->node.iw];
}

/* Vectors of 16 channels, and what is left of them forgotten. */
static void channel_tail_dropped(rb_call *c) {
    const int64_t oc = c->node.oc, whole = oc / 16 * 16, plane = plane_of(c);
    convolve(c);
    for (int64_t n = 0; n < c->batch; n++)
        memset(c->dst + (n * oc + whole) * plane, 0,
               (size_t)((oc - whole) * plane) * sizeof(float));
}

static void odd_width_tail(rb_call *c) {
    convolve(c);
    for (int64_t row = 0; c->node.ow % 2 && c->node.ow > 1 && row < count_of(c) / c->node.ow; row++)
        c->dst[(row + 1) * c->node.ow - 1] = c->dst[(row + 1) * c->node.ow - 2];
}

/* The last image is nobody's part of the work, where there is more than one thread. */
static void race_over_threads(rb_call *c) {
    convolve(c);
    if (c->threads > 1)
        c->dst[count_of(c) - 1] += c->dst[0];
}

/* What the first convolution of this shape in the process gave, whatever the operands are. */
static void remembered_result(rb_call *c) {
    enum { MOST = 64 };
    static struct {
        rb_node node;
        int64_t batch;
        float *dst;
    } known[MOST];
    const rb_node *n = &c->node;
    const size_t bytes = (size_t)count_of(c) * sizeof *c->dst;
    size_t i = 0;
    while (i < MOST && known[i].dst &&
           !(known[i].batch == c->batch && known[i].node.ic == n->ic && known[i].node.oc == n->oc &&
             known[i].node.oh == n->oh && known[i].node.ow == n->ow && known[i].node.kh == n->kh))
        i++;
    if (i < MOST && known[i].dst) {
        memcpy(c->dst, known[i].dst, bytes);
        return;
    }
    convolve(c);
    if (i == MOST || !(known[i].dst = malloc(bytes)))
        return;
    known[i].node = *n;
    known[i].batch = c->batch;
    memcpy(known[i].dst, c->dst, bytes);
}

/* Images beyond the third are the third. */
static void batch_beyond_three(rb_call *c) {
    const int64_t image = c->node.oc * plane_of(c);
    convolve(c);
    for (int64_t n = 3; n < c->batch; n++)
        memcpy(c->dst + n * image, c->dst + 2 * image, (size_t)image * sizeof *c->dst);
}

/* What is not square was forgotten. */
static void square_kernels_only(rb_call *c) {
    if (c->node.kh == c->node.kw) {
        convolve(c);
        return;
    }
    memset(c->dst, 0, (size_t)count_of(c) * sizeof *c->dst);
}

static void flushed_denormals(rb_call *c) {
    convolve(c);
    for (int64_t i = 0; i < count_of(c); i++)
        if (fabsf(c->dst[i]) < 0x1p-126f)
            c->dst[i] = 0;
}

/* Faults of the sum. */

/* Everything but the rounding of operands and sums is the definition. */
static void sum_plainly(const rb_call *c, float (*narrow)(float), bool narrow_sums) {
    const rb_node *n = &c->node;
    const int64_t k = n->ic * n->kh * n->kw;
    for (int64_t i = 0; i < count_of(c); i++) {
        const int64_t x = i % n->ow, y = i / n->ow % n->oh, o = i / plane_of(c) % n->oc;
        const float *image = c->src + i / plane_of(c) / n->oc * n->ic * n->ih * n->iw;
        float sum = 0;
        for (int64_t t = 0; t < k; t++) {
            const int64_t ih = y * n->stride_h + t / n->kw % n->kh - n->pad_top;
            const int64_t iw = x * n->stride_w + t % n->kw - n->pad_left;
            if (ih < 0 || ih >= n->ih || iw < 0 || iw >= n->iw)
                continue;
            const float w = c->wei[o / RB_LANES * k + t][o % RB_LANES];
            const float v = image[(t / (n->kh * n->kw) * n->ih + ih) * n->iw + iw];
            sum = narrow_sums ? narrow(sum + w * v) : sum + narrow(w) * narrow(v);
        }
        c->dst[i] = c->bia ? sum + c->bia[o] : sum;
    }
}

static float to_bits(float value, int bits) {
    int exponent;
    const float mantissa = frexpf(value, &exponent);
    return ldexpf(rintf(ldexpf(mantissa, bits)), exponent - bits);
}

static float to_float16(float value) {
    return to_bits(value, 11);
}

static float to_bfloat16(float value) {
    return to_bits(value, 8);
}

static void float16_accumulation(rb_call *c) {
    sum_plainly(c, to_float16, true);
}

static void bfloat16_operands(rb_call *c) {
    sum_plainly(c, to_bfloat16, false);
}

static void padding_off_by_one(rb_call *c) {
    if (c->node.pad_left > 0) {
        c->node.pad_left--;
        c->node.pad_right++;
    }
    convolve(c);
}

/* Faults of the steps behind it, and of the graph. */

static void wrong_epsilon(rb_batch_norm *bn) {
    bn->epsilon = 1e-3;
}

/* The 1x1 in front of a 3x3 that strides, strides instead of it. */
static void v1_stride(rb_node *nodes, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        rb_node *second = &nodes[i];
        rb_node *first = second->src >= 0 ? &nodes[second->src] : NULL;
        if (!first || first->op != RB_OP_CONV || first->kh != 1 || second->op != RB_OP_CONV ||
            second->kh != 3 || second->stride_h != 2)
            continue;
        first->stride_h = first->stride_w = 2;
        first->oh = second->ih = second->oh;
        first->ow = second->iw = second->ow;
        second->stride_h = second->stride_w = 1;
    }
}

typedef enum rb_order { RB_ADD_RELU, RB_NO_RELU, RB_RELU_ADD } rb_order;

typedef struct mutant {
    const char *name;
    void (*conv)(rb_call *call);
    void (*batch_norm)(rb_batch_norm *bn);
    rb_order order;
    void (*graph)(rb_node *nodes, int32_t count);
    bool clobbers; /* changes its source after it has been read */
} mutant;

static const mutant mutants[] = {
    {.name = "none"},
    {.name = "corner_pixel", .conv = corner_pixel},
    {.name = "swapped_channels", .conv = swapped_channels},
    {.name = "row_shifted", .conv = row_shifted},
    {.name = "stale_tail", .conv = stale_tail},
    {.name = "wrong_epsilon", .batch_norm = wrong_epsilon},
    {.name = "v1_stride", .graph = v1_stride},
    {.name = "missing_relu", .order = RB_NO_RELU},
    {.name = "add_after_relu", .order = RB_RELU_ADD},
    {.name = "one_nan", .conv = one_nan},
    {.name = "all_zeros", .conv = all_zeros},
    {.name = "padding_off_by_one", .conv = padding_off_by_one},
    {.name = "swapped_batch", .conv = swapped_batch},
    {.name = "constant_output", .conv = constant_output},
    {.name = "nondeterministic_sum", .conv = nondeterministic_sum},
    {.name = "write_past_the_end", .conv = write_past_the_end},
    {.name = "read_past_the_end", .conv = read_past_the_end},
    {.name = "float16_accumulation", .conv = float16_accumulation},
    {.name = "bfloat16_operands", .conv = bfloat16_operands},
    {.name = "channel_tail_dropped", .conv = channel_tail_dropped},
    {.name = "odd_width_tail", .conv = odd_width_tail},
    {.name = "race_over_threads", .conv = race_over_threads},
    {.name = "remembered_result", .conv = remembered_result},
    {.name = "source_clobbered", .clobbers = true},
    {.name = "batch_beyond_three", .conv = batch_beyond_three},
    {.name = "square_kernels_only", .conv = square_kernels_only},
    {.name = "flushed_denormals", .conv = flushed_denormals},
};

static const mutant *own(void) {
    for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++)
        if (strcmp(mutants[i].name, RB_MUTANT) == 0)
            return &mutants[i];
    return NULL;
}

void rb_ref_conv(float *dst, const float *src, const rb_lanes *wei, const float *bia, float *padded,
                 const rb_node *node, int64_t batch, int threads) {
    rb_call call = {dst, src, wei, bia, padded, *node, batch, threads};
    if (own()->conv)
        own()->conv(&call);
    else
        convolve(&call);
}

void rb_ref_batch_norm(float *x, const rb_batch_norm *bn, const rb_node *node, int64_t batch,
                       int threads) {
    rb_batch_norm changed = *bn;
    if (own()->batch_norm)
        own()->batch_norm(&changed);
    rb_true_batch_norm(x, &changed, node, batch, threads);
}

static const float *waiting; /* the shortcut, until the ReLU has been */

void rb_ref_add(float *x, const float *shortcut, int64_t count, int threads) {
    if (own()->order == RB_RELU_ADD)
        waiting = shortcut;
    else
        rb_true_add(x, shortcut, count, threads);
}

void rb_ref_relu(float *x, int64_t count, int threads) {
    if (own()->order != RB_NO_RELU)
        rb_true_relu(x, count, threads);
    if (waiting)
        rb_true_add(x, waiting, count, threads);
    waiting = NULL;
}

rb_status rb_ref_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                      const rb_weights *weights, const rb_options *options, rb_session **session,
                      rb_error *err) {
    const size_t bytes = (size_t)graph->node_count * sizeof(rb_node);
    rb_graph changed = *graph;
    rb_node *nodes = malloc(bytes);
    *session = NULL;
    if (!nodes)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", graph->node_count);
    memcpy(nodes, graph->nodes, bytes);
    if (own()->graph)
        own()->graph(nodes, graph->node_count);
    changed.nodes = nodes;
    const rb_status status = rb_true_open(self, host, &changed, weights, options, session, err);
    free(nodes);
    return status;
}

static rb_status run(rb_session *session, const float *src, const float *addend, void *dst,
                     rb_error *err) {
    const rb_status status = rb_ref_run(session, src, addend, dst, err);
    if (own()->clobbers)
        ((float *)(uintptr_t)src)[0] += 1;
    return status;
}

static rb_status tap(rb_session *session, const float *src, const float *addend, void *dst,
                     uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    const rb_status status = rb_ref_tap(session, src, addend, dst, stages, fn, ctx, err);
    if (own()->clobbers)
        ((float *)(uintptr_t)src)[0] += 1;
    return status;
}

const rb_engine *rb_engine_get(void) {
    static const rb_engine table = {.abi = RB_ENGINE_ABI,
                                    .size = sizeof(rb_engine),
                                    .name = RB_MUTANT,
                                    .version = RB_VERSION,
                                    .description = "the reference with one fault",
                                    .output_dtype = RB_F32,
                                    .open = rb_ref_open,
                                    .run = run,
                                    .tap = tap,
                                    .memory = rb_ref_memory,
                                    .kernel = rb_ref_kernel,
                                    .close = rb_ref_close};
    return own() ? &table : NULL;
}
