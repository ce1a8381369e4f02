/* Engines that are wrong at one node, one fault each: the tracer must name node and cause.
 *
 * Each shared object is this file with another RB_FAULT, the name of a row of `faults`. The node is
 * the 3x3 convolution with stride 2 from 32 channels, layer3.0.conv1 of resnet20, in a network and
 * alone. Apart from the fault an engine is the reference, which it loads and hands a graph to that
 * is wrong. */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resbench/engine.h"

typedef struct fault {
    const char *name;
    void (*node)(rb_node *node, double *epsilon);
    bool both;         /* from 16 channels, too: layer2.0.conv1 */
    bool in_network;   /* not alone */
    bool crash_alone;  /* in run of a graph of one node */
    bool crash_in_tap; /* of a network */
    bool hang_in_tap;
    bool no_tap;
    bool show_wrong; /* tap shows another value than is used */
    bool run_wrong;  /* run, which nobody watches, gives other logits */
    bool by_value;   /* in a network, and alone where the source holds MARK, which tap shows */
    float shift;     /* tap shows this factor on the average pool and on what that reads */
} fault;

#define MARK 1e-30F /* far below every limit */

struct rb_session {
    rb_session *inner; /* the reference's */
    int64_t logits;
    int32_t wrong, pool;             /* nodes; -1: none */
    int32_t wrong_reads, pool_reads; /* values; -1: none */
    int64_t src_elements, dst_elements;
    bool alone;
};

static const rb_engine *reference;
static const fault *own; /* the row called RB_FAULT */

static void no_relu(rb_node *node, double *epsilon) {
    (void)epsilon;
    node->relu = 0;
}

static void shift_padding(rb_node *node, double *epsilon) {
    (void)epsilon;
    node->pad_bottom += node->pad_top;
    node->pad_top = 0;
}

/* Of Keras, in place of PyTorch's 1e-5. */
static void other_epsilon(rb_node *node, double *epsilon) {
    (void)node;
    *epsilon = 1e-3;
}

/* Moves values by some 2e-6: more than the reference's rounding, less than one operation may. */
static void near_epsilon(rb_node *node, double *epsilon) {
    (void)node;
    *epsilon += 5e-6;
}

static void root_of_negative(rb_node *node, double *epsilon) {
    (void)node;
    *epsilon = -1e6;
}

static const fault faults[] = {
    {.name = "node_relu", .node = no_relu},
    {.name = "node_padding", .node = shift_padding},
    {.name = "node_epsilon", .node = other_epsilon},
    {.name = "node_nan", .node = root_of_negative},
    {.name = "node_two", .node = shift_padding, .both = true},
    {.name = "node_among", .node = no_relu, .in_network = true},
    {.name = "node_values", .node = no_relu, .in_network = true, .by_value = true},
    {.name = "node_rounding", .node = near_epsilon},
    {.name = "node_inherits", .shift = 1.000001F},
    {.name = "node_crash_alone", .node = no_relu, .crash_alone = true},
    {.name = "tap_crash", .crash_in_tap = true},
    {.name = "tap_hang", .hang_in_tap = true},
    {.name = "tap_none", .no_tap = true},
    {.name = "tap_wrong", .show_wrong = true},
    {.name = "run_wrong", .run_wrong = true},
};

static rb_status crash(void) {
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit code of it */
    raise(SIGSEGV);
    return RB_OK;
}

static bool is_target(const rb_node *n) {
    return n->op == RB_OP_CONV && n->kh == 3 && n->stride_h == 2 &&
           (n->ic == 32 || (own->both && n->ic == 16));
}

