#include "bench/peak.h"

#include "bench/clock.h"
#include "bench/team.h"

/* As many as there are registers for: 12 hide a latency of six cycles on two multiply-add units, 24
 * one on four, which aarch64's larger cores have. */
#if defined(__aarch64__)
#define CHAINS 24
#else
#define CHAINS 12
#endif

#define CALIBRATION_TRIES 3

/* Runs `rounds` rounds of CHAINS multiply-adds on whole vectors; returns something of the
 * result, so that no compiler can leave the work out. Compiled with contraction: the source
 * says a + a * b and the point is to get the fused instruction; it adds to what it has multiplied,
 * for NEON's writes over its addend and would want a copy of any other. */
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

typedef struct peak_work {
    burst_fn burst;
    int64_t rounds; /* of a burst, the same for all threads */
} peak_work;

static void run_burst(void *ctx, int32_t thread) {
    const peak_work *work = ctx;
    (void)thread;
    sink = work->burst(work->rounds);
}

static double burst_once_ns(burst_fn burst, int64_t rounds) {
    const int64_t start = rb_now_ns();
    sink = burst(rounds);
    return (double)(rb_now_ns() - start);
}

/* The shortest of so many: who was disturbed took longer. */
static double best_burst_ns(burst_fn burst, int64_t rounds, int tries) {
    double best = burst_once_ns(burst, rounds);
    for (int i = 1; i < tries; i++) {
        const double spent = burst_once_ns(burst, rounds);
        best = spent < best ? spent : best;
    }
    return best;
}

/* Rounds that take about RB_BURST_NS. */
static int64_t calibrate(burst_fn burst) {
    for (int64_t rounds = 1 << 12;; rounds *= 2) {
        const double spent = best_burst_ns(burst, rounds, CALIBRATION_TRIES);
        if (spent > RB_BURST_NS / 8)
            return (int64_t)((double)rounds * RB_BURST_NS / spent) + 1;
    }
}

rb_status rb_peak_measure_isa(rb_vector_isa isa, int32_t threads, double seconds, rb_peak *peak,
                              rb_error *err) {
    double burst_ns[RB_MAX_BURSTS], best = 0;
    peak_work work = {.burst = bursts[isa]};
    const rb_team_work team = {.threads = threads,
                               .bursts = rb_team_bursts(seconds, RB_BURST_NS),
                               .run = run_burst,
                               .ctx = &work};
    *peak = (rb_peak){0};
    work.rounds = calibrate(work.burst);
    const rb_status status = rb_team_run(&team, burst_ns, err);
    if (status != RB_OK)
        return status;
    const double macs = (double)work.rounds * CHAINS * rb_vector_isa_lanes(isa) * threads;
    for (int32_t b = 0; b < team.bursts; b++)
        if (macs / burst_ns[b] > best)
            best = macs / burst_ns[b];
    *peak = (rb_peak){.gmacs_per_second = best, .isa = rb_vector_isa_name(isa)};
    return RB_OK;
}

rb_status rb_peak_measure(int32_t threads, rb_peak *peak, rb_error *err) {
    return rb_peak_measure_isa(rb_vector_isa_widest(), threads, 0.3, peak, err);
}

#define YARDSTICK_ROUNDS ((int64_t)1 << 17) /* whatever the machine */

double rb_yardstick_once_ns(void) {
    return burst_once_ns(burst_baseline, YARDSTICK_ROUNDS);
}

double rb_yardstick_ns(void) {
    return best_burst_ns(burst_baseline, YARDSTICK_ROUNDS, 3);
}
