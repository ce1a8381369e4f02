/* The reference, and what it is called with: so that a test can call it on the same buffers in a
 * loop of its own. It can also take longer than it needs, on request. */
#include "bare.h"

#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

static const rb_engine *reference;
static rb_bare_call seen;
static double extra; /* share of a call that is spent on nothing */

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static rb_status open_session(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                              const rb_weights *weights, const rb_options *options,
                              rb_session **session, rb_error *err) {
    (void)self;
    seen = (rb_bare_call){.engine = reference};
    return reference->open(reference, host, graph, weights, options, session, err);
}

static rb_status run(rb_session *session, const float *src, const float *addend, void *dst,
                     rb_error *err) {
    seen.session = session;
    seen.dst = dst;
    seen.src[seen.calls++ % 2] = src;
    if (extra == 0)
        return reference->run(session, src, addend, dst, err);
    const int64_t start = now_ns();
    const rb_status status = reference->run(session, src, addend, dst, err);
    const int64_t end = now_ns() + (int64_t)(extra * (double)(now_ns() - start));
    while (now_ns() < end) {
    }
    return status;
}

static void close_session(rb_session *session) {
    reference->close(session);
}

__attribute__((visibility("default"))) const rb_bare_call *rb_bare_last(void) {
    return &seen;
}

__attribute__((visibility("default"))) void rb_bare_spend(double share) {
    extra = share;
}

const rb_engine *rb_engine_get(void) {
    static rb_engine table;
    void *object = dlopen(RB_REFERENCE, RTLD_NOW | RTLD_LOCAL);
    const rb_engine *(*get)(void) = NULL;
    if (object)
        *(void **)&get = dlsym(object, RB_ENGINE_SYMBOL);
    if (!get)
        return NULL;
    reference = get();
    table = (rb_engine){.abi = RB_ENGINE_ABI,
                        .size = sizeof table,
                        .name = "bare",
                        .version = RB_VERSION,
                        .description = "the reference, overheard",
                        .output_dtype = RB_F32,
                        .open = open_session,
                        .run = run,
                        .close = close_session};
    return &table;
}
