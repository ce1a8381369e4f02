#include "bench/case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/case_source.h"
#include "bench/clock.h"
#include "bench/engine_loader.h"
#include "bench/evict.h"
#include "bench/fault.h"
#include "bench/guarded.h"
#include "bench/host_memory.h"
#include "bench/machine.h"
#include "bench/process_memory.h"
#include "model/graph_cost.h"

struct rb_case {
    const rb_engine *engine;
    rb_case_source source;
    rb_host_memory *host;
    rb_session *session;
    float *src[RB_CASE_INPUTS]; /* (batch, channels, height, width), guarded */
    float *addend;              /* (batch, oc, oh, ow), guarded; NULL where no node reads it */
    void *dst;                  /* (batch, classes) of engine->output_dtype, guarded */
    void *last[RB_CASE_INPUTS]; /* while timing: the logits of the last call on each input */
    const rb_case_calls *calls; /* while timing */
    rb_evictor *evictor;        /* while timing with cold caches; else NULL */
    rb_meter *meter;            /* of timed calls; may be NULL */
    size_t timed_calls;
    size_t non_finite; /* logits of timed calls that are NaN, infinite or unwritten */
    double open_ns;
    uint64_t weights_before; /* fingerprint of what the engine was given */
    rb_memory_marks marks;
};

/* What an engine may say of itself; every other status would speak for somebody else. */
static rb_status status_of_engine(rb_status status) {
    return status == RB_OK || status == RB_ERR_UNSUPPORTED ? status : RB_ERR_ENGINE;
}

static bool keeps_weights(const rb_case *c) {
    return c->engine->flags & RB_ENGINE_KEEPS_WEIGHTS;
}

static rb_status check_guards(const rb_case *c, rb_error *err) {
    const char *what = !rb_guarded_intact(c->dst)                   ? "logits"
                       : c->addend && !rb_guarded_intact(c->addend) ? "addend"
                       : !rb_case_source_intact(&c->source)         ? "weights"
                       : !rb_host_memory_intact(c->host)            ? "a buffer of its own"
                                                                    : NULL;
    for (int i = 0; !what && i < RB_CASE_INPUTS; i++)
        if (!rb_guarded_intact(c->src[i]))
            what = "input";
    if (!what)
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has written past the ends of %s", c->engine->name,
                   what);
}

/* Of weights that are still there, and of which it is known what they were. */
static rb_status check_weights(const rb_case *c, rb_error *err) {
    if (!c->source.is_problem && !keeps_weights(c))
        return RB_OK;
    if (rb_case_source_fingerprint(&c->source) == c->weights_before)
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its weights", c->engine->name);
}

/* Opens the session on the source's weights, which are dropped unless the engine keeps them. */
static rb_status open_session(rb_case *c, rb_error *err) {
    if (c->source.is_problem || keeps_weights(c))
        c->weights_before = rb_case_source_fingerprint(&c->source);
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_memory_mark_weights(&c->marks, rb_case_source_weight_bytes(&c->source));
    const int64_t start = rb_now_ns();
    rb_status status =
        status_of_engine(c->engine->open(c->engine, rb_host_memory_table(c->host), c->source.graph,
                                         &c->source.weights, &options, &c->session, err));
    c->open_ns = (double)(rb_now_ns() - start);
    rb_memory_mark_open(&c->marks);
    if (status == RB_OK && !c->session)
        status = rb_fail(err, RB_ERR_ENGINE, "open of engine %s succeeded without a session",
                         c->engine->name);
    if (status == RB_OK)
        status = check_guards(c, err);
    if (status == RB_OK)
        status = check_weights(c, err);
    if (!keeps_weights(c))
        rb_case_source_drop_weights(&c->source);
    return status;
}

/* Of inputs, addend and logits. */
static double buffer_bytes(const rb_case *c) {
    return (double)RB_CASE_INPUTS * (double)rb_case_src_bytes(c) + (double)rb_case_addend_bytes(c) +
           (1.0 + RB_CASE_INPUTS) * (double)rb_case_dst_bytes(c);
}

