#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/slices.h"
#include "check/step.h"
#include "check/trace_work.h"

#define MOST_SUSPECTS 5 /* nodes that are run alone */

/* The last node that reads a value; -1: nobody. */
static int32_t last_reader(const rb_graph *graph, int32_t value) {
    for (int32_t i = graph->node_count - 1; i > value; i--)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return i;
    return -1;
}

static rb_status record(rb_recording *recording, rb_remote *remote, int32_t value, int32_t count,
                        rb_error *err) {
    return value < 0 || recording->values[value]
               ? RB_OK
               : rb_recording_take(recording, remote, value, count, err);
}

/* Holds every node to what is right for the operands that the engine shows. */
static rb_status step_all(rb_trace_work *work, rb_step_bench *bench, rb_error *err) {
    const rb_graph *graph = work->found.source.graph;
    rb_status status = RB_OK;
    for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++) {
        rb_trace_node *node = &work->trace->nodes[i];
        rb_step step;
        if (work->plan->on_progress)
            work->plan->on_progress(work->plan->ctx, 0.5 + 0.5 * i / graph->node_count,
                                    "looking for the cause");
        status = record(&work->found, work->engine, i, rb_slice_count(graph, i), err);
        if (status == RB_OK)
            status = rb_step_recorded(bench, &work->found, i, rb_remote_algorithm(work->engine, i),
                                      &step, err);
        if (status != RB_OK)
            return status;
        node->step = step.verdict;
        node->step_share = step.share;
        const int32_t read[] = {i, graph->nodes[i].src, graph->nodes[i].add};
        for (size_t r = 0; r < 3; r++)
            if (read[r] >= 0 && last_reader(graph, read[r]) <= i)
                rb_recording_forget(&work->found, read[r]);
    }
    return status;
}

static bool is_wrong(rb_verdict verdict) {
    return verdict != RB_VERDICT_PASS && verdict != RB_VERDICT_NONE;
}

static bool is_out_of_bounds(const rb_trace *trace, int32_t value) {
    return value >= 0 && trace->nodes[value].verdict != RB_VERDICT_PASS;
}

/* A node that is right while what it reads is shown wrong has read something else. */
static bool read_something_else(const rb_trace *trace, const rb_node *node, int32_t i) {
    return trace->nodes[i].verdict == RB_VERDICT_PASS &&
           (is_out_of_bounds(trace, node->src) || is_out_of_bounds(trace, node->add));
}

static void say_share(double share, int64_t non_finite, char *text, size_t capacity) {
    if (non_finite > 0)
        snprintf(text, capacity, "%lld of its values are NaN or infinite", (long long)non_finite);
    else if (isinf(share))
        snprintf(text, capacity, "it is not exact, which a node without sums must be");
    else if (share <= 1) /* MISTRUSTED */
        snprintf(text, capacity, "its values are all the same, or far too many are 0");
    else
        snprintf(text, capacity, "it is %.*f times its limit", share < 10 ? 1 : 0, share);
}

static rb_status take_operands(rb_recording *recording, rb_remote *remote, const rb_node *node,
                               rb_error *err) {
    const rb_status status = record(recording, remote, node->src, 1, err);
    return status == RB_OK ? record(recording, remote, node->add, 1, err) : status;
}

static bool did_not_answer(rb_verdict verdict) {
    return verdict == RB_VERDICT_UNSUPPORTED || verdict == RB_VERDICT_CRASHED ||
           verdict == RB_VERDICT_TIMEOUT;
}

static void say_unknown(rb_trace *trace, rb_trace_node *node, const char *where,
                        const rb_step *alone) {
    node->cause = RB_CAUSE_UNKNOWN;
    trace->crashed = trace->crashed || alone->verdict == RB_VERDICT_CRASHED ||
                     alone->verdict == RB_VERDICT_TIMEOUT;
    snprintf(node->finding, sizeof node->finding,
             "Whether the fault is in %s cannot be told: alone %sit is %s: %.400s.", node->name,
             where, rb_verdict_name(alone->verdict), alone->note);
    rb_text_clean(node->finding); /* the note may have been cut within a character */
}

/* Wrong in the network, right alone: with what the network gives it, too? */
static rb_status judge_among_neighbours(rb_trace_work *work, rb_step_bench *bench, int32_t i,
                                        const rb_step *alone, rb_error *err) {
    rb_trace_node *node = &work->trace->nodes[i];
    rb_step own;
    char share[96], kernels[256] = "";
    const rb_status status = rb_step_alone(bench, &work->found, i, &own, err);
    if (status != RB_OK)
        return status;
    if (did_not_answer(own.verdict)) {
        say_unknown(work->trace, node, "on the engine's own values ", &own);
        return RB_OK;
    }
    if (is_wrong(own.verdict)) {
        node->cause = RB_CAUSE_VALUES;
        say_share(own.share, own.non_finite, share, sizeof share);
        snprintf(node->finding, sizeof node->finding,
                 "The fault is in %s, on some values only: alone it is right on %s's input, but on "
                 "the engine's own %s.",
                 node->name, work->trace->against, share);
        return RB_OK;
    }
    if (strcmp(alone->kernel, node->kernel) != 0)
        snprintf(kernels, sizeof kernels, " (the kernels differ: alone %s, here %s)", alone->kernel,
                 node->kernel);
    node->cause = RB_CAUSE_SURROUNDINGS;
    say_share(node->step_share, node->non_finite, share, sizeof share);
    snprintf(node->finding, sizeof node->finding,
             "%s is right alone: among its neighbours %s for the operands shown. The fault comes "
             "in by fusing, by the layout between nodes or by memory that they share%s.",
             node->name, share, kernels);
    return RB_OK;
}

