#include "bench/scenario.h"

#include <string.h>

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
