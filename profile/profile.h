/* Where the time of a network goes: every node within the running network and alone, against what
 * the machine allows. */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "bench/inputs.h"
#include "bench/plan.h"
#include "bench/remote_case.h"
#include "results/profile_record.h"

typedef struct rb_profile_plan {
    rb_plan_engine engines[RB_MAX_ENGINES];
    size_t engine_count;
    const rb_network *network;
    rb_case_spec spec;          /* without an engine */
    const char *weights_sha256; /* of spec's weights */
    const rb_inputs *inputs;    /* at least a batch, and at least RB_CASE_INPUTS */
    rb_worker_options worker;
    bool quick; /* one process for each engine, and less patience */
    bool alone; /* run nodes alone, too */
    void (*on_progress)(void *ctx, double share, const char *what);
    void *ctx;
} rb_profile_plan;

/* Every engine takes its turns in fresh workers, one engine after the other (profile/network.c);
 * then the nodes are run alone, every problem once (profile/alone.c). What is an engine's own
 * failure is told in its verdict and note, and a failure of a node alone in that of the node; other
 * statuses end it, and *profile has what was measured until then. The caller releases it. */
rb_status rb_profile_make(const rb_profile_plan *plan, rb_profile *profile, rb_error *err);

#endif
