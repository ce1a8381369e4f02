#include "bench/case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/engine_loader.h"
#include "bench/guarded.h"
#include "bench/host_memory.h"
#include "bench/process_memory.h"
#include "loaders/weights_file.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"

struct rb_case {
    const rb_engine *engine;
    rb_graph *graph;
    rb_host_memory *host;
    rb_session *session;
    float *src; /* (batch, channels, height, width), guarded */
    void *dst;  /* (batch, classes) of engine->output_dtype, guarded */
    double load_ns, open_ns;
    int64_t start_rss_bytes;
};

static rb_status build_graph(const rb_case_spec *spec, rb_graph **graph, rb_error *err) {
    const rb_network *network;
    const rb_status status = rb_network_find(spec->network, &network, err);
    if (status != RB_OK)
        return status;
    return rb_graph_create(network,
                           &(rb_graph_shape){.batch = spec->batch,
                                             .height = spec->height,
                                             .width = spec->width,
                                             .classes = spec->classes},
                           graph, err);
}

/* Binds the weights to the graph's nodes and opens the session; both ways leave nothing of
 * the weights behind. */
static rb_status open_session(rb_case *c, const char *weights, rb_error *err) {
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_weights_set *set = NULL;
    double *epsilon = calloc((size_t)c->graph->node_count, sizeof *epsilon);
    if (!epsilon)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", c->graph->node_count);
    int64_t start = rb_now_ns();
    rb_status status = rb_weights_load(weights, c->graph, &set, err);
    c->load_ns = (double)(rb_now_ns() - start);
    if (status == RB_OK) {
        for (int32_t i = 0; i < c->graph->node_count; i++)
            if (c->graph->nodes[i].bn_weight != RB_NONE)
                epsilon[i] = set->info.epsilon;
        const rb_weights bound = {.tensors = set->tensors, .epsilon = epsilon};
        start = rb_now_ns();
        status = c->engine->open(rb_host_memory_table(c->host), c->graph, &bound, &options,
                                 &c->session, err);
        c->open_ns = (double)(rb_now_ns() - start);
    }
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
        c->src = rb_guarded_alloc(rb_case_src_bytes(c));
        c->dst = rb_guarded_alloc(rb_case_dst_bytes(c));
        if (!c->host || !c->src || !c->dst)
            status = rb_fail(err, RB_ERR_MEMORY, "no memory for the input of %s", spec->network);
    }
    if (status == RB_OK)
        status = open_session(c, spec->weights, err);
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
    rb_guarded_free(c->src);
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

rb_status rb_case_set_input(rb_case *c, const void *src, size_t bytes, rb_error *err) {
    if (bytes != rb_case_src_bytes(c))
        return rb_fail(err, RB_ERR_USAGE, "input has %zu bytes, expected %zu", bytes,
                       rb_case_src_bytes(c));
    memcpy(c->src, src, bytes);
    return RB_OK;
}

/* No engine may pass with what an earlier call has left. */
static void poison(void *ctx) {
    rb_case *c = ctx;
    for (size_t i = 0; i < logits_count(c); i++)
        if (c->engine->output_dtype == RB_F64)
            ((double *)c->dst)[i] = NAN;
        else
            ((float *)c->dst)[i] = NAN;
}

static rb_status check_guards(const rb_case *c, rb_error *err) {
    const char *what = !rb_guarded_intact(c->dst)        ? "logits"
                       : !rb_guarded_intact(c->src)      ? "input"
                       : !rb_host_memory_intact(c->host) ? "a buffer of its own"
                                                         : NULL;
    if (!what)
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has written past the ends of %s", c->engine->name,
                   what);
}

rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err) {
    *dst = c->dst;
    poison(c);
    const int64_t start = rb_now_ns();
    rb_status status = c->engine->run(c->session, c->src, c->dst, err);
    *run_ns = (double)(rb_now_ns() - start);
    return status == RB_OK ? check_guards(c, err) : status;
}

static rb_status timed_call(void *ctx, rb_error *err) {
    rb_case *c = ctx;
    return c->engine->run(c->session, c->src, c->dst, err);
}

rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void **dst, rb_error *err) {
    *dst = c->dst;
    const size_t before = rb_host_memory_count(c->host);
    const rb_timing_body body = {.prepare = poison, .call = timed_call, .ctx = c};
    rb_status status = rb_timing_run(spec, &body, samples, err);
    if (status == RB_OK)
        status = check_guards(c, err);
    if (status == RB_OK && rb_host_memory_count(c->host) != before)
        status = rb_fail(err, RB_ERR_ENGINE, "engine %s allocates while it runs", c->engine->name);
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
    rb_status status = c->engine->memory(c->session, memory, err);
    for (int kind = 0; status == RB_OK && kind < RB_MEMORY_KINDS; kind++) {
        const int64_t told = memory->bytes[kind];
        if (told != -1 && told < held.bytes[kind])
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
