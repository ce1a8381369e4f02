#include "bench/peak.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/clock.h"

/* Twelve chains hide a latency of up to six cycles on two multiply-add units. */
#define CHAINS 12
#define BURST_NS 30000000
#define BURSTS 10

/* Runs `rounds` rounds of CHAINS multiply-adds on whole vectors; returns something of the
 * result, so that no compiler can leave the work out. Compiled with contraction: the source
 * says a * b + c and the point is to get the fused instruction. */
#define DEFINE_BURST(name, attributes, vector_bytes)                                               \
    attributes static float name(int64_t rounds) {                                                 \
        typedef float vector __attribute__((vector_size(vector_bytes)));                           \
        vector chain[CHAINS], factor = {0}, addend = {0};                                          \
        factor += 0.999999f;                                                                       \
        addend += 1e-6f;                                                                           \
        for (int c = 0; c < CHAINS; c++)                                                           \
            chain[c] = addend * (float)(c + 1);                                                    \
        for (int64_t r = 0; r < rounds; r++)                                                       \
            for (int c = 0; c < CHAINS; c++)                                                       \
                chain[c] = chain[c] * factor + addend;                                             \
        vector sum = {0};                                                                          \
        for (int c = 0; c < CHAINS; c++)                                                           \
            sum += chain[c];                                                                       \
        return sum[0];                                                                             \
    }

typedef struct burst_kernel {
    float (*run)(int64_t rounds);
    int lanes;
    const char *isa;
} burst_kernel;

DEFINE_BURST(burst_baseline, , 16)
#if defined(__x86_64__)
DEFINE_BURST(burst_avx2, __attribute__((target("avx2,fma"))), 32)
DEFINE_BURST(burst_avx512, __attribute__((target("avx512f"))), 64)
#endif

static burst_kernel widest(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (burst_kernel){burst_avx512, 16, "avx512f"};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (burst_kernel){burst_avx2, 8, "avx2"};
#endif
    return (burst_kernel){burst_baseline, 4, "baseline"};
}

static volatile float sink;

/* Held by the starter until it is known whether all threads could be started. */
typedef struct burst_gate {
    pthread_mutex_t lock;
    pthread_barrier_t barrier;
    bool abandoned;
} burst_gate;

typedef struct burst_thread {
    burst_kernel kernel;
    burst_gate *gate;
    int64_t rounds; /* of a burst, the same for all threads */
    int64_t start_ns[BURSTS], end_ns[BURSTS];
} burst_thread;

static int64_t calibrate(burst_kernel kernel) {
    for (int64_t rounds = 1 << 16;; rounds *= 2) {
        const int64_t start = rb_now_ns();
        sink = kernel.run(rounds);
        const int64_t spent = rb_now_ns() - start;
        if (spent > BURST_NS / 8)
            return rounds * (BURST_NS / spent > 0 ? BURST_NS / spent : 1);
    }
}

static void *run_bursts(void *ctx) {
    burst_thread *thread = ctx;
    pthread_mutex_lock(&thread->gate->lock);
    const bool abandoned = thread->gate->abandoned;
    pthread_mutex_unlock(&thread->gate->lock);
    if (abandoned)
        return NULL;
    for (int b = 0; b < BURSTS; b++) {
        pthread_barrier_wait(&thread->gate->barrier);
        thread->start_ns[b] = rb_now_ns();
        sink = thread->kernel.run(thread->rounds);
        thread->end_ns[b] = rb_now_ns();
    }
    return NULL;
}

/* All work over all time, from the first thread's start to the last one's end: threads that wait
 * for a processor make it lower, never higher. */
static double burst_gmacs(const burst_thread *threads, size_t count, int burst) {
    int64_t start = threads[0].start_ns[burst], end = threads[0].end_ns[burst];
    double work = 0;
    for (size_t i = 0; i < count; i++) {
        const burst_thread *thread = &threads[i];
        start = thread->start_ns[burst] < start ? thread->start_ns[burst] : start;
        end = thread->end_ns[burst] > end ? thread->end_ns[burst] : end;
        work += (double)thread->rounds * CHAINS * thread->kernel.lanes;
    }
    return work / (double)(end - start);
}

rb_status rb_peak_measure(int32_t threads, rb_peak *peak, rb_error *err) {
    *peak = (rb_peak){0};
    burst_gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const size_t count = (size_t)threads;
    pthread_t *handles = calloc(count, sizeof *handles);
    burst_thread *states = calloc(count, sizeof *states);
    if (!handles || !states) {
        free(handles);
        free(states);
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %d threads", threads);
    }
    pthread_barrier_init(&gate.barrier, NULL, (unsigned)threads);
    const burst_kernel kernel = widest();
    const int64_t rounds = calibrate(kernel);
    rb_status status = RB_OK;
    size_t started = 0;
    pthread_mutex_lock(&gate.lock);
    for (; started < count; started++) {
        states[started] = (burst_thread){.kernel = kernel, .rounds = rounds, .gate = &gate};
        if (pthread_create(&handles[started], NULL, run_bursts, &states[started]) != 0)
            break;
    }
    gate.abandoned = started < count;
    pthread_mutex_unlock(&gate.lock);
    if (gate.abandoned)
        status = rb_fail(err, RB_ERR_MEMORY, "cannot start %d threads", threads);
    for (size_t i = 0; i < started; i++)
        pthread_join(handles[i], NULL);
    for (int b = 0; status == RB_OK && b < BURSTS; b++) {
        const double gmacs = burst_gmacs(states, count, b);
        if (gmacs > peak->gmacs_per_second)
            *peak = (rb_peak){.gmacs_per_second = gmacs, .isa = kernel.isa};
    }
    pthread_barrier_destroy(&gate.barrier);
    free(handles);
    free(states);
    return status;
}

double rb_yardstick_ns(void) {
    const int64_t rounds = 1 << 17; /* fixed, whatever the machine */
    double best = 0;
    for (int i = 0; i < 3; i++) {
        const int64_t start = rb_now_ns();
        sink = burst_baseline(rounds);
        const double spent = (double)(rb_now_ns() - start);
        if (i == 0 || spent < best)
            best = spent;
    }
    return best;
}
