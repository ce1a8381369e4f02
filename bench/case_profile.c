#include "bench/case_profile.h"

#include <stdlib.h>
#include <string.h>

#define UNTOLD (-1)
#define PERIOD 4 /* P Q Q P */

/* What is kept of the last calls: as many as there are samples, and the next one. */
typedef struct watch {
    size_t rows, calls;
    int32_t nodes;
    int64_t *node_ns; /* (rows, nodes), a row for each call */
    size_t dst_bytes;
    void *plain[RB_CASE_INPUTS]; /* logits of the last plain call on each input */
    bool seen[RB_CASE_INPUTS];
    size_t compared, differing;
} watch;

static bool is_profiled(size_t call) {
    return call % PERIOD == 1 || call % PERIOD == 2;
}

static int64_t *row_of(const watch *w, size_t call) {
    return w->node_ns + call % w->rows * (size_t)w->nodes;
}

static void forget_row(watch *w, size_t call) {
    for (int32_t i = 0; i < w->nodes; i++)
        row_of(w, call)[i] = UNTOLD;
}

static rb_status call(void *ctx, const rb_engine *engine, rb_session *session, const float *src,
                      const float *addend, void *dst, rb_error *err) {
    watch *w = ctx;
    return is_profiled(w->calls)
               ? engine->profile(session, src, addend, dst, row_of(w, w->calls), err)
               : engine->run(session, src, addend, dst, err);
}

static void after(void *ctx, int input, const void *dst) {
    watch *w = ctx;
    if (!is_profiled(w->calls)) {
        memcpy(w->plain[input], dst, w->dst_bytes);
        w->seen[input] = true;
    } else if (w->seen[input]) {
        w->compared++;
        w->differing += memcmp(w->plain[input], dst, w->dst_bytes) != 0;
    }
    forget_row(w, ++w->calls);
}

static rb_status create(const rb_case *c, size_t samples, watch *w, rb_error *err) {
    *w = (watch){.rows = samples + 1,
                 .nodes = rb_case_facts_of(c).graph->node_count,
                 .dst_bytes = rb_case_dst_bytes(c)};
    w->node_ns = malloc(w->rows * (size_t)w->nodes * sizeof *w->node_ns);
    bool whole = w->node_ns != NULL;
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        whole = (w->plain[i] = malloc(w->dst_bytes)) && whole;
    if (!whole)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the times of %d nodes", w->nodes);
    forget_row(w, 0);
    return RB_OK;
}

static void release(watch *w) {
    free(w->node_ns);
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        free(w->plain[i]);
}

/* Says why the times of a call cannot be. Both clocks are CLOCK_MONOTONIC; a call's time has been
 * seconds in between, which is less than a nanosecond off. */
static void look_at(const rb_graph *graph, const int64_t *node_ns, double call_ns, char *untrue) {
    double sum = 0;
    for (int32_t i = 0; i < graph->node_count && !untrue[0]; i++) {
        const rb_node *node = &graph->nodes[i];
        sum += (double)node_ns[i];
        if (node_ns[i] == UNTOLD)
            snprintf(untrue, RB_PROFILE_UNTRUE_CAPACITY, "profile leaves the time of %.64s untold",
                     node->name);
        else if (node_ns[i] < 0)
            snprintf(untrue, RB_PROFILE_UNTRUE_CAPACITY, "profile tells of %lld ns for %.64s",
                     (long long)node_ns[i], node->name);
    }
    if (!untrue[0] && sum > call_ns + 1)
        snprintf(untrue, RB_PROFILE_UNTRUE_CAPACITY,
                 "profile tells of nodes that took %.0f ns, in a call of %.0f ns", sum, call_ns);
}

static void sort_samples(const rb_case *c, const watch *w, const rb_timing_sample *samples,
                         size_t count, rb_case_profile *profile) {
    const rb_graph *graph = rb_case_facts_of(c).graph;
    size_t plain = 0, profiled = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t of = w->calls - count + i;
        if (!is_profiled(of)) {
            profile->plain_ns[plain++] = samples[i].real_ns;
            continue;
        }
        look_at(graph, row_of(w, of), samples[i].real_ns, profile->untrue);
        memcpy(profile->node_ns + profiled * (size_t)w->nodes, row_of(w, of),
               (size_t)w->nodes * sizeof *profile->node_ns);
        profile->profiled_ns[profiled++] = samples[i].real_ns;
    }
    profile->cpu_ns = samples[0].cpu_ns;
    if (w->differing > 0)
        snprintf(profile->untrue, sizeof profile->untrue,
                 "logits of %zu of %zu profiled calls are not those of ordinary ones", w->differing,
                 w->compared);
}

rb_status rb_case_profile_calls(rb_case *c, const rb_timing_spec *spec, rb_case_profile *profile,
                                rb_error *err) {
    const rb_engine *engine = rb_case_facts_of(c).engine;
    watch w = {0};
    profile->untrue[0] = '\0';
    if (!engine->profile)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "engine %s does not tell the times of its nodes",
                       engine->name);
    if (spec->repetitions < PERIOD || spec->repetitions % PERIOD != 0)
        return rb_fail(err, RB_ERR_USAGE, "%zu calls to profile, expected a multiple of %d",
                       spec->repetitions, PERIOD);
    rb_timing_sample *samples = calloc(spec->repetitions, sizeof *samples);
    rb_status status =
        samples ? create(c, spec->repetitions, &w, err)
                : rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", spec->repetitions);
    if (status == RB_OK)
        status =
            rb_case_time_calls(c, spec, &(rb_case_calls){.call = call, .after = after, .ctx = &w},
                               samples, profile->dst, err);
    if (status == RB_OK)
        sort_samples(c, &w, samples, spec->repetitions, profile);
    release(&w);
    free(samples);
    return status;
}
