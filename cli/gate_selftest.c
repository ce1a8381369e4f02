#include <stdlib.h>

#include "bench/gate_record.h"
#include "cli/gate_jobs.h"

/* "0,1,2,5,10" */
static rb_status read_slowdowns(const char *list, double *slowdowns, size_t *count, rb_error *err) {
    *count = 0;
    for (const char *at = list; *at;) {
        char *end;
        const double value = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(value >= 0 && value <= 1000) ||
            *count == RB_GATE_MAX_SIDES - 1)
            return rb_fail(err, RB_ERR_USAGE,
                           "'%s' is not a list of at most %d slowdowns in percent", list,
                           RB_GATE_MAX_SIDES - 1);
        slowdowns[(*count)++] = value / 100;
        at = *end ? end + 1 : end;
    }
    return *count > 0 ? RB_OK : rb_fail(err, RB_ERR_USAGE, "--slowdown is empty");
}

/* 0: every slowdown within the tolerance passed, every one of `detect` and more was caught. */
static int judge_tallies(const rb_gate_limits *limits, const rb_gate_tally *tallies, size_t count) {
    bool noisy = false;
    for (size_t i = 0; i < count; i++) {
        const rb_gate_tally *t = &tallies[i];
        if ((t->slowdown < limits->tolerance && t->slower > 0) ||
            (t->slowdown >= limits->detect && t->fine > 0))
            return RB_EXIT_WRONG;
        noisy = noisy || t->noisy > 0;
        if (t->gates == 0)
            return RB_EXIT_NOTHING;
    }
    return noisy ? RB_EXIT_NOISY : RB_EXIT_FINE;
}

static int replay(const rb_gate_arguments *a, const rb_gate_samples *samples) {
    rb_gate_tally tallies[RB_GATE_MAX_SIDES];
    rb_error err = {""};
    const size_t rounds =
        a->gate.rounds ? a->gate.rounds : rb_gate_rounds_needed(&a->gate.limits, 1);
    for (size_t s = 1; s < samples->side_count; s++) {
        const rb_status status =
            rb_gate_replay(samples, &a->gate.limits, rounds, s, &tallies[s - 1], &err);
        if (status != RB_OK)
            return rb_cli_fail(status, &err);
    }
    rb_gate_tally_terminal(tallies, samples->side_count - 1, stdout);
    return judge_tallies(&a->gate.limits, tallies, samples->side_count - 1);
}

int rb_gate_replay_file(rb_gate_arguments *a) {
    rb_gate_samples samples;
    rb_error err = {""};
    const rb_status status = rb_gate_samples_read(a->replay, &samples, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    const int code = replay(a, &samples);
    rb_gate_samples_release(&samples);
    return code;
}

int rb_gate_selftest(rb_gate_arguments *a) {
    rb_gate_samples samples = {0};
    double slowdowns[RB_GATE_MAX_SIDES];
    size_t count;
    rb_error err = {""};
    const size_t rounds =
        a->gate.rounds ? a->gate.rounds : rb_gate_rounds_needed(&a->gate.limits, 1);
    rb_status status =
        read_slowdowns(a->slowdowns ? a->slowdowns : "0,1,2,5,10", slowdowns, &count, &err);
    if (status == RB_OK)
        status = rb_gate_add_cells(a, &err);
    if (status == RB_OK)
        status = rb_plan_add_engines(&a->gate.plan, a->engines ? a->engines : "onednn", &err);
    if (status == RB_OK && (a->gate.plan.network_count != 1 || a->gate.plan.batch_count != 1 ||
                            a->gate.plan.engine_count != 1 || a->gate.plan.thread_count != 1 ||
                            a->gate.plan.size_count > 1))
        status = rb_fail(&err, RB_ERR_USAGE,
                         "--selftest takes a single cell: one network, size, "
                         "batch, number of threads and engine");
    /* An alarm takes two series. */
    if (status == RB_OK)
        status = rb_gate_record(&a->gate.plan, slowdowns, count,
                                2 * rounds * (size_t)(a->gates ? a->gates : 3), a->record, &samples,
                                &err);
    int code = RB_EXIT_NOTHING;
    if (status == RB_OK || (status == RB_ERR_INTERRUPTED && samples.count >= rounds))
        code = replay(a, &samples);
    if (status != RB_OK)
        code = rb_cli_fail(status, &err);
    rb_gate_samples_release(&samples);
    return code;
}
