#include "check/subject.h"

#include <stdlib.h>

void rb_subject_end(rb_subject *subject) {
    rb_worker_stop(subject->worker);
    subject->worker = NULL;
}

static rb_status ensure_worker(rb_subject *subject, bool *fresh, rb_error *err) {
    *fresh = !subject->worker;
    return *fresh ? rb_worker_start(subject->options, &subject->worker, err) : RB_OK;
}

rb_status rb_subject_describe(rb_subject *subject, char *version, size_t capacity, bool *conv_only,
                              rb_error *err) {
    bool fresh;
    rb_message answer;
    rb_status status = ensure_worker(subject, &fresh, err);
    if (status == RB_OK)
        status =
            rb_worker_call(subject->worker,
                           json_pack("{s:s, s:s}", "op", "describe", "engine_path", subject->path),
                           NULL, 0, &answer, err);
    if (status != RB_OK)
        return status;
    const char *told = json_string_value(json_object_get(answer.json, "version"));
    snprintf(version, capacity, "%s", told ? told : "");
    *conv_only = json_is_true(json_object_get(answer.json, "conv_only"));
    rb_message_release(&answer);
    return RB_OK;
}

int32_t rb_other_threads(int32_t threads) {
    return threads > 1 ? 1 : 2;
}

static rb_status fail_at(const char *step, int32_t threads, rb_status status, rb_error *err) {
    const rb_error why = *err;
    if (status == RB_ERR_INTERRUPTED)
        return status;
    return rb_fail(err, status, "%s with %d thread%s: %.900s", step, threads,
                   threads == 1 ? "" : "s", why.message);
}

/* One session; runs kind .. last in it. */
static rb_status answer_in_session(rb_subject *subject, const rb_problem *problem,
                                   const rb_operands *operands, rb_guard guard, rb_run_kind kind,
                                   rb_run_kind last, rb_answers *answers, rb_error *err) {
    const int32_t threads = answers->threads[kind];
    const rb_case_problem spec = {.engine_path = subject->path,
                                  .problem = *problem,
                                  .tensors = operands->tensors,
                                  .tensor_bytes =
                                      (size_t)rb_problem_tensor_elements(problem) * sizeof(float),
                                  .epsilon = operands->epsilon,
                                  .threads = threads,
                                  .guard = guard,
                                  .verbose = subject->verbose};
    rb_remote_problem_facts facts;
    rb_status status = rb_remote_problem_open(subject->worker, &spec, &facts, err);
    if (status != RB_OK)
        return fail_at("open", threads, status, err);
    status =
        rb_remote_problem_input(subject->worker, problem, operands->src, operands->addend, err);
    for (int run = (int)kind; status == RB_OK && run <= (int)last; run++) {
        answers->facts[run] = facts;
        status = rb_remote_problem_run(subject->worker, problem, &facts, answers->dst[run], err);
        if (status != RB_OK)
            status = fail_at(run == RB_RUN_SECOND ? "second run" : "run", threads, status, err);
    }
    return status;
}

static rb_status answer_once(rb_subject *subject, const rb_problem *problem,
                             const rb_operands *operands, rb_answers *answers, rb_error *err) {
    rb_status status = answer_in_session(subject, problem, operands, RB_GUARD_PAGE_BEHIND,
                                         RB_RUN_FIRST, RB_RUN_SECOND, answers, err);
    if (status == RB_OK)
        status = answer_in_session(subject, problem, operands, RB_GUARD_PAGE_BEFORE, RB_RUN_OTHER,
                                   RB_RUN_OTHER, answers, err);
    /* What has failed may have left anything behind. */
    if (status != RB_OK && status != RB_ERR_UNSUPPORTED)
        rb_subject_end(subject);
    return status;
}

static rb_status make_room(const rb_problem *problem, int32_t threads, rb_answers *answers,
                           rb_error *err) {
    const size_t bytes = (size_t)rb_problem_dst_elements(problem) * sizeof(double);
    *answers = (rb_answers){.threads = {threads, threads, rb_other_threads(threads)}};
    for (int run = 0; run < RB_RUN_COUNT; run++) {
        answers->dst[run] = malloc(bytes);
        if (!answers->dst[run])
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the values of a problem");
    }
    return RB_OK;
}

rb_status rb_subject_answer(rb_subject *subject, const rb_problem *problem,
                            const rb_operands *operands, int32_t threads, rb_answers *answers,
                            bool *engine_failed, rb_error *err) {
    bool fresh;
    *engine_failed = false;
    rb_status status = make_room(problem, threads, answers, err);
    if (status == RB_OK)
        status = ensure_worker(subject, &fresh, err);
    if (status != RB_OK)
        return status;
    status = answer_once(subject, problem, operands, answers, err);
    if (status == RB_ERR_CRASHED && !fresh) {
        rb_error again = {""};
        const rb_status started = ensure_worker(subject, &fresh, &again);
        if (started != RB_OK)
            return rb_fail(err, started, "%s", again.message);
        const rb_status alone = answer_once(subject, problem, operands, answers, &again);
        if (alone == RB_ERR_INTERRUPTED)
            return rb_fail(err, alone, "%s", again.message);
        const rb_error first = *err;
        if (alone != RB_ERR_CRASHED)
            rb_fail(err, status,
                    "%.800s; after other problems only, in a fresh process it does not",
                    first.message);
    }
    *engine_failed = status != RB_OK && status != RB_ERR_INTERRUPTED;
    return status;
}

void rb_answers_release(rb_answers *answers) {
    for (int run = 0; run < RB_RUN_COUNT; run++)
        free(answers->dst[run]);
    *answers = (rb_answers){0};
}
