/* Engines that misbehave, one fault each: the harness must name every one of them.
 *
 * Each shared object is this file with another RB_FAULT, the name of a row of `faults`. Apart
 * from its fault an engine is the reference, which it loads and forwards to. */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resbench/engine.h"

struct rb_session {
    rb_session *inner; /* the reference's */
    const rb_host *host;
    int64_t batch, classes;
    int64_t runs;        /* so far */
    const float *addend; /* of the call that runs */
};

static const rb_engine *reference;

static int64_t logit_count(const rb_session *s) {
    return s->batch * s->classes;
}

static rb_status forward(rb_session *s, const float *src, float *dst, rb_error *err) {
    return reference->run(s->inner, src, s->addend, dst, err);
}

static rb_status crash(void) {
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit code of it */
    raise(SIGSEGV);
    return RB_OK;
}

static rb_status open_crash(rb_error *err) {
    (void)err;
    return crash();
}

static rb_status open_unsupported(rb_error *err) {
    return rb_fail(err, RB_ERR_UNSUPPORTED, "this engine knows no network at all");
}

static rb_status run_crash(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)s, (void)src, (void)dst, (void)err;
    return crash();
}

/* Late enough to be timed already, early enough to come before a turn ends. */
static rb_status run_crash_late(rb_session *s, const float *src, float *dst, rb_error *err) {
    return s->runs < 5 ? forward(s, src, dst, err) : crash();
}

static rb_status run_hang(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)s, (void)src, (void)dst, (void)err;
    for (;;)
        pause();
    return RB_OK;
}

static rb_status run_exit(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)s, (void)src, (void)dst, (void)err;
    _exit(0);
}

static rb_status run_error(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)s, (void)src, (void)dst;
    return rb_fail(err, RB_ERR_ENGINE, "this engine would rather not");
}

/* Not one sentence, and made to break tables. */
static rb_status run_rude(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)s, (void)src, (void)dst;
    return rb_fail(err, RB_ERR_ENGINE, "one line,\n| \"another\" | and\t\033[31mred\r");
}

static rb_status run_wrong(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    for (int64_t i = 0; i < logit_count(s); i++)
        dst[i] *= 1.001f;
    return status;
}

static rb_status run_nan(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    dst[logit_count(s) / 2] = NAN;
    return status;
}

static rb_status run_zeros(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    memset(dst, 0, (size_t)logit_count(s) * sizeof *dst);
    return status;
}

static rb_status run_constant(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    for (int64_t i = 0; i < logit_count(s); i++)
        dst[i] = dst[0];
    return status;
}

static rb_status run_overrun(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    dst[logit_count(s)] = 0;
    return status;
}

/* The tail keeps what stood there before. */
static rb_status run_stale(rb_session *s, const float *src, float *dst, rb_error *err) {
    float tail[3];
    float *at = dst + logit_count(s) - 3;
    memcpy(tail, at, sizeof tail);
    const rb_status status = forward(s, src, dst, err);
    memcpy(at, tail, sizeof tail);
    return status;
}

/* Computes while it is compared and rests while it is timed. */
static rb_status run_lazy(rb_session *s, const float *src, float *dst, rb_error *err) {
    return s->runs < 4 ? forward(s, src, dst, err) : RB_OK;
}

/* The first and the last image of a batch change places. */
static rb_status run_swap(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    float *last = dst + (s->batch - 1) * s->classes;
    for (int64_t i = 0; i < s->classes; i++) {
        const float first = dst[i];
        dst[i] = last[i];
        last[i] = first;
    }
    return status;
}

static rb_status run_alloc(rb_session *s, const float *src, float *dst, rb_error *err) {
    s->host->release(s->host->ctx, s->host->alloc(s->host->ctx, RB_MEMORY_SCRATCH, 4096));
    return forward(s, src, dst, err);
}

static rb_status run_writes_stdout(rb_session *s, const float *src, float *dst, rb_error *err) {
    puts("resnet18  garbage from an engine");
    fflush(stdout);
    return forward(s, src, dst, err);
}

/* The one socket of a worker is its line to the harness. */
static rb_status run_garbage(rb_session *s, const float *src, float *dst, rb_error *err) {
    static const char text[64] = "an engine speaks where the worker should";
    struct stat entry;
    for (int fd = 0; fd < 1024; fd++)
        if (fstat(fd, &entry) == 0 && S_ISSOCK(entry.st_mode) &&
            write(fd, text, sizeof text) == (ssize_t)sizeof text)
            return forward(s, src, dst, err);
    return rb_fail(err, RB_ERR_ENGINE, "there is no socket to write to");
}

