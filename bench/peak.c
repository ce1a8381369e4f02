#include "bench/peak.h"

#include <stdlib.h>

#include "bench/best_window.h"
#include "bench/clock.h"
#include "bench/team.h"

/* As many chains as the registers hold beside the factor. On x86-64 (16 registers, 32 for
 * AVX-512) they hide a latency of six cycles on two multiply-add units; 64-bit Arm has up to four
 * units, and 32 registers. */
#if defined(__aarch64__)
#define CHAINS 24
#else
#define CHAINS 12
#endif

/* Runs `rounds` rounds of CHAINS multiply-adds on whole vectors; returns something of the
 * result, so that no compiler can leave the work out. Compiled with contraction: the source
 * says a + a * b and the point is to get the fused instruction. It adds to what it has multiplied:
 * NEON's writes over its addend, of which any other form would need copies. */
#define DEFINE_BURST(name, attributes, vector_bytes)                                               \
    attributes static float name(int64_t rounds) {                                                 \
        typedef float vector __attribute__((vector_size(vector_bytes)));                           \
        vector chain[CHAINS], factor = {0};                                                        \
        factor -= 1e-6f;                                                                           \
        for (int c = 0; c < CHAINS; c++)                                                           \
            chain[c] = factor * (float)(c + 1);                                                    \
        for (int64_t r = 0; r < rounds; r++)                                                       \
            for (int c = 0; c < CHAINS; c++)                                                       \
                chain[c] = chain[c] + chain[c] * factor;                                           \
        vector sum = {0};                                                                          \
        for (int c = 0; c < CHAINS; c++)                                                           \
            sum += chain[c];                                                                       \
        return sum[0];                                                                             \
    }

RB_DEFINE_FOR_EACH_ISA(DEFINE_BURST, burst)

typedef float (*burst_fn)(int64_t rounds);
static const burst_fn bursts[RB_ISA_COUNT] = RB_FOR_EACH_ISA(burst);

static volatile float sink;

/* What a portion should take, and the time whose work counts: shorter than a system lets a thread
 * run at a stretch, so that a busy neighbour leaves some of them alone. */
#define PORTION_NS 25000
#define WINDOW_NS 1000000

typedef struct peak_work {
    burst_fn burst;
    int64_t rounds; /* of a portion, the same for all threads */
    int64_t lasting_ns;
    size_t capacity;   /* marks of a thread */
    int64_t *marks;    /* [threads][capacity] */
    rb_marks *threads; /* [threads] */
} peak_work;

static void do_portions(void *ctx, int32_t thread) {
    peak_work *work = ctx;
    int64_t *marks = work->marks + (size_t)thread * work->capacity;
    size_t count = 1;
    marks[0] = rb_now_ns();
    while (count < work->capacity && marks[count - 1] - marks[0] < work->lasting_ns) {
        sink = work->burst(work->rounds);
        marks[count++] = rb_now_ns();
    }
    work->threads[thread] = (rb_marks){.ns = marks, .count = count};
}

static int64_t quickest(burst_fn burst, int64_t rounds) {
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        const int64_t start = rb_now_ns();
        sink = burst(rounds);
        const int64_t spent = rb_now_ns() - start;
        best = spent < best ? spent : best;
    }
    return best;
}

static int64_t rounds_of_a_portion(burst_fn burst) {
    for (int64_t rounds = 1 << 8;; rounds *= 2) {
        const int64_t spent = quickest(burst, rounds);
        if (spent > PORTION_NS / 4)
            return rounds * PORTION_NS / spent + 1;
    }
}

rb_status rb_peak_measure_isa(rb_vector_isa isa, int32_t threads, double seconds, rb_peak *peak,
                              rb_error *err) {
    double ns;
    const size_t count = (size_t)threads;
    peak_work work = {.burst = bursts[isa], .lasting_ns = (int64_t)(seconds * 1e9)};
    const rb_team_work team = {.threads = threads, .bursts = 1, .run = do_portions, .ctx = &work};
    *peak = (rb_peak){0};
    work.rounds = rounds_of_a_portion(work.burst);
    work.capacity = (size_t)(work.lasting_ns / PORTION_NS) * 3 / 2 + 2;
    work.marks = malloc(count * work.capacity * sizeof *work.marks);
    work.threads = calloc(count, sizeof *work.threads);
    const rb_status status =
        work.marks && work.threads
            ? rb_team_run(&team, &ns, err)
            : rb_fail(err, RB_ERR_MEMORY, "no memory for the times of %d threads", threads);
    if (status == RB_OK) {
        const double portion = (double)work.rounds * CHAINS * rb_vector_isa_lanes(isa);
        peak->gmacs_per_second = portion * rb_best_window(work.threads, count, WINDOW_NS);
        peak->isa = rb_vector_isa_name(isa);
    }
    free(work.marks);
    free(work.threads);
    return status;
}

rb_status rb_peak_measure(int32_t threads, rb_peak *peak, rb_error *err) {
    return rb_peak_measure_isa(rb_vector_isa_widest(), threads, 0.3, peak, err);
}

double rb_yardstick_once_ns(void) {
    const int64_t rounds = 1 << 17; /* fixed, whatever the machine */
    const int64_t start = rb_now_ns();
    sink = burst_baseline(rounds);
    return (double)(rb_now_ns() - start);
}

double rb_yardstick_ns(void) {
    double best = rb_yardstick_once_ns();
    for (int i = 1; i < 3; i++) {
        const double spent = rb_yardstick_once_ns();
        best = spent < best ? spent : best;
    }
    return best;
}
