#include "check/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine_loader.h"
#include "check/chain.h"

rb_status rb_step_begin(const rb_worker_options *options, const char *engine_path, int32_t threads,
                        bool verbose, rb_step_bench *bench, rb_error *err) {
    *bench = (rb_step_bench){
        .options = *options, .engine_path = engine_path, .threads = threads, .verbose = verbose};
    const rb_status status = rb_engine_find_own("oracle", bench->oracle_path, err);
    const rb_worker_options own = rb_own_worker(options);
    return status == RB_OK ? rb_worker_start(&own, &bench->oracle, err) : status;
}

void rb_step_end(rb_step_bench *bench) {
    rb_worker_stop(bench->oracle);
    bench->oracle = NULL;
}

static bool are_finite(const float *values, int64_t count) {
    for (int64_t i = 0; values && i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static bool operands_are_finite(const rb_problem *problem, const rb_operands *operands) {
    return are_finite(operands->src, rb_problem_src_elements(problem)) &&
           are_finite(operands->addend, rb_problem_dst_elements(problem));
}

static void judge(const rb_problem *problem, const rb_problem_truth *truth, rb_algorithm algorithm,
                  const double *values, rb_step *step) {
    const rb_check_figures figures = rb_figures_compare(problem, truth, algorithm, values);
    step->verdict = rb_figures_judge_operation(&figures, step->note, sizeof step->note);
    step->non_finite = figures.non_finite;
    step->share = fmax(figures.element_share, figures.norm_share);
}

static rb_status truth_of(rb_step_bench *bench, const rb_problem *problem,
                          const rb_operands *operands, rb_problem_truth *truth, rb_error *err) {
    return rb_problem_truth_compute(bench->oracle, bench->oracle_path, problem, operands,
                                    bench->threads, truth, err);
}

rb_status rb_step_recorded(rb_step_bench *bench, const rb_recording *recording, int32_t node,
                           rb_algorithm algorithm, rb_step *step, rb_error *err) {
    rb_problem problem;
    rb_operands operands;
    rb_problem_truth truth = {0};
    *step = (rb_step){.share = NAN};
    rb_status status = rb_recording_problem(recording, node, &problem, &operands, err);
    if (status != RB_OK)
        return status;
    if (operands_are_finite(&problem, &operands)) {
        status = truth_of(bench, &problem, &operands, &truth, err);
        if (status == RB_OK)
            judge(&problem, &truth, algorithm, recording->values[node], step);
    }
    rb_problem_truth_release(&truth);
    rb_operands_release(&operands);
    return status;
}

/* The engine's own answer in a process of its own: it may die of it. */
static rb_status run_alone(const rb_step_bench *bench, const rb_problem *problem,
                           const rb_operands *operands, rb_remote_problem_facts *facts,
                           double *values, rb_error *err) {
    const rb_case_problem spec = {.engine_path = bench->engine_path,
                                  .problem = *problem,
                                  .tensors = operands->tensors,
                                  .tensor_bytes = (size_t)rb_problem_tensor_elements(problem) *
                                                  sizeof *operands->tensors,
                                  .epsilon = operands->epsilon,
                                  .threads = bench->threads,
                                  .guard = RB_GUARD_BYTES,
                                  .verbose = bench->verbose};
    rb_worker *worker;
    rb_status status = rb_worker_start(&bench->options, &worker, err);
    if (status != RB_OK)
        return status;
    status = rb_remote_problem_open(worker, &spec, facts, err);
    if (status == RB_OK)
        status = rb_remote_problem_input(worker, problem, operands->src, operands->addend, err);
    if (status == RB_OK)
        status = rb_remote_problem_run(worker, problem, facts, values, err);
    rb_worker_stop(worker);
    return status;
}

static bool is_engines_own(rb_status status) {
    return status == RB_ERR_ENGINE || status == RB_ERR_UNSUPPORTED || status == RB_ERR_CRASHED ||
           status == RB_ERR_TIMEOUT;
}

rb_status rb_step_alone(rb_step_bench *bench, const rb_recording *recording, int32_t node,
                        rb_step *step, rb_error *err) {
    rb_problem problem;
    rb_operands operands;
    rb_problem_truth truth = {0};
    rb_remote_problem_facts facts = {0};
    *step = (rb_step){.share = NAN};
    rb_status status = rb_recording_problem(recording, node, &problem, &operands, err);
    if (status != RB_OK)
        return status;
    double *values = malloc((size_t)rb_problem_dst_elements(&problem) * sizeof *values);
    if (!values)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the value of a node");
    if (status == RB_OK && operands_are_finite(&problem, &operands)) {
        status = truth_of(bench, &problem, &operands, &truth, err);
        const rb_status ran =
            status == RB_OK ? run_alone(bench, &problem, &operands, &facts, values, err) : status;
        if (ran == RB_OK) {
            judge(&problem, &truth, facts.algorithm, values, step);
        } else if (status == RB_OK && is_engines_own(ran)) {
            step->verdict = rb_verdict_of_failure(ran);
            snprintf(step->note, sizeof step->note, "%.500s", err->message);
        } else {
            status = ran;
        }
        snprintf(step->kernel, sizeof step->kernel, "%s", facts.kernel);
    }
    free(values);
    rb_problem_truth_release(&truth);
    rb_operands_release(&operands);
    return status;
}

rb_status rb_step_inherit(rb_step_bench *bench, const rb_recording *right,
                          const rb_recording *found, int32_t node, rb_step_inherited *inherited,
                          rb_error *err) {
    enum { SRC = 1, ADD = 2, BOTH = 3 };
    const rb_graph *graph = right->source.graph;
    const rb_node *n = &graph->nodes[node];
    rb_problem problem;
    rb_operands own, other;
    rb_problem_truth plain = {0};
    rb_status status = rb_recording_problem(right, node, &problem, &own, err);
    if (status != RB_OK)
        return status;
    status = rb_recording_problem(found, node, &problem, &other, err);
    if (status != RB_OK) {
        rb_operands_release(&own);
        return status;
    }
    double moved[BOTH + 1] = {0};
    status = truth_of(bench, &problem, &own, &plain, err);
    for (int of = SRC; status == RB_OK && of <= (n->add == RB_NONE ? SRC : BOTH); of++) {
        rb_problem_truth mixed = {0};
        rb_operands mix = own;
        mix.src = of & SRC ? other.src : own.src;
        mix.addend = of & ADD ? other.addend : own.addend;
        status = truth_of(bench, &problem, &mix, &mixed, err);
        if (status == RB_OK)
            moved[of] = rb_chain_compare(graph, node, plain.value, mixed.value).worst_rel_l2;
        rb_problem_truth_release(&mixed);
    }
    inherited->carrier = moved[ADD] <= moved[SRC] ? n->src : n->add;
    inherited->rel_l2 = n->add == RB_NONE ? moved[SRC] : moved[BOTH];
    rb_problem_truth_release(&plain);
    rb_operands_release(&own);
    rb_operands_release(&other);
    return status;
}