/* The cost of the harness alone. */
static rb_status run_null(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)src, (void)err;
    memset(dst, 0, (size_t)logit_count(s) * sizeof *dst);
    return RB_OK;
}

static int64_t memory_lie(int64_t bytes) {
    return bytes / 2;
}

static int64_t memory_absurd(int64_t bytes) {
    return bytes + ((int64_t)1 << 50);
}

typedef struct fault {
    const char *name;
    rb_status (*open)(rb_error *err); /* before the reference's open */
    rb_status (*run)(rb_session *s, const float *src, float *dst, rb_error *err);
    int64_t (*memory)(int64_t bytes); /* what is told for the weights' bytes */
    uint32_t abi, size;               /* what the table says too much */
} fault;

static const fault faults[] = {
    {.name = "abi", .abi = 1},
    {.name = "alloc_in_run", .run = run_alloc},
    {.name = "constant", .run = run_constant},
    {.name = "crash", .run = run_crash},
    {.name = "crash_late", .run = run_crash_late},
    {.name = "crash_open", .open = open_crash},
    {.name = "error", .run = run_error},
    {.name = "exit", .run = run_exit},
    {.name = "garbage", .run = run_garbage},
    {.name = "hang", .run = run_hang},
    {.name = "lazy", .run = run_lazy},
    {.name = "memory_absurd", .memory = memory_absurd},
    {.name = "memory_lie", .memory = memory_lie},
    {.name = "nan", .run = run_nan},
    {.name = "null", .run = run_null},
    {.name = "overrun", .run = run_overrun},
    {.name = "rude", .run = run_rude},
    {.name = "size", .size = 8},
    {.name = "stale", .run = run_stale},
    {.name = "swap", .run = run_swap},
    {.name = "unsupported", .open = open_unsupported},
    {.name = "writes_stdout", .run = run_writes_stdout},
    {.name = "wrong", .run = run_wrong},
    {.name = "zeros", .run = run_zeros},
};

static const fault *own; /* the row called RB_FAULT */

static rb_status open_session(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                              const rb_weights *weights, const rb_options *options,
                              rb_session **session, rb_error *err) {
    (void)self;
    *session = NULL;
    rb_status status = own->open ? own->open(err) : RB_OK;
    if (status != RB_OK)
        return status;
    rb_session *s = calloc(1, sizeof *s);
    if (!s)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a session");
    s->host = host;
    s->batch = graph->batch;
    s->classes = graph->classes;
    status = reference->open(reference, host, graph, weights, options, &s->inner, err);
    if (status == RB_OK)
        *session = s;
    else
        free(s);
    return status;
}

static rb_status run_session(rb_session *s, const float *src, const float *addend, void *dst,
                             rb_error *err) {
    s->addend = addend;
    const rb_status status = (own->run ? own->run : forward)(s, src, dst, err);
    s->runs++;
    return status;
}

static rb_status account(const rb_session *s, rb_memory *memory, rb_error *err) {
    const rb_status status = reference->memory(s->inner, memory, err);
    if (status == RB_OK && own->memory)
        memory->bytes[RB_MEMORY_WEIGHTS] = own->memory(memory->bytes[RB_MEMORY_WEIGHTS]);
    return status;
}

static void close_session(rb_session *s) {
    if (s)
        reference->close(s->inner);
    free(s);
}

#ifndef RB_NO_SYMBOL
const rb_engine *rb_engine_get(void) {
#else
const rb_engine *rb_engine_forget(void); /* no such function is looked for */
const rb_engine *rb_engine_forget(void) {
#endif
    static rb_engine table;
    void *object = dlopen(RB_REFERENCE, RTLD_NOW | RTLD_LOCAL);
    const rb_engine *(*get)(void) = NULL;
    if (object)
        *(void **)&get = dlsym(object, RB_ENGINE_SYMBOL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(faults[i].name, RB_FAULT) == 0)
            own = &faults[i];
    if (!get || !own)
        return NULL;
    reference = get();
    table = (rb_engine){.abi = RB_ENGINE_ABI + own->abi,
                        .size = (uint32_t)sizeof table + own->size,
                        .name = RB_FAULT,
                        .version = RB_VERSION,
                        .description = "the reference with a fault",
                        .output_dtype = RB_F32,
                        .open = open_session,
                        .run = run_session,
                        .memory = account,
                        .close = close_session};
    return &table;
}
