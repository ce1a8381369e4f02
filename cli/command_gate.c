#include <stdlib.h>
#include <string.h>

#include "bench/gate_record.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "results/gate_replay.h"

enum { OPT_RECORD = 256, OPT_REPLAY, OPT_ROUNDS, OPT_SLOWDOWN };

static const struct argp_option options[] = {
    {"depths", 'd', "LIST", 0, "Networks (default: 18)", 0},
    {"engines", 'e', "LIST", 0, "Engines (default: onednn)", 0},
    {"record", OPT_RECORD, "FILE", 0, "Record", 0},
    {"replay", OPT_REPLAY, "FILE", 0, "Replay", 0},
    {"rounds", OPT_ROUNDS, "N", 0, "Rounds", 0},
    {"slowdown", OPT_SLOWDOWN, "PERCENT", 0, "Inject", 0},
    {0}};

typedef struct gate_arguments {
    rb_engine_options engine_options;
    rb_plan plan;
    const char *record, *replay;
    size_t rounds, count;
    double slowdowns[RB_GATE_MAX_SIDES];
} gate_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    gate_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case OPT_RECORD:
        a->record = argument;
        break;
    case OPT_REPLAY:
        a->replay = argument;
        break;
    case OPT_ROUNDS:
        a->rounds = (size_t)rb_cli_integer(state, "rounds", argument, 1, 1000000);
        break;
    case OPT_SLOWDOWN:
        a->slowdowns[a->count++] = atof(argument) / 100;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int rb_command_gate(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .children = rb_engine_children};
    static gate_arguments a = {.plan = {.seed = 1, .resize = RB_RESIZE_STORED}};
    rb_error err = {""};
    rb_gate_samples samples = {0};
    rb_cli_parse(&argp, argc, argv, &a);
    a.plan.threads = a.engine_options.threads;
    a.plan.worker = a.engine_options.worker;
    a.plan.worker.threads = a.plan.threads;
    rb_status status = RB_OK;
    rb_engine_options_watch(&a.engine_options);
    if (a.record) {
        status = rb_plan_add_networks(&a.plan, "18", &err);
        if (status == RB_OK)
            status = rb_plan_add_engines(&a.plan, "onednn", &err);
        if (status == RB_OK)
            status = rb_plan_add_batches(&a.plan, "1", &err);
        if (status == RB_OK)
            status = rb_gate_record(&a.plan, a.slowdowns, a.count, a.rounds, a.record, &samples, &err);
    } else
        status = rb_gate_samples_read(a.replay, &samples, &err);
    for (size_t s = 1; status == RB_OK && s < samples.side_count; s++) {
        rb_gate_tally t;
        status = rb_gate_replay(&samples, &rb_gate_default_limits, 6, s, &t, &err);
        printf("%4.0f %% gates %zu fine %zu noisy %zu slower %zu reruns %zu longest %.1f s ratio %.4f +-%.4f\n", 100 * t.slowdown, t.gates, t.fine, t.noisy, t.slower, t.reruns, t.longest_s, t.ratio, t.half_width);
    }
    return status == RB_OK ? 0 : rb_cli_fail(status, &err);
}
