/* Engines that misbehave, one fault each: the harness must name every one of them.
 *
 * Each shared object is this file with another RB_FAULT, the name of a row of `faults`. Apart
 * from its fault an engine is the reference, which it loads and forwards to. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resbench/engine.h"

struct rb_session {
    rb_session *inner; /* the reference's */
    const rb_host *host;
    int64_t batch, classes;
    int64_t src_count;   /* values of the input */
    const float *weight; /* the first tensor, as open was given it; NULL: there is none */
    float *own;          /* OWN_COUNT values from the host */
    int64_t runs;        /* so far */
    const float *addend; /* of the call that runs */
    int32_t nodes;
    int64_t untold; /* the time of the last node before it was told */
};

static const rb_engine *reference;

#define OWN_COUNT 100

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

/* Only a process that has opened others before: what they left is part of it. */
static rb_status open_crash_third(rb_error *err) {
    static int opened;
    (void)err;
    return ++opened < 3 ? RB_OK : crash();
}

static rb_status open_unsupported(rb_error *err) {
    return rb_fail(err, RB_ERR_UNSUPPORTED, "this engine knows no network at all");
}

/* Memory that is in nobody's account. */
static rb_status open_hoards(rb_error *err) {
    const size_t bytes = (size_t)64 << 20;
    volatile char *hoard = malloc(bytes);
    if (!hoard)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to hoard");
    for (size_t i = 0; i < bytes; i += 1024)
        hoard[i] = 1;
    return RB_OK;
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

/* Values that fill up a buffer to RB_ALIGNMENT. */
static int64_t rounded(int64_t count) {
    const int64_t unit = RB_ALIGNMENT / (int64_t)sizeof(float);
    return (count + unit - 1) / unit * unit;
}

static rb_status read_value(const volatile float *value) {
    (void)*value;
    return RB_OK;
}

static rb_status run_read_behind(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)dst, (void)err;
    return read_value(src + rounded(s->src_count));
}

static void *read_on(void *value) {
    read_value(value);
    return NULL;
}

static rb_status run_read_behind_in_thread(rb_session *s, const float *src, float *dst,
                                           rb_error *err) {
    pthread_t thread;
    (void)dst;
    if (pthread_create(&thread, NULL, read_on, (void *)(uintptr_t)(src + rounded(s->src_count))))
        return rb_fail(err, RB_ERR_ENGINE, "no thread");
    pthread_join(thread, NULL);
    return RB_OK;
}

static rb_status run_write_in_front(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    dst[-1] = 0;
    return status;
}

static rb_status run_addend_in_front(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)src, (void)dst, (void)err;
    return read_value(s->addend - 1);
}

static rb_status run_own_behind(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    s->own[rounded(OWN_COUNT)] = 0;
    return status;
}

static rb_status run_late_weights(rb_session *s, const float *src, float *dst, rb_error *err) {
    (void)src, (void)dst, (void)err;
    return read_value(s->weight);
}

static rb_status run_change_weights(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    *(float *)(uintptr_t)s->weight += 1;
    return status;
}

static rb_status run_change_addend(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    *(float *)(uintptr_t)s->addend += 1;
    return status;
}

