#include "check/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/engine_loader.h"
#include "check/slices.h"
#include "check/trace_dump.h"
#include "check/trace_work.h"
#include "check/truth.h"

static const char *op_name(rb_op op) {
    static const char *const names[] = {[RB_OP_CONV] = "conv",
                                        [RB_OP_MAXPOOL] = "maxpool",
                                        [RB_OP_AVGPOOL] = "avgpool",
                                        [RB_OP_FC] = "fc",
                                        [RB_OP_SHORTCUT] = "shortcut"};
    return names[op];
}

/* An engine that fails is named; what is wrong with a file is said by itself. */
static rb_status name_engine(rb_status status, const char *engine, const rb_error *why,
                             rb_error *err) {
    if (status == RB_OK)
        return status;
    if (status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return rb_fail(err, status, "%s", why->message);
    return rb_fail(err, status, "%s: %.900s", engine, why->message);
}

static rb_status open_engine(const rb_trace_plan *plan, const rb_plan_engine *engine,
                             rb_remote **remote, rb_error *err) {
    rb_error why = {""};
    rb_case_spec spec = plan->spec;
    spec.engine_path = engine->path;
    spec.jitter = 0;
    const rb_status status = rb_remote_open(&plan->worker, &spec, remote, &why);
    return name_engine(status, engine->label, &why, err);
}

static bool is_own(const rb_plan_engine *engine, const char *name) {
    char path[RB_PATH_CAPACITY];
    rb_error err;
    return rb_engine_find_own(name, path, &err) == RB_OK && strcmp(path, engine->path) == 0;
}

/* How far an engine may be from the oracle at a node. */
static double limit_of(const rb_plan_engine *engine, const rb_chain_node *node) {
    return is_own(engine, "oracle")      ? 0
           : is_own(engine, "reference") ? node->reference_limit
                                         : node->limit;
}

static void describe_node(const rb_graph *graph, int32_t index, const rb_remote *engine,
                          rb_trace_node *to) {
    const rb_node *n = &graph->nodes[index];
    *to = (rb_trace_node){.dims = {graph->batch, n->oc, n->oh, n->ow},
                          .growth = NAN,
                          .oracle_share = NAN,
                          .against_share = NAN,
                          .step_share = NAN,
                          .alone_share = NAN};
    snprintf(to->name, sizeof to->name, "%s", n->name);
    snprintf(to->value_name, sizeof to->value_name, "%s", n->value_name);
    snprintf(to->op, sizeof to->op, "%s", op_name(n->op));
    snprintf(to->kernel, sizeof to->kernel, "%s", rb_remote_kernel(engine, index));
}

static rb_status begin(rb_trace_work *work, rb_error *err) {
    const rb_trace_plan *plan = work->plan;
    rb_trace *trace = work->trace;
    rb_status status = rb_recording_begin(&plan->spec, plan->inputs, &work->found, err);
    if (status == RB_OK)
        status = rb_recording_begin(&plan->spec, plan->inputs, &work->right, err);
    if (status == RB_OK)
        status = open_engine(plan, &plan->engine, &work->engine, err);
    if (status == RB_OK)
        status = open_engine(plan, &plan->against, &work->against, err);
    if (status != RB_OK)
        return status;
    const rb_graph *graph = work->found.source.graph;
    trace->nodes = calloc((size_t)graph->node_count, sizeof *trace->nodes);
    if (!trace->nodes)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", graph->node_count);
    trace->node_count = graph->node_count;
    snprintf(trace->network, sizeof trace->network, "%s", plan->spec.network);
    snprintf(trace->engine, sizeof trace->engine, "%s", plan->engine.label);
    snprintf(trace->against, sizeof trace->against, "%s", plan->against.label);
    snprintf(trace->engine_version, sizeof trace->engine_version, "%s",
             rb_remote_facts_of(work->engine)->engine_version);
    snprintf(trace->against_version, sizeof trace->against_version, "%s",
             rb_remote_facts_of(work->against)->engine_version);
    snprintf(trace->weights_sha256, sizeof trace->weights_sha256, "%s", plan->weights_sha256);
    snprintf(trace->input, sizeof trace->input, "%s", plan->inputs->label);
    rb_text_clean(trace->input); /* a name may have been cut within a character */
    for (int32_t i = 0; i < graph->node_count; i++)
        describe_node(graph, i, work->engine, &trace->nodes[i]);
    return RB_OK;
}

/* The engine that the other is held to, in the slice at hand: the oracle's values are there. */
static rb_status tap_against(rb_trace_work *work, rb_chain *chain, double *right, rb_error *err) {
    const size_t bytes =
        (size_t)rb_slice_elements(chain->graph, chain->first, chain->count) * sizeof *right;
    rb_error why = {""};
    if (is_own(&work->plan->against, "oracle")) {
        memcpy(right, chain->truth, bytes);
        return RB_OK;
    }
    const rb_status status = rb_chain_tap(chain, work->against, &why);
    if (status == RB_OK)
        memcpy(right, chain->values, bytes);
    return name_engine(status, work->plan->against.label, &why, err);
}

/* The largest error among what a node reads; NaN where that is the input alone. */
static double error_before(const rb_trace *trace, const rb_node *node) {
    double most = NAN;
    const int32_t operands[] = {node->src, node->add};
    for (size_t i = 0; i < 2; i++)
        if (operands[i] >= 0)
            most = fmax(most, trace->nodes[operands[i]].rel_l2);
    return most;
}

/* The error against the oracle in units of its limit; NaN where a value is NaN or infinite. */
static double share_of(const rb_chain *chain, int32_t node, const double *values, double limit) {
    const rb_parity parity =
        rb_chain_compare(chain->graph, node, rb_chain_at(chain, chain->truth, node), values);
    return parity.non_finite > 0 ? NAN : parity.worst_rel_l2 / limit;
}

static void compare_node(rb_trace_work *work, const rb_chain *chain, const double *right,
                         int32_t i) {
    const rb_trace_plan *plan = work->plan;
    const rb_graph *graph = chain->graph;
    const rb_chain_node *known = &chain->nodes[i];
    rb_trace_node *node = &work->trace->nodes[i];
    const double *found = rb_chain_at(chain, chain->values, i);
    const double *other = rb_chain_at(chain, right, i);
    const rb_parity parity = rb_chain_compare(graph, i, other, found);
    const double own = limit_of(&plan->engine, known), its = limit_of(&plan->against, known);
    char note[128];
    node->rel_l2 = parity.worst_rel_l2;
    node->non_finite = parity.non_finite;
    /* Both may be off: the limits add up. */
    node->limit = own + its > 0 ? own + its : known->limit;
    node->verdict = rb_chain_judge(&parity, node->limit, note, sizeof note);
    node->oracle_share = share_of(chain, i, found, own > 0 ? own : known->limit);
    node->against_share = share_of(chain, i, other, its > 0 ? its : known->limit);
    const double before = error_before(work->trace, &graph->nodes[i]);
    node->growth = before > 0 ? node->rel_l2 / before : NAN;
    if (node->verdict != RB_VERDICT_PASS && work->trace->first < 0)
        work->trace->first = i;
}

static rb_status compare_slice(rb_trace_work *work, rb_chain *chain, double *right,
                               rb_trace_dump *dump, rb_error *err) {
    rb_error why = {""};
    rb_status status = tap_against(work, chain, right, err);
    if (status == RB_OK)
        status = rb_trace_dump_add(dump, 1, rb_remote_output_f64(work->against), chain->first,
                                   chain->count, right, err);
    if (status == RB_OK) {
        status = rb_chain_tap(chain, work->engine, &why);
        status = name_engine(status, work->plan->engine.label, &why, err);
    }
    if (status == RB_OK)
        status = rb_trace_dump_add(dump, 0, rb_remote_output_f64(work->engine), chain->first,
                                   chain->count, chain->values, err);
    for (int32_t i = 0; status == RB_OK && i < chain->count; i++)
        compare_node(work, chain, right, chain->first + i);
    return status;
}

/* What the engine gives when nobody watches: tap may take another way. right has the last slice. */
static rb_status compare_run(rb_trace_work *work, const rb_chain *chain, const double *right,
                             rb_error *err) {
    const rb_trace_plan *plan = work->plan;
    rb_trace *trace = work->trace;
    const int32_t last = trace->node_count - 1;
    rb_error why = {""};
    char note[128];
    double run_ns;
    double *logits = calloc((size_t)(plan->spec.batch * plan->spec.classes), sizeof *logits);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits of %s", trace->network);
    const rb_status status = rb_remote_logits(work->engine, chain->input, plan->spec.batch, false,
                                              logits, &run_ns, &why);
    if (status == RB_OK) {
        const rb_parity parity =
            rb_chain_compare(chain->graph, last, rb_chain_at(chain, right, last), logits);
        trace->run_limit = trace->nodes[last].limit;
        trace->run_rel_l2 = parity.worst_rel_l2;
        trace->run_non_finite = parity.non_finite;
        trace->run = rb_chain_judge(&parity, trace->run_limit, note, sizeof note);
    }
    free(logits);
    return name_engine(status, plan->engine.label, &why, err);
}

static void tell(const rb_trace_plan *plan, double share, const char *what) {
    if (plan->on_progress)
        plan->on_progress(plan->ctx, share, what);
}

static rb_status walk(rb_trace_work *work, rb_chain *chain, double *right, rb_trace_dump *dump,
                      rb_error *err) {
    const rb_worker_options own = rb_own_worker(&work->plan->worker);
    rb_status status = RB_OK;
    for (;;) {
        tell(work->plan, (double)(chain->first + chain->count) / chain->graph->node_count / 2,
             "node by node");
        const int32_t done = chain->first + chain->count;
        if (done == chain->graph->node_count)
            return compare_run(work, chain, right, err);
        status = rb_chain_advance(chain, &own, &work->plan->spec, err);
        if (status == RB_OK)
            status = compare_slice(work, chain, right, dump, err);
        if (status != RB_OK)
            return status;
    }
}

static rb_status compare_all(rb_trace_work *work, rb_error *err) {
    const rb_graph *graph = work->found.source.graph;
    rb_chain chain;
    rb_trace_dump *dump = NULL;
    rb_status status = rb_chain_create(graph, work->found.input, &chain, err);
    if (status != RB_OK)
        return status;
    double *right = malloc((size_t)rb_slice_most(graph) * sizeof *right);
    if (!right)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the values of %s", graph->name);
    if (status == RB_OK)
        status = rb_trace_dump_create(work->plan, work->trace, graph, &dump, err);
    if (status == RB_OK)
        status = walk(work, &chain, right, dump, err);
    if (status == RB_OK)
        status = rb_trace_dump_commit(dump, work->found.input, err);
    else
        rb_trace_dump_discard(dump);
    free(right);
    rb_chain_release(&chain);
    return status;
}

rb_status rb_trace_make(const rb_trace_plan *plan, rb_trace *trace, rb_error *err) {
    rb_trace_work work = {.plan = plan, .trace = trace};
    *trace = (rb_trace){.first = -1,
                        .batch = plan->spec.batch,
                        .height = plan->spec.height,
                        .width = plan->spec.width,
                        .threads = plan->spec.threads};
    rb_status status = begin(&work, err);
    if (status == RB_OK)
        status = compare_all(&work, err);
    if (status == RB_OK && trace->first >= 0)
        status = rb_trace_find_causes(&work, err);
    rb_remote_close(work.engine);
    rb_remote_close(work.against);
    rb_recording_release(&work.found);
    rb_recording_release(&work.right);
    if (status != RB_OK)
        rb_trace_release(trace);
    return status;
}
