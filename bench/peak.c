#include "bench/peak.h"

#include "bench/clock.h"
#include "bench/team.h"

/* Twelve chains hide a latency of up to six cycles on two multiply-add units. */
#define CHAINS 12

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

/* Rounds that take about RB_BURST_NS. */
static int64_t calibrate(burst_fn burst) {
    for (int64_t rounds = 1 << 12;; rounds *= 2) {
        const int64_t start = rb_now_ns();
        sink = burst(rounds);
        const int64_t spent = rb_now_ns() - start;
        if ((double)spent > RB_BURST_NS / 8)
            return (int64_t)((double)rounds * RB_BURST_NS / (double)spent) + 1;
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