static rb_status judge_inherited(rb_trace_work *work, rb_step_bench *bench, int32_t i,
                                 rb_error *err) {
    rb_trace *trace = work->trace;
    rb_trace_node *node = &trace->nodes[i];
    rb_step_inherited inherited;
    if (node->step == RB_VERDICT_NONE) {
        node->cause = RB_CAUSE_OPERANDS;
        snprintf(node->finding, sizeof node->finding,
                 "%s is right alone; what it reads in the network is NaN or infinite.", node->name);
        return RB_OK;
    }
    const rb_status status = rb_step_inherit(bench, &work->right, &work->found, i, &inherited, err);
    if (status != RB_OK)
        return status;
    if (inherited.carrier >= 0 && inherited.rel_l2 >= node->rel_l2 / 2) {
        const rb_trace_node *carrier = &trace->nodes[inherited.carrier];
        node->cause = RB_CAUSE_OPERANDS;
        snprintf(node->finding, sizeof node->finding,
                 "%s is right alone, and its value follows from what it reads, which moves it by "
                 "%.1e, most of it %s with %.0f %% of its own limit: the error is inherited.",
                 node->name, inherited.rel_l2, carrier->name,
                 100 * carrier->rel_l2 / carrier->limit);
        return RB_OK;
    }
    node->cause = RB_CAUSE_ROUNDING;
    snprintf(node->finding, sizeof node->finding,
             "%s is less exact than the reference's sums are there: what it reads moves it by %.1e "
             "only, the rest is its own, although within what one operation may lose: alone it has "
             "%.0f %% of that limit.",
             node->name, inherited.rel_l2, 100 * node->alone_share);
    return RB_OK;
}

static rb_status judge_suspect(rb_trace_work *work, rb_step_bench *bench, int32_t i,
                               rb_error *err) {
    const rb_node *n = &work->found.source.graph->nodes[i];
    rb_trace_node *node = &work->trace->nodes[i];
    rb_step alone;
    char share[96];
    rb_status status = take_operands(&work->right, work->against, n, err);
    if (status == RB_OK)
        status = take_operands(&work->found, work->engine, n, err);
    if (status == RB_OK)
        status = rb_step_alone(bench, &work->right, i, &alone, err);
    if (status != RB_OK)
        return status;
    node->alone = alone.verdict;
    node->alone_share = alone.share;
    if (did_not_answer(alone.verdict)) {
        say_unknown(work->trace, node, "", &alone);
        return RB_OK;
    }
    if (is_wrong(alone.verdict)) {
        node->cause = RB_CAUSE_NODE;
        say_share(alone.share, alone.non_finite, share, sizeof share);
        snprintf(node->finding, sizeof node->finding,
                 "The fault is in %s: alone, on the right input, %s.", node->name, share);
        return RB_OK;
    }
    return is_wrong(node->step) ? judge_among_neighbours(work, bench, i, &alone, err)
                                : judge_inherited(work, bench, i, err);
}

/* The engine is in bounds of the oracle while the one it is held to is not. */
static bool is_other_engines(const rb_trace_node *node) {
    return node->oracle_share <= 1 && !(node->against_share <= 1);
}

static rb_status judge_suspects(rb_trace_work *work, rb_step_bench *bench, rb_error *err) {
    rb_trace *trace = work->trace;
    rb_status status = RB_OK;
    int32_t left = MOST_SUSPECTS;
    for (int32_t i = 0; status == RB_OK && i < trace->node_count; i++) {
        const rb_node *n = &work->found.source.graph->nodes[i];
        rb_trace_node *node = &trace->nodes[i];
        if (i != trace->first && !is_wrong(node->step))
            continue;
        if (i != trace->first && read_something_else(trace, n, i)) {
            node->cause = RB_CAUSE_NOT_SHOWN;
            snprintf(node->finding, sizeof node->finding,
                     "%s is right although what it reads is shown wrong: the engine does not use "
                     "the value that it shows.",
                     node->name);
        } else if (left > 0 || i == trace->first) {
            left--;
            status = judge_suspect(work, bench, i, err);
        } else {
            char share[96];
            say_share(node->step_share, node->non_finite, share, sizeof share);
            snprintf(node->finding, sizeof node->finding,
                     "%s is worse than what it reads explains, too: %s. It was not run alone.",
                     node->name, share);
        }
    }
    return status;
}

rb_status rb_trace_find_causes(rb_trace_work *work, rb_error *err) {
    rb_trace *trace = work->trace;
    rb_trace_node *first = &trace->nodes[trace->first];
    rb_step_bench bench;
    if (is_other_engines(first)) {
        char its[96] = "has values that are NaN or infinite";
        if (isfinite(first->against_share))
            snprintf(its, sizeof its, "%.3g times its own", first->against_share);
        snprintf(first->finding, sizeof first->finding,
                 "It is %s that is wrong: against the oracle %s has %.0f %% of its limit there, %s "
                 "%s. 'resbench trace %s' with that as --engine tells more.",
                 trace->against, trace->engine, 100 * first->oracle_share, trace->against, its,
                 trace->network);
        return RB_OK;
    }
    rb_status status =
        rb_step_begin(&work->plan->worker, work->plan->engine.path, work->plan->spec.threads,
                      work->plan->spec.verbose, &bench, err);
    if (status == RB_OK)
        status = step_all(work, &bench, err);
    if (status == RB_OK)
        status = judge_suspects(work, &bench, err);
    rb_step_end(&bench);
    return status;
}