/* By the least that there is, and while it is timed: no logit tells of it. */
static rb_status run_late_input(rb_session *s, const float *src, float *dst, rb_error *err) {
    const rb_status status = forward(s, src, dst, err);
    if (s->runs >= 5)
        *(float *)(uintptr_t)src = nextafterf(*src, 2);
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

static void profile_of_something_else(rb_session *s, float *dst, int64_t *node_ns) {
    (void)node_ns;
    dst[logit_count(s) - 1] *= 1.0000002f;
}

static void profile_wrong(rb_session *s, float *dst, int64_t *node_ns) {
    (void)node_ns;
    for (int64_t i = 0; i < logit_count(s); i++)
        dst[i] *= 1.001f;
}

static void profile_too_much(rb_session *s, float *dst, int64_t *node_ns) {
    (void)dst;
    for (int32_t i = 0; i < s->nodes; i++)
        node_ns[i] *= 2;
}

static void profile_negative(rb_session *s, float *dst, int64_t *node_ns) {
    (void)s, (void)dst;
    node_ns[1] = -node_ns[1];
}

/* What stood there before remains. */
static void profile_partly(rb_session *s, float *dst, int64_t *node_ns) {
    (void)dst;
    node_ns[s->nodes - 1] = s->untold;
}

typedef struct fault {
    const char *name;
    rb_status (*open)(rb_error *err); /* before the reference's open */
    rb_status (*run)(rb_session *s, const float *src, float *dst, rb_error *err);
    int64_t (*memory)(int64_t bytes); /* what is told for the weights' bytes */
    uint32_t abi, size;               /* what the table says too much */
    uint32_t flags;
    int32_t dtype;     /* of dst, where it is not 0 */
    bool reserved;     /* the last reserved member is not NULL */
    int32_t algorithm; /* of every node, where it is not 0 */
    /* What tap adds to the number of a node and to its channels. */
    int32_t tap_node;
    int64_t tap_channels;
    bool tap_once; /* nothing after the first node is shown */
    /* Spoils what the reference's profile has told; NULL: there is no profile. */
    void (*profile)(rb_session *s, float *dst, int64_t *node_ns);
} fault;

static const fault faults[] = {
    {.name = "abi", .abi = 1},
    {.name = "addend_in_front", .run = run_addend_in_front},
    {.name = "algorithm", .algorithm = 7},
    {.name = "alloc_in_run", .run = run_alloc},
    {.name = "change_addend", .run = run_change_addend},
    {.name = "change_weights", .run = run_change_weights, .flags = RB_ENGINE_KEEPS_WEIGHTS},
    {.name = "constant", .run = run_constant},
    {.name = "crash", .run = run_crash},
    {.name = "crash_late", .run = run_crash_late},
    {.name = "crash_open", .open = open_crash},
    {.name = "crash_third_open", .open = open_crash_third},
    {.name = "dtype", .dtype = 3},
    {.name = "error", .run = run_error},
    {.name = "exit", .run = run_exit},
    {.name = "flags", .flags = 64},
    {.name = "garbage", .run = run_garbage},
    {.name = "hang", .run = run_hang},
    {.name = "hoards", .open = open_hoards},
    {.name = "keeps", .flags = RB_ENGINE_KEEPS_WEIGHTS},
    {.name = "late_input", .run = run_late_input},
    {.name = "late_weights", .run = run_late_weights},
    {.name = "lazy", .run = run_lazy},
    {.name = "memory_absurd", .memory = memory_absurd},
    {.name = "memory_lie", .memory = memory_lie},
    {.name = "nan", .run = run_nan},
    {.name = "null", .run = run_null},
    {.name = "overrun", .run = run_overrun},
    {.name = "own_behind", .run = run_own_behind},
    {.name = "profile_negative", .profile = profile_negative},
    {.name = "profile_partly", .profile = profile_partly},
    {.name = "profile_something_else", .profile = profile_of_something_else},
    {.name = "profile_too_much", .profile = profile_too_much},
    {.name = "profile_wrong", .run = run_wrong, .profile = profile_wrong},
    {.name = "read_behind", .run = run_read_behind},
    {.name = "read_behind_in_thread", .run = run_read_behind_in_thread},
    {.name = "reserved", .reserved = true},
    {.name = "rude", .run = run_rude},
    {.name = "size", .size = 8},
    {.name = "stale", .run = run_stale},
    {.name = "swap", .run = run_swap},
    {.name = "tap_misshapen", .tap_channels = 1},
    {.name = "tap_once", .tap_once = true},
    {.name = "tap_out_of_order", .tap_node = 1},
    {.name = "unsupported", .open = open_unsupported},
    {.name = "write_in_front", .run = run_write_in_front},
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
    s->nodes = graph->node_count;
    s->src_count = graph->batch * graph->channels * graph->height * graph->width;
    s->weight = graph->tensor_count > 0 ? weights->tensors[0] : NULL;
    s->own = host->alloc(host->ctx, RB_MEMORY_SCRATCH, OWN_COUNT * sizeof *s->own);
    status = reference->open(reference, host, graph, weights, options, &s->inner, err);
    if (status == RB_OK) {
        *session = s;
    } else {
        host->release(host->ctx, s->own);
        free(s);
    }
    return status;
}

static rb_status run_session(rb_session *s, const float *src, const float *addend, void *dst,
                             rb_error *err) {
    s->addend = addend;
    const rb_status status = (own->run ? own->run : forward)(s, src, dst, err);
    s->runs++;
    return status;
}

/* What the reference shows, and where it goes. */
typedef struct shown {
    rb_tap_fn fn;
    void *ctx;
} shown;

static rb_status show(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    const shown *to = ctx;
    const int64_t said[4] = {dims[0], dims[1] + own->tap_channels, dims[2], dims[3]};
    if (own->tap_once && node > 0)
        return RB_OK;
    return to->fn(to->ctx, node + own->tap_node, stage, said, dtype, data, err);
}

static rb_status tap_session(rb_session *s, const float *src, const float *addend, void *dst,
                             uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    shown to = {fn, ctx};
    return reference->tap(s->inner, src, addend, dst, stages, show, &to, err);
}

static rb_status profile_session(rb_session *s, const float *src, const float *addend, void *dst,
                                 int64_t *node_ns, rb_error *err) {
    s->untold = node_ns[s->nodes - 1];
    const rb_status status = reference->profile(s->inner, src, addend, dst, node_ns, err);
    own->profile(s, dst, node_ns);
    return status;
}

static rb_algorithm algorithm_of(const rb_session *s, int32_t node) {
    (void)s, (void)node;
    return (rb_algorithm)own->algorithm;
}

static rb_status account(const rb_session *s, rb_memory *memory, rb_error *err) {
    const rb_status status = reference->memory(s->inner, memory, err);
    memory->bytes[RB_MEMORY_SCRATCH] += OWN_COUNT * (int64_t)sizeof *s->own;
    if (status == RB_OK && own->memory)
        memory->bytes[RB_MEMORY_WEIGHTS] = own->memory(memory->bytes[RB_MEMORY_WEIGHTS]);
    return status;
}

static void close_session(rb_session *s) {
    if (s) {
        reference->close(s->inner);
        s->host->release(s->host->ctx, s->own);
    }
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
                        .output_dtype = own->dtype ? (rb_dtype)own->dtype : RB_F32,
                        .flags = own->flags,
                        .open = open_session,
                        .run = run_session,
                        .tap = tap_session,
                        .algorithm = algorithm_of,
                        .memory = account,
                        .close = close_session,
                        .profile = own->profile ? profile_session : NULL};
    table.reserved[1] = own->reserved ? &table : NULL;
    return &table;
}
