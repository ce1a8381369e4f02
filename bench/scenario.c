#include "bench/scenario.h"

#include <string.h>

#include "results/percentiles.h"

static const char *const mode_names[RB_LATENCY_MODES] = {
    [RB_LATENCY_STEADY] = "steady",
    [RB_LATENCY_COLD] = "cold",
};

const char *rb_latency_mode_name(rb_latency_mode mode) {
    return mode_names[mode];
}

rb_status rb_latency_mode_parse(const char *name, rb_latency_mode *mode, rb_error *err) {
    for (int i = 0; i < RB_LATENCY_MODES; i++)
        if (strcmp(mode_names[i], name) == 0) {
            *mode = (rb_latency_mode)i;
            return RB_OK;
        }
    return rb_fail(err, RB_ERR_USAGE, "'%.40s' is no mode of latency; there are steady and cold",
                   name);
}

static const char *const scenario_names[RB_SCENARIOS] = {
    [RB_SCENARIO_CALLS] = "calls",
    [RB_SCENARIO_SINGLE_STREAM] = "single-stream",
    [RB_SCENARIO_OFFLINE] = "offline",
};

const char *rb_scenario_name(rb_scenario scenario) {
    return scenario_names[scenario];
}

rb_status rb_scenario_parse(const char *name, rb_scenario *scenario, rb_error *err) {
    for (int i = 0; i < RB_SCENARIOS; i++)
        if (strcmp(scenario_names[i], name) == 0) {
            *scenario = (rb_scenario)i;
            return RB_OK;
        }
    return rb_fail(err, RB_ERR_USAGE,
                   "'%.40s' is no scenario; there are calls, single-stream and offline", name);
}

rb_status rb_percentile_parse(const char *text, double *share, rb_error *err) {
    for (size_t i = 0; i < RB_PERCENTILES; i++)
        if (strcmp(rb_percentile_names[i] + 1, text) == 0) {
            *share = rb_percentile_shares[i];
            return RB_OK;
        }
    return rb_fail(err, RB_ERR_USAGE, "'%.40s' is no percentile; there are 50, 90, 95, 99 and 99.9",
                   text);
}
