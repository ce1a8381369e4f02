#include "bench/case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/engine_loader.h"
#include "bench/guarded.h"
#include "bench/host_memory.h"
#include "bench/jitter.h"
#include "bench/process_memory.h"
#include "loaders/weights_file.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

struct rb_case {
    const rb_engine *engine;
    rb_graph *graph;
    rb_host_memory *host;
    rb_session *session;
    float *src[RB_CASE_INPUTS]; /* (batch, channels, height, width), guarded */
    void *dst;                  /* (batch, classes) of engine->output_dtype, guarded */
    void *last[RB_CASE_INPUTS]; /* while timing: the logits of the last call on each input */
    size_t timed_calls;
    size_t non_finite; /* logits of timed calls that are NaN, infinite or unwritten */
    double load_ns, open_ns;
    int64_t start_rss_bytes;
};

static rb_status build_graph(const rb_case_spec *spec, rb_graph **graph, rb_error *err) {
    const rb_network *network;
    rb_weights_info info;
    rb_status status = rb_network_find(spec->network, &network, err);
    if (status == RB_OK)
        status = rb_weights_read_info(spec->weights, &info, err);
    if (status != RB_OK)
        return status;
    rb_graph_shape shape = rb_weights_graph_shape(&info, spec->batch, spec->height, spec->width);
    shape.classes = spec->classes; /* what the caller has room for; loading compares */
    return rb_graph_create(network, &shape, graph, err);
}

/* What an engine may say of itself; every other status would speak for somebody else. */
static rb_status status_of_engine(rb_status status) {
    return status == RB_OK || status == RB_ERR_UNSUPPORTED ? status : RB_ERR_ENGINE;
}

/* Binds the weights to the graph's nodes and opens the session; both ways leave nothing of
 * the weights behind. */
static rb_status open_session(rb_case *c, const rb_case_spec *spec, rb_error *err) {
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_weights_set *set = NULL;
    float **moved = NULL;
    double *epsilon = calloc((size_t)c->graph->node_count, sizeof *epsilon);
    if (!epsilon)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", c->graph->node_count);
    int64_t start = rb_now_ns();
    rb_status status = rb_weights_load(spec->weights, c->graph, &set, err);
    c->load_ns = (double)(rb_now_ns() - start);
    if (status == RB_OK && spec->jitter)
        status = rb_jitter_create(c->graph, set->tensors, spec->jitter, &moved, err);
    if (status == RB_OK) {
        for (int32_t i = 0; i < c->graph->node_count; i++)
            if (c->graph->nodes[i].bn_weight != RB_NONE)
                epsilon[i] = set->info.epsilon;
        const rb_weights bound = {.tensors = moved ? (const float *const *)moved : set->tensors,
                                  .epsilon = epsilon};
        start = rb_now_ns();
        status = status_of_engine(c->engine->open(rb_host_memory_table(c->host), c->graph, &bound,
                                                  &options, &c->session, err));
        c->open_ns = (double)(rb_now_ns() - start);
    }
    rb_jitter_destroy(c->graph, moved);
    rb_weights_destroy(set);
    free(epsilon);
    if (status == RB_OK && !c->session)
        status = rb_fail(err, RB_ERR_ENGINE, "open of engine %s succeeded without a session",
                         c->engine->name);
    return status;
}

rb_status rb_case_open(const rb_case_spec *spec, rb_case **opened, rb_error *err) {
    *opened = NULL;
    rb_case *c = calloc(1, sizeof *c);
    if (!c)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a case");
    c->start_rss_bytes = rb_process_memory_now().resident_bytes;
    rb_status status = rb_engine_load(spec->engine_path, &c->engine, err);
    if (status == RB_OK)
        status = build_graph(spec, &c->graph, err);
    if (status == RB_OK) {
        c->host = rb_host_memory_create(spec->threads, spec->verbose);
        c->dst = rb_guarded_alloc(rb_case_dst_bytes(c));
        bool whole = c->host && c->dst;
        for (int i = 0; i < RB_CASE_INPUTS; i++) {
            c->src[i] = rb_guarded_alloc(rb_case_src_bytes(c));
            c->last[i] = malloc(rb_case_dst_bytes(c));
            whole = whole && c->src[i] && c->last[i];
        }
        if (!whole)
            status = rb_fail(err, RB_ERR_MEMORY, "no memory for the input of %s", spec->network);
    }
    if (status == RB_OK)
        status = open_session(c, spec, err);
    if (status == RB_OK)
        *opened = c;
    else
        rb_case_close(c);
    return status;
}

void rb_case_close(rb_case *c) {
    if (!c)
        return;
    if (c->session)
        c->engine->close(c->session);
    for (int i = 0; i < RB_CASE_INPUTS; i++) {
        rb_guarded_free(c->src[i]);
        free(c->last[i]);
    }
    rb_guarded_free(c->dst);
    rb_host_memory_destroy(c->host);
    rb_graph_destroy(c->graph);
    free(c);
}

rb_case_facts rb_case_facts_of(const rb_case *c) {
    return (rb_case_facts){.engine = c->engine,
                           .graph = c->graph,
                           .load_ns = c->load_ns,
                           .open_ns = c->open_ns,
                           .start_rss_bytes = c->start_rss_bytes};
}

const char *rb_case_kernel(const rb_case *c, int32_t node) {
    const char *kernel = c->engine->kernel ? c->engine->kernel(c->session, node) : NULL;
    return kernel ? kernel : "";
}

size_t rb_case_src_bytes(const rb_case *c) {
    return (size_t)rb_graph_input_bytes(c->graph);
}

