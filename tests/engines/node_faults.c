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
} fault;

struct rb_session {
    rb_session *inner; /* the reference's */
    int64_t logits;
    int32_t wrong; /* node; -1: none */
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
        *s =
            (rb_session){.logits = graph->batch * graph->classes, .wrong = -1, .alone = count == 1};
        memcpy(nodes, graph->nodes, count * sizeof *nodes);
        memcpy(epsilon, weights->epsilon, count * sizeof *epsilon);
        for (size_t i = 0; i < count; i++)
            if (is_target(&nodes[i])) {
                s->wrong = (int32_t)i;
                if (own->node && !(own->in_network && s->alone))
                    own->node(&nodes[i], &epsilon[i]);
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
    return status;
}

typedef struct shown {
    const rb_session *session;
    rb_tap_fn fn;
    void *ctx;
} shown;

static rb_status show(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    const shown *to = ctx;
    if (!own->show_wrong || node != to->session->wrong)
        return to->fn(to->ctx, node, stage, dims, dtype, data, err);
    const size_t count = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
    float *values = malloc(count * sizeof *values);
    if (!values)
        return RB_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        values[i] = ((const float *)data)[i] * 1.01F;
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
