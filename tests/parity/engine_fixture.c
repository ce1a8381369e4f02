#include "engine_fixture.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "loaders/synth.h"
#include "model/graph_cost.h"

#define GUARD_BYTES 64 /* a multiple of RB_ALIGNMENT */
#define GUARD_VALUE 0xA5
#define FRESH_VALUE 0xFF /* a NaN in either format */

/* Stands before each allocation, and its guard between them. */
typedef struct rb_block_header {
    size_t bytes;
    rb_memory_kind kind;
} rb_block_header;

const rb_engine *rb_test_engine(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.so", RESBENCH_ENGINE_DIR, name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail_msg("%s", dlerror());
    const rb_engine *(*get)(void);
    *(void **)&get = dlsym(library, RB_ENGINE_SYMBOL);
    if (!get)
        fail_msg("%s exports no " RB_ENGINE_SYMBOL, path);
    const rb_engine *engine = get();
    assert_int_equal(engine->abi, RB_ENGINE_ABI);
    assert_int_equal(engine->size, sizeof *engine);
    assert_string_equal(engine->name, name);
    return engine;
}

void *rb_test_alloc(size_t bytes) {
    const size_t rounded = (bytes + RB_ALIGNMENT) / RB_ALIGNMENT * RB_ALIGNMENT;
    void *memory = aligned_alloc(RB_ALIGNMENT, rounded);
    assert_non_null(memory);
    memset(memory, 0, rounded);
    return memory;
}

void rb_test_free(void *memory) {
    free(memory);
}

static void *host_alloc(void *ctx, rb_memory_kind kind, size_t bytes) {
    rb_test_host *host = ctx;
    if (host->allocations++ == host->fail_at)
        return NULL;
    const size_t rounded = (bytes + RB_ALIGNMENT - 1) / RB_ALIGNMENT * RB_ALIGNMENT;
    unsigned char *block = aligned_alloc(RB_ALIGNMENT, rounded + 3 * GUARD_BYTES);
    if (!block)
        return NULL;
    unsigned char *memory = block + 2 * GUARD_BYTES;
    const rb_block_header header = {bytes, kind};
    memcpy(block, &header, sizeof header);
    memset(block + GUARD_BYTES, GUARD_VALUE, GUARD_BYTES);
    memset(memory, FRESH_VALUE, bytes);
    memset(memory + bytes, GUARD_VALUE, rounded - bytes + GUARD_BYTES);
    host->bytes[kind] += (int64_t)bytes;
    host->blocks++;
    return memory;
}

static void host_release(void *ctx, void *memory) {
    rb_test_host *host = ctx;
    if (!memory)
        return;
    const unsigned char *after = memory;
    unsigned char *block = (unsigned char *)memory - 2 * GUARD_BYTES;
    rb_block_header header;
    memcpy(&header, block, sizeof header);
    after += header.bytes;
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (block[GUARD_BYTES + i] != GUARD_VALUE || after[i] != GUARD_VALUE)
            fail_msg("a guard byte was overwritten beside %zu bytes of kind %d", header.bytes,
                     (int)header.kind);
    host->bytes[header.kind] -= (int64_t)header.bytes;
    host->blocks--;
    memset(memory, FRESH_VALUE, header.bytes);
    free(block);
}

static void host_log(void *ctx, const char *line) {
    (void)ctx;
    print_message("%s\n", line);
}

void rb_test_host_init(rb_test_host *host, int32_t threads) {
    *host = (rb_test_host){.host = {.abi = RB_ENGINE_ABI,
                                    .size = sizeof(rb_host),
                                    .ctx = host,
                                    .threads = threads,
                                    .alloc = host_alloc,
                                    .release = host_release,
                                    .log = host_log},
                           .fail_at = -1};
}

rb_test_weights *rb_test_weights_create(const rb_graph *graph, uint64_t seed) {
    rb_test_weights *w = rb_test_alloc(sizeof *w);
    w->count = graph->tensor_count;
    w->tensors = rb_test_alloc((size_t)w->count * sizeof *w->tensors);
    w->epsilon = rb_test_alloc((size_t)graph->node_count * sizeof *w->epsilon);
    for (int32_t t = 0; t < w->count; t++) {
        const size_t elements = (size_t)rb_tensor_elements(&graph->tensors[t]);
        w->tensors[t] = rb_test_alloc(elements * sizeof(float));
        rb_synth_tensor(graph, t, seed, w->tensors[t]);
    }
    for (int32_t n = 0; n < graph->node_count; n++)
        w->epsilon[n] = graph->nodes[n].bn_weight == RB_NONE ? 0 : RB_SYNTH_EPSILON;
    w->weights = (rb_weights){.size = sizeof(rb_weights),
                              .tensors = (const float *const *)w->tensors,
                              .epsilon = w->epsilon};
    return w;
}

void rb_test_weights_add(rb_test_weights *w, float *tensor) {
    float **tensors = rb_test_alloc((size_t)(w->count + 1) * sizeof *tensors);
    memcpy(tensors, w->tensors, (size_t)w->count * sizeof *tensors);
    rb_test_free(w->tensors);
    tensors[w->count++] = tensor;
    w->tensors = tensors;
    w->weights.tensors = (const float *const *)tensors;
}

void rb_test_weights_destroy(rb_test_weights *w) {
    if (!w)
        return;
    for (int32_t t = 0; t < w->count; t++)
        rb_test_free(w->tensors[t]);
    rb_test_free(w->tensors);
    rb_test_free(w->epsilon);
    rb_test_free(w);
}

rb_test_graph *rb_test_graph_create(const char *network, int64_t batch, int64_t height,
                                    int64_t width) {
    return rb_test_graph_build(network,
                               &(rb_graph_shape){.batch = batch, .height = height, .width = width});
}

rb_test_graph *rb_test_graph_build(const char *network, const rb_graph_shape *shape) {
    rb_test_graph *g = rb_test_alloc(sizeof *g);
    const rb_network *row;
    rb_error err = {""};
    if (rb_network_find(network, &row, &err) != RB_OK)
        fail_msg("%s", err.message);
    if (rb_graph_create(row, shape, &g->origin, &err) != RB_OK)
        fail_msg("%s", err.message);
    const size_t bytes = (size_t)g->origin->node_count * sizeof *g->nodes;
    g->nodes = rb_test_alloc(bytes);
    memcpy(g->nodes, g->origin->nodes, bytes);
    g->graph = *g->origin;
    g->graph.nodes = g->nodes;
    return g;
}

void rb_test_graph_destroy(rb_test_graph *g) {
    if (!g)
        return;
    rb_graph_destroy(g->origin);
    rb_test_free(g->nodes);
    rb_test_free(g);
}

rb_node *rb_test_node(rb_test_graph *g, const char *name) {
    for (int32_t i = 0; i < g->graph.node_count; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return &g->nodes[i];
    fail_msg("no node is called %s", name);
    return NULL;
}

rb_status rb_test_open(const rb_engine *engine, const rb_test_host *host, const rb_graph *graph,
                       const rb_weights *weights, rb_session **session, rb_error *err) {
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    return engine->open(engine, &host->host, graph, weights, &options, session, err);
}

void rb_test_run(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
                 int32_t threads, const float *src, void *dst) {
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    rb_test_host_init(&host, threads);
    if (rb_test_open(engine, &host, graph, weights, &session, &err) != RB_OK ||
        engine->run(session, src, NULL, dst, &err) != RB_OK)
        fail_msg("%s", err.message);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
}