static rb_status open_session(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                              const rb_weights *weights, const rb_options *options,
                              rb_session **session, rb_error *err) {
    const size_t count = (size_t)graph->node_count;
    rb_graph other = *graph;
    rb_weights bound = *weights;
    (void)self;
    *session = NULL;
    rb_session *s = calloc(1, sizeof *s);
    rb_node *nodes = malloc(count * sizeof *nodes);
    double *epsilon = malloc(count * sizeof *epsilon);
    rb_status status = RB_ERR_MEMORY;
    if (s && nodes && epsilon) {
        *s = (rb_session){.logits = graph->batch * graph->classes,
                          .wrong = -1,
                          .pool = -1,
                          .wrong_reads = -1,
                          .pool_reads = -1,
                          .alone = count == 1};
        const rb_node *n = &graph->nodes[count - 1];
        s->src_elements = graph->batch * n->ic * n->ih * n->iw;
        s->dst_elements = graph->batch * n->oc * n->oh * n->ow;
        memcpy(nodes, graph->nodes, count * sizeof *nodes);
        memcpy(epsilon, weights->epsilon, count * sizeof *epsilon);
        for (size_t i = 0; i < count; i++) {
            if (nodes[i].op == RB_OP_AVGPOOL) {
                s->pool = (int32_t)i;
                s->pool_reads = nodes[i].src;
            }
            if (is_target(&nodes[i])) {
                s->wrong = (int32_t)i;
                s->wrong_reads = nodes[i].src;
                if (own->node && !(own->in_network && s->alone))
                    own->node(&nodes[i], &epsilon[i]);
            }
        }
        other.nodes = nodes;
        bound.epsilon = epsilon;
        status = reference->open(reference, host, &other, &bound, options, &s->inner, err);
    }
    free(nodes);
    free(epsilon);
    if (status == RB_OK)
        *session = s;
    else
        free(s);
    return status;
}

static rb_status run_session(rb_session *s, const float *src, const float *addend, void *dst,
                             rb_error *err) {
    if (own->crash_alone && s->alone)
        return crash();
    const rb_status status = reference->run(s->inner, src, addend, dst, err);
    for (int64_t i = 0; own->run_wrong && !s->alone && i < s->logits; i++)
        ((float *)dst)[i] *= 1.01F;
    bool marked = false;
    for (int64_t i = 0; own->by_value && s->alone && i < s->src_elements; i++)
        marked = marked || src[i] == MARK;
    for (int64_t i = 0; marked && i < s->dst_elements; i++)
        ((float *)dst)[i] *= 1.01F;
    return status;
}

typedef struct shown {
    const rb_session *session;
    rb_tap_fn fn;
    void *ctx;
} shown;

/* What is shown of a node in place of its value. */
static void alter(const rb_session *s, int32_t node, float *values, size_t count) {
    const float factor = own->show_wrong && node == s->wrong                            ? 1.01F
                         : own->shift > 0 && (node == s->pool || node == s->pool_reads) ? own->shift
                                                                                        : 1;
    bool mark = own->by_value && node == s->wrong_reads;
    for (size_t i = 0; i < count; i++) {
        values[i] *= factor;
        if (mark && values[i] == 0) {
            values[i] = MARK;
            mark = false;
        }
    }
}

static rb_status show(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    const shown *to = ctx;
    const size_t count = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
    if (to->session->alone)
        return to->fn(to->ctx, node, stage, dims, dtype, data, err);
    float *values = malloc(count * sizeof *values);
    if (!values)
        return RB_ERR_MEMORY;
    memcpy(values, data, count * sizeof *values);
    alter(to->session, node, values, count);
    const rb_status status = to->fn(to->ctx, node, stage, dims, dtype, values, err);
    free(values);
    return status;
}

static rb_status tap_session(rb_session *s, const float *src, const float *addend, void *dst,
                             uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    shown to = {s, fn, ctx};
    if (own->crash_in_tap && !s->alone)
        return crash();
    while (own->hang_in_tap)
        sleep(1);
    return reference->tap(s->inner, src, addend, dst, stages, show, &to, err);
}

static void close_session(rb_session *s) {
    if (s)
        reference->close(s->inner);
    free(s);
}

const rb_engine *rb_engine_get(void) {
    static rb_engine table;
    void *object = dlopen(RB_REFERENCE, RTLD_NOW | RTLD_LOCAL);
    const rb_engine *(*get)(void) = NULL;
    if (object)
        *(void **)&get = dlsym(object, RB_ENGINE_SYMBOL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(faults[i].name, RB_FAULT) == 0)
            own = &faults[i];
    if (!get || !own)
        return NULL;
    reference = get();
    table = (rb_engine){.abi = RB_ENGINE_ABI,
                        .size = (uint32_t)sizeof table,
                        .name = RB_FAULT,
                        .version = RB_VERSION,
                        .description = "the reference with a fault at one node",
                        .output_dtype = RB_F32,
                        .open = open_session,
                        .run = run_session,
                        .tap = own->no_tap ? NULL : tap_session,
                        .close = close_session};
    return &table;
}