/* What the engine is given, for the source that c has. */
static rb_status make_buffers(rb_case *c, int32_t threads, rb_guard guard, bool verbose,
                              rb_error *err) {
    const rb_status status =
        rb_machine_check_memory("the input and output of this case", buffer_bytes(c), err);
    if (status != RB_OK)
        return status;
    c->host = rb_host_memory_create(threads, guard, verbose);
    c->dst = rb_guarded_alloc(rb_case_dst_bytes(c), guard, "its dst");
    bool whole = c->host && c->dst;
    for (int i = 0; i < RB_CASE_INPUTS; i++) {
        c->src[i] = rb_guarded_alloc(rb_case_src_bytes(c), guard, "its src");
        c->last[i] = malloc(rb_case_dst_bytes(c));
        whole = whole && c->src[i] && c->last[i];
    }
    if (rb_case_addend_bytes(c) > 0) {
        c->addend = rb_guarded_alloc(rb_case_addend_bytes(c), guard, "its addend");
        whole = whole && c->addend;
    }
    return whole ? RB_OK
                 : rb_fail(err, RB_ERR_MEMORY, "no memory for the input of %s",
                           c->source.graph->name);
}

static rb_case *create(rb_error *err) {
    rb_case *c = calloc(1, sizeof *c);
    if (c)
        rb_memory_mark_start(&c->marks);
    else
        rb_fail(err, RB_ERR_MEMORY, "no memory for a case");
    return c;
}

static rb_status finish(rb_case *c, rb_status status, rb_case **opened) {
    if (status == RB_OK)
        *opened = c;
    else
        rb_case_close(c);
    return status;
}

/* All but the source, which the caller makes once the engine is there. */
static rb_status open_rest(rb_case *c, int32_t threads, rb_guard guard, bool verbose,
                           rb_error *err) {
    const rb_status status = make_buffers(c, threads, guard, verbose, err);
    return status == RB_OK ? open_session(c, err) : status;
}

static rb_status load_engine(rb_case *c, const char *path, rb_error *err) {
    const rb_status status = rb_engine_load(path, &c->engine, err);
    if (status == RB_OK)
        rb_fault_name_engine(c->engine->name);
    rb_memory_mark_engine(&c->marks);
    return status;
}

rb_status rb_case_open(const rb_case_spec *spec, rb_case **opened, rb_error *err) {
    *opened = NULL;
    rb_case *c = create(err);
    if (!c)
        return RB_ERR_MEMORY;
    rb_status status = load_engine(c, spec->engine_path, err);
    if (status == RB_OK)
        status = rb_case_source_network(spec, &c->source, err);
    if (status == RB_OK)
        status = open_rest(c, spec->threads, RB_GUARD_BYTES, spec->verbose, err);
    return finish(c, status, opened);
}

rb_status rb_case_open_problem(const rb_case_problem *spec, rb_case **opened, rb_error *err) {
    *opened = NULL;
    rb_case *c = create(err);
    if (!c)
        return RB_ERR_MEMORY;
    rb_status status = load_engine(c, spec->engine_path, err);
    if (status == RB_OK)
        status = rb_case_source_problem(spec, &c->source, err);
    if (status == RB_OK)
        status = open_rest(c, spec->threads, spec->guard, spec->verbose, err);
    return finish(c, status, opened);
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
    rb_guarded_free(c->addend);
    rb_guarded_free(c->dst);
    rb_host_memory_destroy(c->host);
    rb_case_source_release(&c->source);
    free(c);
}

rb_case_facts rb_case_facts_of(const rb_case *c) {
    return (rb_case_facts){.engine = c->engine,
                           .graph = c->source.graph,
                           .load_ns = c->source.load_ns,
                           .open_ns = c->open_ns};
}

const char *rb_case_kernel(const rb_case *c, int32_t node) {
    const char *kernel = c->engine->kernel ? c->engine->kernel(c->session, node) : NULL;
    return kernel ? kernel : "";
}

rb_algorithm rb_case_algorithm(const rb_case *c, int32_t node) {
    return c->engine->algorithm ? c->engine->algorithm(c->session, node) : RB_ALGORITHM_DIRECT;
}

int64_t rb_case_executed_macs(const rb_case *c, int32_t node) {
    const int64_t told = c->engine->executed_macs ? c->engine->executed_macs(c->session, node) : -1;
    return told < 0 ? -1 : told;
}

size_t rb_case_src_bytes(const rb_case *c) {
    return (size_t)rb_graph_input_bytes(c->source.graph);
}

size_t rb_case_addend_bytes(const rb_case *c) {
    const rb_graph *graph = c->source.graph;
    return graph->nodes[graph->node_count - 1].add == RB_VALUE_ADDEND
               ? (size_t)(graph->batch * graph->classes) * sizeof(float)
               : 0;
}

