#include "bench/bandwidth.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/team.h"
#include "bench/vector_isa.h"

#define STEP 512 /* bytes that a loop takes at once: eight vectors of the widest kind */
#define CALIBRATION_BYTES ((int64_t)4 << 20) /* of each array of a thread */
#define CALIBRATION_BURSTS 3
#define UNKNOWN_CACHE_BYTES ((int64_t)16 << 20)

/* Each goes once over `bytes` bytes of each array, a multiple of STEP. The statement without
 * instructions keeps compilers from calling memcpy, which has stores of its own kind. Eight sums,
 * for a load may be started twice a cycle and an exclusive or takes one. */
#define DEFINE_READ(name, attributes, vector_bytes)                                                \
    attributes static void name(float *a, const float *b, const float *c, int64_t bytes) {         \
        typedef uint32_t vector __attribute__((vector_size(vector_bytes)));                        \
        const vector *source = (const vector *)(const void *)a;                                    \
        vector sum[8] = {{0}};                                                                     \
        (void)b, (void)c;                                                                          \
        for (int64_t i = 0; i < bytes / vector_bytes; i += 8)                                      \
            for (int64_t k = 0; k < 8; k++)                                                        \
                sum[k] ^= source[i + k];                                                           \
        for (int k = 1; k < 8; k++)                                                                \
            sum[0] ^= sum[k];                                                                      \
        sink = sum[0][0];                                                                          \
    }

#define DEFINE_COPY(name, attributes, vector_bytes)                                                \
    attributes static void name(float *a, const float *b, const float *c, int64_t bytes) {         \
        typedef float vector __attribute__((vector_size(vector_bytes)));                           \
        vector *target = (vector *)(void *)a;                                                      \
        const vector *source = (const vector *)(const void *)b;                                    \
        (void)c;                                                                                   \
        for (int64_t i = 0; i < bytes / vector_bytes; i += 8) {                                    \
            for (int64_t k = 0; k < 8; k++)                                                        \
                target[i + k] = source[i + k];                                                     \
            __asm__ volatile("" : : : "memory");                                                   \
        }                                                                                          \
    }

#define DEFINE_TRIAD(name, attributes, vector_bytes)                                               \
    attributes static void name(float *a, const float *b, const float *c, int64_t bytes) {         \
        typedef float vector __attribute__((vector_size(vector_bytes)));                           \
        vector *target = (vector *)(void *)a, factor = {0};                                        \
        const vector *left = (const vector *)(const void *)b;                                      \
        const vector *right = (const vector *)(const void *)c;                                     \
        factor += 0.5f;                                                                            \
        for (int64_t i = 0; i < bytes / vector_bytes; i += 8) {                                    \
            for (int64_t k = 0; k < 8; k++)                                                        \
                target[i + k] = left[i + k] + factor * right[i + k];                               \
            __asm__ volatile("" : : : "memory");                                                   \
        }                                                                                          \
    }

static volatile uint32_t sink;

RB_DEFINE_FOR_EACH_ISA(DEFINE_READ, read)
RB_DEFINE_FOR_EACH_ISA(DEFINE_COPY, copy)
RB_DEFINE_FOR_EACH_ISA(DEFINE_TRIAD, triad)

typedef void (*pass_fn)(float *a, const float *b, const float *c, int64_t bytes);

static const struct {
    const char *name;
    int arrays;
    pass_fn pass[RB_ISA_COUNT];
} kinds[RB_TRAFFIC_COUNT] = {
    [RB_TRAFFIC_READ] = {"read", 1, RB_FOR_EACH_ISA(read)},
    [RB_TRAFFIC_COPY] = {"copy", 2, RB_FOR_EACH_ISA(copy)},
    [RB_TRAFFIC_TRIAD] = {"triad", 3, RB_FOR_EACH_ISA(triad)},
};

const char *rb_traffic_name(rb_traffic traffic) {
    return kinds[traffic].name;
}

/* Every thread has `arrays` arrays of array_bytes bytes, and walks round and round: a burst is not
 * tied to the size of the arrays, and finds of those in main memory what has long left the caches.
 */
typedef struct job {
    pass_fn pass;
    int32_t threads;
    int arrays;
    int64_t array_bytes, burst_bytes; /* of each array; multiples of STEP */
    char **memory;                    /* [threads] */
    int64_t *at;                      /* [threads]: where its next burst begins */
} job;

/* From one array to the next: the same place in none begins at the same line of a page, or loads
 * would wait for stores that they have nothing to do with. */
static int64_t stride_of(const job *j) {
    return (j->array_bytes + 4095) / 4096 * 4096 + 21 * 64;
}

static float *array_of(const job *j, int32_t thread, int index) {
    return (float *)(void *)(j->memory[thread] + index * stride_of(j));
}

static void fill(void *ctx, int32_t thread) {
    const job *j = ctx;
    for (int i = 0; i < j->arrays; i++) {
        float *array = array_of(j, thread, i);
        for (int64_t k = 0; k < j->array_bytes / (int64_t)sizeof *array; k++)
            array[k] = 1;
    }
}

