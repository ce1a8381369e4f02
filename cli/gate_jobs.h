/* The jobs of resbench gate. */
#ifndef CLI_GATE_JOBS_H
#define CLI_GATE_JOBS_H

#include "bench/gate_runner.h"
#include "cli/cli.h"
#include "cli/engine_options.h"

typedef struct rb_gate_arguments {
    rb_engine_options engine_options;
    rb_gate_plan gate;
    const char *base, *head, *engines, *depths, *batches, *sizes;
    const char *against, *json, *markdown, *junit, *record, *replay, *slowdowns;
    bool selftest, update;
    double added; /* a share; -1: not given */
    int64_t gates;
} rb_gate_arguments;

/* Networks, sizes, batches, threads and worker options of the arguments become the plan's. */
rb_status rb_gate_add_cells(rb_gate_arguments *a, rb_error *err);

/* Before the work: RB_ERR_OUTPUT where a file could not be written after it. */
rb_status rb_gate_prepare_files(const rb_gate_arguments *a, rb_error *err);

int rb_gate_exit(rb_gate_outcome outcome);

/* Each does its job, prints what it has found, and returns an exit code. */
int rb_gate_compare_builds(rb_gate_arguments *a);
int rb_gate_count_against(rb_gate_arguments *a);
int rb_gate_selftest(rb_gate_arguments *a);
int rb_gate_replay_file(rb_gate_arguments *a);

#endif