static size_t logits_count(const rb_case *c) {
    return (size_t)(c->source.graph->batch * c->source.graph->classes);
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

rb_status rb_case_set_addend(rb_case *c, const void *addend, size_t bytes, rb_error *err) {
    if (!c->addend)
        return rb_fail(err, RB_ERR_USAGE, "an addend, where nothing is added");
    if (bytes != rb_case_addend_bytes(c))
        return rb_fail(err, RB_ERR_USAGE, "an addend of %zu bytes, expected %zu", bytes,
                       rb_case_addend_bytes(c));
    memcpy(c->addend, addend, bytes);
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

typedef struct rb_fingerprints {
    uint64_t src, addend;
} rb_fingerprints;

static rb_fingerprints fingerprints(const rb_case *c) {
    return (rb_fingerprints){
        rb_fingerprint(RB_FINGERPRINT_START, c->src[0], rb_case_src_bytes(c)),
        rb_fingerprint(RB_FINGERPRINT_START, c->addend, rb_case_addend_bytes(c))};
}

/* What holds after every call, whatever it has computed. */
static rb_status check_call(const rb_case *c, rb_fingerprints before, rb_error *err) {
    rb_status status = check_guards(c, err);
    if (status == RB_OK && keeps_weights(c))
        status = check_weights(c, err);
    const rb_fingerprints after = fingerprints(c);
    if (status != RB_OK || (after.src == before.src && after.addend == before.addend))
        return status;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its %s", c->engine->name,
                   after.src == before.src ? "addend" : "input");
}

/* count: rb_host_memory_count before the calls. */
static rb_status check_allocations(const rb_case *c, size_t count, rb_error *err) {
    return rb_host_memory_count(c->host) == count
               ? RB_OK
               : rb_fail(err, RB_ERR_ENGINE, "engine %s allocates while it runs", c->engine->name);
}

rb_status rb_case_call_engine(void *ctx, const rb_engine *engine, rb_session *session,
                              const float *src, const float *addend, void *dst, rb_error *err) {
    (void)ctx;
    return engine->run(session, src, addend, dst, err);
}

rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err) {
    const rb_fingerprints before = fingerprints(c);
    const size_t allocations = rb_host_memory_count(c->host);
    *dst = c->dst;
    poison(c);
    const rb_page_faults faults = rb_page_faults_now();
    const int64_t start = rb_now_ns();
    rb_status status = status_of_engine(
        rb_case_call_engine(NULL, c->engine, c->session, c->src[0], c->addend, c->dst, err));
    *run_ns = (double)(rb_now_ns() - start);
    rb_memory_mark_first_run(&c->marks, faults);
    if (status == RB_OK)
        status = check_call(c, before, err);
    return status == RB_OK ? check_allocations(c, allocations, err) : status;
}

rb_status rb_case_tap(rb_case *c, rb_tap_fn fn, void *ctx, rb_error *err) {
    if (!c->engine->tap)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "engine %s does not show the values of its nodes",
                       c->engine->name);
    const rb_fingerprints before = fingerprints(c);
    poison(c);
    const rb_status status = status_of_engine(
        c->engine->tap(c->session, c->src[0], c->addend, c->dst, RB_STAGE_VALUE, fn, ctx, err));
    return status == RB_OK ? check_call(c, before, err) : status;
}

static void before_timed_call(void *ctx) {
    rb_case *c = ctx;
    poison(c);
    if (c->evictor)
        rb_evictor_run(c->evictor);
    if (c->meter)
        rb_meter_call_begins(c->meter);
}

static rb_status timed_call(void *ctx, rb_error *err) {
    rb_case *c = ctx;
    return status_of_engine(c->calls->call(c->calls->ctx, c->engine, c->session,
                                           c->src[c->timed_calls % RB_CASE_INPUTS], c->addend,
                                           c->dst, err));
}

/* Between two calls the caches may be emptied, which takes energy that is not the calls'. */
static void start_timed_calls(void *ctx) {
    rb_case *c = ctx;
    if (c->meter)
        rb_meter_start(c->meter, !c->evictor);
}

