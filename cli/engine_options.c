#include "cli/engine_options.h"

#include <stdlib.h>

#include "bench/interrupt.h"
#include "bench/machine.h"
#include "cli/cli.h"

enum { OPT_TIMEOUT = 512, OPT_NO_WORKER };

#define OPTIONS(name, threads_argument, threads_text)                                              \
    static const struct argp_option name[] = {                                                     \
        {"threads", 't', threads_argument, 0, threads_text, 0},                                    \
        {"timeout", OPT_TIMEOUT, "SECONDS", 0, "Limit for each answer of a worker (default: 300)", \
         0},                                                                                       \
        {"no-worker", OPT_NO_WORKER, NULL, 0, "Run engines in this process, for a debugger", 0},   \
        {"verbose", 'v', NULL, 0, "Show what engines log", 0},                                     \
        {0}}

OPTIONS(options, "N", "Threads of every engine (default: this machine's cores)");
OPTIONS(sweep_options, "LIST",
        "Threads of every engine: 4, 1,2,4, 1-8, 1-16:x2, all (default: this machine's cores)");

static void choose_threads(rb_engine_options *o) {
    o->threads = rb_machine_threads();
    if (!rb_machine_shows_cores())
        fprintf(stderr,
                "resbench: /sys shows no cores of this machine: %d threads, one for each "
                "processor; --threads sets their number\n",
                o->threads);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    rb_engine_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *o = (rb_engine_options){.worker = {.timeout_seconds = 300}};
        break;
    case 't':
        o->threads = (int32_t)rb_cli_integer(state, "threads", argument, 1, 1024);
        break;
    case OPT_TIMEOUT:
        o->worker.timeout_seconds = rb_cli_seconds(state, "timeout", argument);
        break;
    case OPT_NO_WORKER:
        o->worker.in_process = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_SUCCESS:
        if (!o->threads)
            choose_threads(o);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_sweep(int key, char *argument, struct argp_state *state) {
    rb_engine_options *o = state->input;
    if (key == 't')
        o->thread_list = argument;
    else if (key != ARGP_KEY_SUCCESS || !o->thread_list)
        return parse(key, argument, state);
    return 0;
}

static const struct argp argp = {.options = options, .parser = parse};
static const struct argp sweep_argp = {.options = sweep_options, .parser = parse_sweep};

const struct argp_child rb_engine_children[] = {{&argp, 0, "How engines are run:", 0}, {0}};
const struct argp_child rb_engine_sweep_children[] = {{&sweep_argp, 0, "How engines are run:", 0},
                                                      {0}};

rb_worker_options rb_engine_options_timed(const rb_engine_options *o) {
    const rb_affinity affinity = {.kind = RB_AFFINITY_COMPACT};
    rb_worker_options worker = o->worker;
    rb_placement placement;
    rb_affinity_place(&affinity, o->threads, &placement);
    rb_worker_keep(&worker, &placement);
    return worker;
}

void rb_engine_options_watch(const rb_engine_options *o) {
    if (!o->worker.in_process)
        rb_interrupt_install();
}

void rb_engine_options_let_threads_sleep(void) {
    setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
}
