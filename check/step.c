#include "check/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine_loader.h"
#include "check/slices.h"

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

/* norm(a - b) */
static double distance(const double *a, const double *b, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

rb_status rb_step_carrier(rb_step_bench *bench, const rb_recording *right,
                          const rb_recording *found, int32_t node, int32_t *carrier,
                          rb_error *err) {
    const rb_node *n = &right->source.graph->nodes[node];
    rb_problem problem;
    rb_operands own, other;
    rb_problem_truth plain = {0}, mixed = {0};
    *carrier = n->src;
    if (n->add == RB_NONE)
        return RB_OK;
    rb_status status = rb_recording_problem(right, node, &problem, &own, err);
    if (status != RB_OK)
        return status;
    status = rb_recording_problem(found, node, &problem, &other, err);
    if (status != RB_OK) {
        rb_operands_release(&own);
        return status;
    }
    double moved[2] = {0, 0};
    status = truth_of(bench, &problem, &own, &plain, err);
    for (int side = 0; status == RB_OK && side < 2; side++) {
        rb_operands mix = own;
        if (side == 0)
            mix.src = other.src;
        else
            mix.addend = other.addend;
        status = truth_of(bench, &problem, &mix, &mixed, err);
        if (status == RB_OK)
            moved[side] = distance(mixed.value, plain.value, rb_problem_dst_elements(&problem));
        rb_problem_truth_release(&mixed);
    }
    if (status == RB_OK && !(moved[1] <= moved[0]))
        *carrier = n->add;
    rb_problem_truth_release(&plain);
    rb_operands_release(&own);
    rb_operands_release(&other);
    return status;
}