static size_t logits_count(const rb_case *c) {
    return (size_t)(c->graph->batch * c->graph->classes);
}

size_t rb_case_dst_bytes(const rb_case *c) {
    return logits_count(c) * (c->engine->output_dtype == RB_F64 ? sizeof(double) : sizeof(float));
}

rb_status rb_case_set_input(rb_case *c, int index, const void *src, size_t bytes, rb_error *err) {
    if (index < 0 || index >= RB_CASE_INPUTS || bytes != rb_case_src_bytes(c))
        return rb_fail(err, RB_ERR_USAGE, "input %d of %zu bytes, expected 0..%d of %zu", index,
                       bytes, RB_CASE_INPUTS - 1, rb_case_src_bytes(c));
    memcpy(c->src[index], src, bytes);
    return RB_OK;
}

static double logit(const rb_case *c, size_t i) {
    return c->engine->output_dtype == RB_F64 ? ((const double *)c->dst)[i]
                                             : (double)((const float *)c->dst)[i];
}

/* No engine may pass with what an earlier call has left. */
static void poison(rb_case *c) {
    for (size_t i = 0; i < logits_count(c); i++)
        if (c->engine->output_dtype == RB_F64)
            ((double *)c->dst)[i] = NAN;
        else
            ((float *)c->dst)[i] = NAN;
}

static rb_status check_guards(const rb_case *c, rb_error *err) {
    const char *what = !rb_guarded_intact(c->dst)        ? "logits"
                       : !rb_host_memory_intact(c->host) ? "a buffer of its own"
                                                         : NULL;
    for (int i = 0; !what && i < RB_CASE_INPUTS; i++)
        if (!rb_guarded_intact(c->src[i]))
            what = "input";
    if (!what)
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has written past the ends of %s", c->engine->name,
                   what);
}

/* Order-dependent, so that a changed input is told from an unchanged one. */
static uint64_t fingerprint(const float *values, size_t bytes) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < bytes / sizeof *values; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001B3u;
    }
    return hash;
}

rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err) {
    const uint64_t before = fingerprint(c->src[0], rb_case_src_bytes(c));
    *dst = c->dst;
    poison(c);
    const int64_t start = rb_now_ns();
    rb_status status = status_of_engine(c->engine->run(c->session, c->src[0], c->dst, err));
    *run_ns = (double)(rb_now_ns() - start);
    if (status == RB_OK)
        status = check_guards(c, err);
    if (status == RB_OK && fingerprint(c->src[0], rb_case_src_bytes(c)) != before)
        status = rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its input", c->engine->name);
    return status;
}

static void before_timed_call(void *ctx) {
    poison(ctx);
}

static rb_status timed_call(void *ctx, rb_error *err) {
    rb_case *c = ctx;
    return status_of_engine(
        c->engine->run(c->session, c->src[c->timed_calls % RB_CASE_INPUTS], c->dst, err));
}

static void after_timed_call(void *ctx) {
    rb_case *c = ctx;
    for (size_t i = 0; i < logits_count(c); i++)
        c->non_finite += isfinite(logit(c, i)) ? 0 : 1;
    memcpy(c->last[c->timed_calls++ % RB_CASE_INPUTS], c->dst, rb_case_dst_bytes(c));
}

rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void *dst[RB_CASE_INPUTS], rb_error *err) {
    const rb_timing_body body = {
        .before = before_timed_call, .call = timed_call, .after = after_timed_call, .ctx = c};
    const size_t allocations = rb_host_memory_count(c->host);
    c->timed_calls = 0;
    c->non_finite = 0;
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        dst[i] = c->last[i];
    rb_status status = rb_timing_run(spec, &body, samples, err);
    if (status == RB_OK)
        status = check_guards(c, err);
    if (status == RB_OK && rb_host_memory_count(c->host) != allocations)
        status = rb_fail(err, RB_ERR_ENGINE, "engine %s allocates while it runs", c->engine->name);
    if (status == RB_OK && c->non_finite > 0)
        status = rb_fail(err, RB_ERR_ENGINE,
                         "timed calls of engine %s left %zu logits NaN, infinite or unwritten",
                         c->engine->name, c->non_finite);
    return status;
}

rb_status rb_case_memory(const rb_case *c, rb_memory *memory, rb_error *err) {
    static const char *const kinds[RB_MEMORY_KINDS] = {"weights", "activations", "scratch"};
    const rb_memory held = rb_host_memory_held(c->host);
    const int64_t all = rb_process_memory_now().virtual_bytes;
    if (!c->engine->memory) {
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
            memory->bytes[kind] = held.bytes[kind] > 0 ? held.bytes[kind] : -1;
        return RB_OK;
    }
    rb_status status = status_of_engine(c->engine->memory(c->session, memory, err));
    for (int kind = 0; status == RB_OK && kind < RB_MEMORY_KINDS; kind++) {
        const int64_t told = memory->bytes[kind];
        if (told == -1 && held.bytes[kind] > 0)
            memory->bytes[kind] = held.bytes[kind];
        else if (told != -1 && told < held.bytes[kind])
            status =
                rb_fail(err, RB_ERR_ENGINE,
                        "engine %s reports %lld bytes of %s but holds %lld of the host's",
                        c->engine->name, (long long)told, kinds[kind], (long long)held.bytes[kind]);
        else if (all >= 0 && told > all)
            status = rb_fail(err, RB_ERR_ENGINE,
                             "engine %s reports %lld bytes of %s, the process never had more than "
                             "%lld",
                             c->engine->name, (long long)told, kinds[kind], (long long)all);
    }
    return status;
}
