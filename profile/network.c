/* The times of nodes within the running network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/interrupt.h"
#include "bench/parity.h"
#include "profile/work.h"

#define ROUNDS 3 /* fresh workers for each engine */
#define TURN_SECONDS 1.5
#define QUICK_TURN_SECONDS 0.3
#define WARMUP_SECONDS 0.2
#define LEAST_CALLS 12 /* of both kinds together, in a turn */
#define MOST_CALLS 2000
#define PERIOD 4 /* rb_remote_profile_calls wants a multiple of it */

/* One engine in the making. */
typedef struct engine_run {
    const rb_profile_work *work;
    const rb_plan_engine *engine;
    rb_profile_engine *found;
    rb_remote *remote;
    bool over; /* it has failed: no further worker */
    rb_parity parity;
    double call_ns; /* of the fastest call so far: decides how many fit into a turn */
    double *plain_ns, *profiled_ns;
    int64_t *node_ns; /* (count, nodes) */
    size_t count;     /* calls of each kind */
} engine_run;

/* A failure that is the engine's ends it; any other goes up. */
static rb_status settle(engine_run *run, rb_status status, const char *step, rb_error *err) {
    if (status == RB_OK || !rb_profile_is_engines_own(status))
        return status;
    run->over = true;
    run->found->verdict = rb_verdict_of_failure(status);
    snprintf(run->found->note, sizeof run->found->note, "%s: %.230s", step, err->message);
    return RB_OK;
}

static rb_status compare_all(engine_run *run, bool reversed, rb_error *err) {
    const rb_inputs *inputs = run->work->plan->inputs;
    const rb_truth *truth = run->work->truth;
    double run_ns = INFINITY;
    double *logits = calloc((size_t)(inputs->count * truth->classes), sizeof *logits);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    const rb_status status = rb_remote_logits(run->remote, inputs->images, inputs->count, reversed,
                                              logits, &run_ns, err);
    if (status == RB_OK) {
        rb_parity_add(&run->parity, truth->logits, logits, inputs->count, truth->classes, 0);
        run->call_ns = fmin(run->call_ns, run_ns);
    }
    free(logits);
    return status;
}

static void take_facts(engine_run *run) {
    snprintf(run->found->version, sizeof run->found->version, "%s",
             rb_remote_facts_of(run->remote)->engine_version);
    for (int32_t i = 0; i < run->work->graph->node_count; i++) {
        rb_profile_line *node = &run->found->nodes[i];
        snprintf(node->kernel, sizeof node->kernel, "%s", rb_remote_kernel(run->remote, i));
        node->executed_macs = rb_remote_executed_macs(run->remote, i);
    }
}

static size_t calls_of_turn(const engine_run *run) {
    const double seconds = run->work->plan->quick ? QUICK_TURN_SECONDS : TURN_SECONDS;
    const double fitting = seconds * 1e9 / run->call_ns;
    const size_t calls = !(fitting > LEAST_CALLS) ? LEAST_CALLS
                         : fitting < MOST_CALLS   ? (size_t)fitting
                                                  : MOST_CALLS;
    return calls / PERIOD * PERIOD;
}

/* Timed input i starts one image further than input i - 1, so that no two are alike. */
static int64_t timed_image(const engine_run *run, int64_t input, int64_t n) {
    return (input + n) % run->work->plan->inputs->count;
}

static void fill_inputs(const engine_run *run, float *src) {
    const rb_inputs *inputs = run->work->plan->inputs;
    const int64_t elements = 3 * inputs->height * inputs->width, batch = run->work->graph->batch;
    for (int64_t i = 0; i < RB_CASE_INPUTS; i++)
        for (int64_t n = 0; n < batch; n++)
            memcpy(src + (i * batch + n) * elements,
                   inputs->images + timed_image(run, i, n) * elements,
                   (size_t)elements * sizeof *src);
}

static void compare_timed(engine_run *run, const double *logits) {
    const rb_truth *truth = run->work->truth;
    const int64_t batch = run->work->graph->batch;
    for (int64_t i = 0; i < RB_CASE_INPUTS; i++)
        for (int64_t n = 0; n < batch; n++) {
            const int64_t image = timed_image(run, i, n);
            rb_parity_add(&run->parity, truth->logits + image * truth->classes,
                          logits + (i * batch + n) * truth->classes, 1, truth->classes, image);
        }
}

static bool make_room(engine_run *run, size_t more) {
    const size_t nodes = (size_t)run->work->graph->node_count, count = run->count + more;
    double *plain = realloc(run->plain_ns, count * sizeof *plain);
    if (plain)
        run->plain_ns = plain;
    double *profiled = realloc(run->profiled_ns, count * sizeof *profiled);
    if (profiled)
        run->profiled_ns = profiled;
    int64_t *node_ns = realloc(run->node_ns, count * nodes * sizeof *node_ns);
    if (node_ns)
        run->node_ns = node_ns;
    return plain && profiled && node_ns;
}