static void walk(void *ctx, int32_t thread) {
    const job *j = ctx;
    char *place[3] = {NULL};
    int64_t at = j->at[thread];
    for (int i = 0; i < j->arrays; i++)
        place[i] = (char *)array_of(j, thread, i);
    for (int64_t left = j->burst_bytes; left > 0;) {
        const int64_t rest = j->array_bytes - at, bytes = rest < left ? rest : left;
        float *from[3] = {NULL};
        for (int i = 0; i < j->arrays; i++)
            from[i] = (float *)(void *)(place[i] + at);
        j->pass(from[0], from[1], from[2], bytes);
        left -= bytes;
        at = bytes == rest ? 0 : at + bytes;
    }
    j->at[thread] = at;
}

/* How many bytes take about RB_BURST_NS when all threads are at it; fills the arrays first. Who was
 * disturbed took longer: the shortest counts. */
static rb_status calibrate(job *j, rb_error *err) {
    double ns[CALIBRATION_BURSTS], best = INFINITY;
    const rb_team_work work = {.threads = j->threads,
                               .bursts = CALIBRATION_BURSTS,
                               .prepare = fill,
                               .run = walk,
                               .ctx = j};
    j->burst_bytes = CALIBRATION_BYTES;
    const rb_status status = rb_team_run(&work, ns, err);
    if (status != RB_OK)
        return status;
    for (int b = 0; b < CALIBRATION_BURSTS; b++)
        best = fmin(best, fmax(ns[b], 1));
    j->burst_bytes = ((int64_t)(CALIBRATION_BYTES * RB_BURST_NS / best) / STEP + 1) * STEP;
    return RB_OK;
}

static rb_status measure(job *j, double seconds, double *bytes_per_ns, rb_error *err) {
    double ns[RB_MAX_BURSTS];
    const rb_team_work work = {.threads = j->threads,
                               .bursts = rb_team_bursts(seconds, RB_BURST_NS),
                               .run = walk,
                               .ctx = j};
    rb_status status = calibrate(j, err);
    if (status == RB_OK)
        status = rb_team_run(&work, ns, err);
    const double bytes = (double)j->burst_bytes * (double)j->arrays * (double)j->threads;
    for (int32_t b = 0; status == RB_OK && b < work.bursts; b++)
        *bytes_per_ns = fmax(*bytes_per_ns, bytes / fmax(ns[b], 1));
    return status;
}

rb_status rb_bandwidth_measure_set(rb_traffic traffic, int32_t threads, int64_t working_set,
                                   double seconds, double *bytes_per_ns, rb_error *err) {
    job j = {.pass = kinds[traffic].pass[rb_vector_isa_widest()],
             .threads = threads,
             .arrays = kinds[traffic].arrays};
    rb_status status = RB_OK;
    *bytes_per_ns = 0;
    j.array_bytes = working_set / j.arrays / STEP * STEP;
    if (j.array_bytes < STEP)
        j.array_bytes = STEP;
    j.memory = calloc((size_t)threads, sizeof *j.memory);
    j.at = calloc((size_t)threads, sizeof *j.at);
    for (int32_t i = 0; j.memory && status == RB_OK && i < threads; i++) {
        j.memory[i] =
            aligned_alloc(4096, (size_t)(((int64_t)j.arrays * stride_of(&j) + 4095) / 4096 * 4096));
        if (!j.memory[i])
            status = RB_ERR_MEMORY;
    }
    if (!j.memory || !j.at || status != RB_OK)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %d working sets of %lld bytes", threads,
                         (long long)working_set);
    else
        status = measure(&j, seconds, bytes_per_ns, err);
    for (int32_t i = 0; j.memory && i < threads; i++)
        free(j.memory[i]);
    free(j.memory);
    free(j.at);
    return status;
}

/* What the processors of so many threads find in all caches that they reach; 0: unknown. */
static int64_t cache_bytes(int32_t threads) {
    cpu_set_t processors;
    int64_t share[CPU_SETSIZE], bytes = 0;
    if (!rb_machine_processors(threads, &processors))
        return 0;
    rb_machine_cache_shares(&processors, share);
    for (size_t p = 0; p < CPU_SETSIZE; p++)
        bytes += CPU_ISSET(p, &processors) ? share[p] : 0;
    return bytes;
}

int64_t rb_bandwidth_memory_set(int32_t threads) {
    const int64_t caches = cache_bytes(threads), left = rb_machine_available_bytes();
    int64_t bytes = 4 * (caches > 0 ? caches : UNKNOWN_CACHE_BYTES);
    if (left > 0 && bytes > left / 4)
        bytes = left / 4;
    return bytes / threads;
}

rb_status rb_bandwidth_measure(int32_t threads, double *bytes_per_ns, rb_error *err) {
    return rb_bandwidth_measure_set(RB_TRAFFIC_TRIAD, threads, rb_bandwidth_memory_set(threads),
                                    0.5, bytes_per_ns, err);
}