static void after_timed_call(void *ctx) {
    rb_case *c = ctx;
    if (c->meter)
        rb_meter_call_ends(c->meter);
    for (size_t i = 0; i < logits_count(c); i++)
        c->non_finite += isfinite(logit(c, i)) ? 0 : 1;
    memcpy(c->last[c->timed_calls % RB_CASE_INPUTS], c->dst, rb_case_dst_bytes(c));
    if (c->calls->after)
        c->calls->after(c->calls->ctx, (int)(c->timed_calls % RB_CASE_INPUTS), c->dst);
    c->timed_calls++;
}

rb_status rb_case_time_calls(rb_case *c, const rb_timing_spec *spec, const rb_case_calls *calls,
                             rb_timing_sample *samples, const void *dst[RB_CASE_INPUTS],
                             rb_error *err) {
    const rb_timing_body body = {.start = start_timed_calls,
                                 .before = before_timed_call,
                                 .call = timed_call,
                                 .after = after_timed_call,
                                 .ctx = c};
    const size_t allocations = rb_host_memory_count(c->host);
    c->calls = calls;
    c->timed_calls = 0;
    c->non_finite = 0;
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        dst[i] = c->last[i];
    rb_status status = spec->cold ? rb_evictor_create(&c->evictor, err) : RB_OK;
    if (status == RB_OK)
        status = rb_timing_run(spec, &body, samples, err);
    rb_evictor_destroy(c->evictor);
    c->evictor = NULL;
    if (status == RB_OK)
        status = check_guards(c, err);
    if (status == RB_OK && keeps_weights(c))
        status = check_weights(c, err);
    if (status == RB_OK)
        status = check_allocations(c, allocations, err);
    if (status == RB_OK && c->non_finite > 0)
        status = rb_fail(err, RB_ERR_ENGINE,
                         "timed calls of engine %s left %zu logits NaN, infinite or unwritten",
                         c->engine->name, c->non_finite);
    return status;
}

rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void *dst[RB_CASE_INPUTS], rb_error *err) {
    return rb_case_time_calls(c, spec, &(rb_case_calls){.call = rb_case_call_engine}, samples, dst,
                              err);
}

/* What the engine holds as far as the harness knows: the host's account, and weights that the
 * engine reads where they lie. */
static rb_memory known_memory(const rb_case *c) {
    rb_memory known = rb_host_memory_held(c->host);
    if (keeps_weights(c))
        known.bytes[RB_MEMORY_WEIGHTS] += rb_case_source_weight_bytes(&c->source);
    return known;
}

static rb_status judge_memory(const rb_case *c, rb_memory *memory, rb_error *err) {
    static const char *const kinds[RB_MEMORY_KINDS] = {"weights", "activations", "scratch"};
    const rb_memory held = rb_host_memory_held(c->host), known = known_memory(c);
    const int64_t all = rb_process_memory_now().virtual_bytes;
    rb_status status = status_of_engine(c->engine->memory(c->session, memory, err));
    for (int kind = 0; status == RB_OK && kind < RB_MEMORY_KINDS; kind++) {
        const int64_t told = memory->bytes[kind];
        if (told == -1)
            memory->bytes[kind] = known.bytes[kind] > 0 ? known.bytes[kind] : -1;
        else if (told < held.bytes[kind])
            status =
                rb_fail(err, RB_ERR_ENGINE,
                        "engine %s reports %lld bytes of %s but holds %lld of the host's",
                        c->engine->name, (long long)told, kinds[kind], (long long)held.bytes[kind]);
        else if (all >= 0 && told > all)
            status = rb_fail(err, RB_ERR_ENGINE,
                             "engine %s reports %lld bytes of %s, the process never had more than "
                             "%lld",
                             c->engine->name, (long long)told, kinds[kind], (long long)all);
        else
            memory->bytes[kind] = told + known.bytes[kind] - held.bytes[kind];
    }
    return status;
}

rb_status rb_case_memory(const rb_case *c, rb_memory *memory, rb_error *err) {
    if (c->engine->memory)
        return judge_memory(c, memory, err);
    const rb_memory known = known_memory(c);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        memory->bytes[kind] = known.bytes[kind] > 0 ? known.bytes[kind] : -1;
    return RB_OK;
}

void rb_case_set_meter(rb_case *c, rb_meter *meter) {
    c->meter = meter;
}

rb_memory_marks rb_case_marks(const rb_case *c) {
    rb_memory_marks marks = c->marks;
    rb_memory_mark_now(&marks);
    marks.ledger.host_peak_bytes = rb_host_memory_peak(c->host);
    marks.ledger.buffer_bytes = (int64_t)buffer_bytes(c);
    return marks;
}