static rb_status take_turn(engine_run *run, rb_error *err) {
    const rb_inputs *inputs = run->work->plan->inputs;
    const int32_t nodes = run->work->graph->node_count;
    const size_t images = RB_CASE_INPUTS * (size_t)run->work->graph->batch;
    const size_t elements = (size_t)(3 * inputs->height * inputs->width);
    const rb_timing_spec spec = {
        .name = "profile", .repetitions = calls_of_turn(run), .warmup_seconds = WARMUP_SECONDS};
    float *src = malloc(images * elements * sizeof *src);
    double *logits = malloc(images * (size_t)run->work->truth->classes * sizeof *logits);
    rb_status status = src && logits && make_room(run, spec.repetitions / 2)
                           ? RB_OK
                           : rb_fail(err, RB_ERR_MEMORY, "no memory for a batch and its times");
    if (status == RB_OK) {
        rb_worker_times times = {.plain_ns = run->plain_ns + run->count,
                                 .profiled_ns = run->profiled_ns + run->count,
                                 .node_ns = run->node_ns + run->count * (size_t)nodes};
        fill_inputs(run, src);
        status = rb_remote_profile_calls(run->remote, &spec, src, nodes, run->call_ns, &times,
                                         logits, err);
        if (status == RB_OK && times.untrue[0]) {
            run->over = true;
            run->found->verdict = RB_VERDICT_MISTRUSTED;
            snprintf(run->found->note, sizeof run->found->note, "%.255s", times.untrue);
        } else if (status == RB_OK) {
            run->count += spec.repetitions / 2;
            compare_timed(run, logits);
        }
    }
    free(src);
    free(logits);
    return status;
}

/* One fresh worker. */
static rb_status take_round(engine_run *run, rb_error *err) {
    const rb_profile_plan *plan = run->work->plan;
    const char *step = "open";
    rb_case_spec spec = plan->spec;
    spec.engine_path = run->engine->path;
    rb_status status = rb_remote_open(&plan->worker, &spec, &run->remote, err);
    if (status == RB_OK) {
        take_facts(run);
        step = "run";
        status = compare_all(run, false, err);
    }
    if (status == RB_OK)
        status = compare_all(run, true, err);
    if (status == RB_OK) {
        step = "profile";
        status = take_turn(run, err);
    }
    if (status == RB_OK) {
        step = "close";
        status = rb_remote_end(run->remote, err);
    }
    rb_remote_close(run->remote);
    run->remote = NULL;
    run->found->workers += status == RB_OK && !run->over;
    return settle(run, status, step, err);
}

static double limit_of(const engine_run *run) {
    const rb_truth *truth = run->work->truth;
    const double own = rb_parity_reference_limit(truth->jitter_rel_l2);
    return strcmp(run->engine->label, "reference") == 0
               ? own
               : rb_parity_limit_beside(truth->reference_rel_l2, own);
}

/* The medians, node by node and of what belongs together within a call: an ordinary call and the
 * profiled one beside it, the nodes of one call. */
static void take_medians(const engine_run *run, double *values) {
    rb_profile_engine *found = run->found;
    const size_t nodes = (size_t)run->work->graph->node_count;
    for (size_t n = 0; n < nodes; n++) {
        for (size_t i = 0; i < run->count; i++)
            values[i] = (double)run->node_ns[i * nodes + n];
        found->nodes[n].network_ns = rb_median(values, run->count);
    }
    for (size_t i = 0; i < run->count; i++) {
        values[i] = 0;
        for (size_t n = 0; n < nodes; n++)
            values[i] += (double)run->node_ns[i * nodes + n];
    }
    found->nodes_ns = rb_median(values, run->count);
    for (size_t i = 0; i < run->count; i++)
        values[i] = run->profiled_ns[i] / run->plain_ns[i] - 1;
    found->cost = rb_median(values, run->count);
    found->calls = (int64_t)run->count;
    found->call_ns = rb_median(run->plain_ns, run->count);
    found->profiled_ns = rb_median(run->profiled_ns, run->count);
}

static rb_status summarize(engine_run *run, rb_error *err) {
    rb_profile_engine *found = run->found;
    if (run->parity.images > 0) {
        found->images = run->work->plan->inputs->count;
        found->rel_l2 = run->parity.worst_rel_l2;
        found->rel_l2_limit = limit_of(run);
    }
    if (run->over)
        return RB_OK; /* what was measured so far is not the whole of it */
    found->verdict =
        rb_parity_judge(&run->parity, found->rel_l2_limit, found->note, sizeof found->note);
    double *values = malloc((run->count + 1) * sizeof *values);
    if (!values)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", run->count);
    take_medians(run, values);
    free(values);
    return RB_OK;
}

static void release(engine_run *run) {
    rb_remote_close(run->remote);
    free(run->plain_ns);
    free(run->profiled_ns);
    free(run->node_ns);
}

rb_status rb_profile_network(rb_profile_work *work, rb_error *err) {
    const rb_profile_plan *plan = work->plan;
    const size_t count = plan->engine_count;
    const int rounds = plan->quick ? 1 : ROUNDS;
    engine_run runs[RB_MAX_ENGINES];
    rb_status status = RB_OK;
    for (size_t e = 0; e < count; e++)
        runs[e] = (engine_run){.work = work,
                               .engine = &plan->engines[e],
                               .found = &work->profile->engines[e],
                               .call_ns = INFINITY};
    for (int round = 0; round < rounds; round++)
        for (size_t e = 0; status == RB_OK && e < count; e++) {
            char text[96];
            engine_run *run = &runs[round % 2 ? count - 1 - e : e];
            snprintf(text, sizeof text, "%s in the network", run->engine->label);
            rb_profile_tell(
                work, 0.1 + 0.4 * (round * (double)count + (double)e) / (rounds * (double)count),
                text);
            if (!run->over)
                status = take_round(run, err);
            if (status == RB_OK && rb_interrupted())
                status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
        }
    for (size_t e = 0; e < count; e++) {
        if (status == RB_OK)
            status = summarize(&runs[e], err);
        release(&runs[e]);
    }
    return status;
}
