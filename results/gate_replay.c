#include "results/gate_replay.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "results/statistics.h"

/* Figures of the first series of every gate. */
typedef struct first_series {
    double *ratio, *half_width;
} first_series;

static void take_series(const rb_gate_samples *samples, size_t first, size_t rounds, size_t side,
                        rb_gate_series *series) {
    series->rounds = rounds;
    for (size_t r = 0; r < rounds; r++) {
        const rb_gate_times *times = &samples->rounds[first + r];
        series->log_ratio[r] =
            rb_gate_log_ratio(times->ns[0], times->ns[side], RB_GATE_SLICES * samples->calls);
    }
}

/* One gate that begins at round `first`; the rounds it took, or 0 where the recording ends before
 * its verdict. */
static size_t replay_one(const rb_gate_samples *samples, const rb_gate_limits *limits,
                         size_t rounds, size_t side, size_t first, rb_gate_tally *tally,
                         const first_series *figures) {
    rb_gate_verdict verdicts[RB_GATE_MAX_SERIES], verdict = RB_GATE_MORE;
    size_t count = 0, end = first;
    rb_gate_series series;
    for (; verdict == RB_GATE_MORE && end + rounds <= samples->count; end += rounds) {
        take_series(samples, end, rounds, side, &series);
        rb_gate_series_judge(limits, &series);
        if (count == 0) {
            figures->ratio[tally->gates] = series.ratio;
            figures->half_width[tally->gates] = (series.high - series.low) / 2;
        }
        verdicts[count++] = rb_gate_series_verdict(limits, &series, series.p_slower);
        verdict = rb_gate_verdict_of(verdicts, count);
    }
    if (verdict == RB_GATE_MORE)
        return 0;
    tally->gates++;
    tally->fine += verdict == RB_GATE_FINE;
    tally->noisy += verdict == RB_GATE_NOISY;
    tally->slower += verdict == RB_GATE_SLOWER;
    tally->reruns += count > 1;
    tally->longest_s =
        fmax(tally->longest_s, samples->rounds[end - 1].end_s - samples->rounds[first].start_s);
    return end - first;
}

rb_status rb_gate_replay(const rb_gate_samples *samples, const rb_gate_limits *limits,
                         size_t rounds, size_t side, rb_gate_tally *tally, rb_error *err) {
    size_t first = 0, taken;
    *tally = (rb_gate_tally){.slowdown = samples->slowdown[side]};
    const first_series figures = {.ratio = calloc(samples->count + 1, sizeof(double)),
                                  .half_width = calloc(samples->count + 1, sizeof(double))};
    if (figures.ratio && figures.half_width) {
        do {
            taken = replay_one(samples, limits, rounds, side, first, tally, &figures);
            first += taken;
        } while (taken > 0);
        tally->ratio = rb_median(figures.ratio, tally->gates);
        tally->half_width = rb_median(figures.half_width, tally->gates);
    }
    const bool had_memory = figures.ratio && figures.half_width;
    free(figures.ratio);
    free(figures.half_width);
    return had_memory ? RB_OK
                      : rb_fail(err, RB_ERR_MEMORY, "no memory for %zu rounds", samples->count);
}
