#include "bench/case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/case_parts.h"
#include "bench/clock.h"
#include "bench/engine_loader.h"
#include "bench/fault.h"
#include "bench/machine.h"
#include "model/graph_cost.h"

rb_status rb_case_status_of_engine(rb_status status) {
    return status == RB_OK || status == RB_ERR_UNSUPPORTED ? status : RB_ERR_ENGINE;
}

bool rb_case_keeps_weights(const rb_case *c) {
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
    if (!c->source.is_problem && !rb_case_keeps_weights(c))
        return RB_OK;
    if (rb_case_source_fingerprint(&c->source) == c->weights_before)
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its weights", c->engine->name);
}

/* Opens the session on the source's weights, which are dropped unless the engine keeps them. */
static rb_status open_session(rb_case *c, rb_error *err) {
    if (c->source.is_problem || rb_case_keeps_weights(c))
        c->weights_before = rb_case_source_fingerprint(&c->source);
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_memory_mark_weights(&c->marks, rb_case_source_weight_bytes(&c->source));
    const int64_t start = rb_now_ns();
    rb_status status = rb_case_status_of_engine(
        c->engine->open(c->engine, rb_host_memory_table(c->host), c->source.graph,
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
    if (!rb_case_keeps_weights(c))
        rb_case_source_drop_weights(&c->source);
    return status;
}

/* What the engine is given, for the source that c has. */
static rb_status make_buffers(rb_case *c, int32_t threads, rb_guard guard, bool verbose,
                              rb_error *err) {
    const rb_status status =
        rb_machine_check_memory("the input and output of this case", rb_case_buffer_bytes(c), err);
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

size_t rb_case_logits_count(const rb_case *c) {
    return (size_t)(c->source.graph->batch * c->source.graph->classes);
}

size_t rb_case_dst_bytes(const rb_case *c) {
    return rb_case_logits_count(c) *
           (c->engine->output_dtype == RB_F64 ? sizeof(double) : sizeof(float));
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

void rb_case_poison(rb_case *c) {
    for (size_t i = 0; i < rb_case_logits_count(c); i++)
        if (c->engine->output_dtype == RB_F64)
            ((double *)c->dst)[i] = NAN;
        else
            ((float *)c->dst)[i] = NAN;
}

rb_case_given rb_case_given_now(const rb_case *c, int inputs) {
    rb_case_given given = {
        .addend = rb_fingerprint(RB_FINGERPRINT_START, c->addend, rb_case_addend_bytes(c)),
        .allocations = rb_host_memory_count(c->host)};
    for (int i = 0; i < inputs; i++)
        given.src[i] = rb_fingerprint(RB_FINGERPRINT_START, c->src[i], rb_case_src_bytes(c));
    return given;
}

rb_status rb_case_check_given(const rb_case *c, const rb_case_given *before, int inputs,
                              rb_error *err) {
    rb_status status = check_guards(c, err);
    if (status == RB_OK && rb_case_keeps_weights(c))
        status = check_weights(c, err);
    if (status != RB_OK)
        return status;
    const rb_case_given now = rb_case_given_now(c, inputs);
    for (int i = 0; i < inputs; i++)
        if (now.src[i] != before->src[i])
            return rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its input", c->engine->name);
    if (now.addend != before->addend)
        return rb_fail(err, RB_ERR_ENGINE, "engine %s has changed its addend", c->engine->name);
    return RB_OK;
}

rb_status rb_case_check_allocations(const rb_case *c, const rb_case_given *before, rb_error *err) {
    return rb_host_memory_count(c->host) == before->allocations
               ? RB_OK
               : rb_fail(err, RB_ERR_ENGINE, "engine %s allocates while it runs", c->engine->name);
}

rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err) {
    const rb_case_given before = rb_case_given_now(c, 1);
    *dst = c->dst;
    rb_case_poison(c);
    const rb_page_faults faults = rb_page_faults_now();
    const int64_t start = rb_now_ns();
    rb_status status = rb_case_status_of_engine(
        rb_case_call_engine(NULL, c->engine, c->session, c->src[0], c->addend, c->dst, err));
    *run_ns = (double)(rb_now_ns() - start);
    rb_memory_mark_first_run(&c->marks, faults);
    if (status == RB_OK)
        status = rb_case_check_given(c, &before, 1, err);
    return status == RB_OK ? rb_case_check_allocations(c, &before, err) : status;
}

rb_status rb_case_tap(rb_case *c, rb_tap_fn fn, void *ctx, rb_error *err) {
    if (!c->engine->tap)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "engine %s does not show the values of its nodes",
                       c->engine->name);
    const rb_case_given before = rb_case_given_now(c, 1);
    rb_case_poison(c);
    const rb_status status = rb_case_status_of_engine(
        c->engine->tap(c->session, c->src[0], c->addend, c->dst, RB_STAGE_VALUE, fn, ctx, err));
    return status == RB_OK ? rb_case_check_given(c, &before, 1, err) : status;
}
