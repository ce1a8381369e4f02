/* The table by which the harness knows this engine. */
#include "session.h"

#define REAL_IS_FLOAT (sizeof(RB_REAL) == sizeof(float))

const rb_engine *rb_engine_get(void) {
    static const rb_engine table = {
        .abi = RB_ENGINE_ABI,
        .size = sizeof(rb_engine),
        .name = REAL_IS_FLOAT ? "reference" : "oracle",
        .version = RB_VERSION,
        .description = REAL_IS_FLOAT ? "plain loops in float32, every step as defined"
                                     : "plain loops in float64, the measure of all engines",
        .output_dtype = RB_REF_DTYPE,
        .open = rb_ref_open,
        .run = rb_ref_run,
        .tap = rb_ref_tap,
        .memory = rb_ref_memory,
        .kernel = rb_ref_kernel,
        .close = rb_ref_close,
        .executed_macs = rb_ref_executed_macs,
        .profile = rb_ref_profile,
    };
    return &table;
}
