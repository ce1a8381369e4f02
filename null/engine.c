/* An engine that does nothing: what a timed call of it takes is the harness's own. It opens
 * whatever it is given, writes one value, which is all that the harness's problem asks for
 * (bench/overhead.c), and returns. */
#include <stdlib.h>

#include "resbench/handshake.h"

struct rb_session {
    char unused; /* C has no empty structs */
};

static rb_status open_session(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                              const rb_weights *weights, const rb_options *options,
                              rb_session **session, rb_error *err) {
    (void)self;
    *session = NULL;
    const rb_status status = rb_handshake_check(host, graph, weights, options, err);
    if (status != RB_OK)
        return status;
    *session = malloc(sizeof **session);
    return *session ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "no memory for a session");
}

static rb_status run(rb_session *session, const float *src, const float *addend, void *dst,
                     rb_error *err) {
    (void)session, (void)src, (void)addend, (void)err;
    *(float *)dst = 0;
    return RB_OK;
}

static void close_session(rb_session *session) {
    free(session);
}

const rb_engine *rb_engine_get(void) {
    static const rb_engine table = {.abi = RB_ENGINE_ABI,
                                    .size = sizeof table,
                                    .name = "null",
                                    .version = RB_VERSION,
                                    .description = "nothing, for the harness's own time",
                                    .output_dtype = RB_F32,
                                    .open = open_session,
                                    .run = run,
                                    .close = close_session};
    return &table;
}
