/* The table that the harness sees. */
#include <pthread.h>
#include <stdio.h>

#include "session.h"
#include "threads.h"

static char version[64];
static rb_engine table = {.abi = RB_ENGINE_ABI,
                          .size = sizeof(rb_engine),
                          .name = "onednn",
                          .version = version,
                          .description = "oneDNN: folded BN, post-ops, the library's own layouts",
                          .output_dtype = RB_F32,
                          .open = rb_session_open,
                          .run = rb_session_run,
                          .tap = rb_session_tap,
                          .memory = rb_session_memory,
                          .kernel = rb_session_kernel,
                          .algorithm = rb_session_algorithm,
                          .close = rb_session_close,
                          .executed_macs = rb_session_executed_macs,
                          .profile = rb_session_profile};

/* Of the library that is loaded, which need not be the one compiled against. */
static void write_version(void) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "%d.%d.%d (%s)", v->major, v->minor, v->patch,
             rb_threads_runtime());
}

const rb_engine *rb_engine_get(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_version);
    return &table;
}
