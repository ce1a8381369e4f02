/* The gate's verdicts: exact tests against tables, and rules on hand-made rounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "results/gate_replay.h"
#include "results/gate_row.h"
#include "results/holm.h"

static const rb_gate_limits limits = {.tolerance = 0.02, .detect = 0.05, .alpha = 0.05};

static rb_gate_series series_of(size_t rounds, const double *percent) {
    rb_gate_series series = {.rounds = rounds};
    for (size_t i = 0; i < rounds; i++)
        series.log_ratio[i] = log1p(percent[i] / 100);
    rb_gate_series_judge(&limits, &series);
    return series;
}

/* Hollander, Wolfe and Chicken 2014, table A.4 (upper tails of the signed-rank statistic), n = 6:
 * P(W >= 21) = 1/64, P(W >= 20) = 2/64, P(W >= 19) = 3/64, P(W >= 17) = 7/64. */
static void p_is_that_of_the_tables(void **state) {
    (void)state;
    /* above the tolerance of 2 %: by 1, 2, 3, 4, 5, 6 */
    assert_float_equal(series_of(6, (double[]){3, 4, 5, 6, 7, 8}).p_slower, 1 / 64.0, 1e-12);
    /* rank 1 below: W = 20; rank 2 below: 19; rank 4 below: 17 */
    assert_float_equal(series_of(6, (double[]){1.05, 4, 5, 6, 7, 8}).p_slower, 2 / 64.0, 1e-12);
    assert_float_equal(series_of(6, (double[]){3, 0.05, 5, 6, 7, 8}).p_slower, 3 / 64.0, 1e-12);
    assert_float_equal(series_of(6, (double[]){3, 4, 5, -2.05, 7, 8}).p_slower, 7 / 64.0, 1e-12);
    assert_float_equal(series_of(6, (double[]){-3, -4, -5, -6, -7, -8}).p_slower, 1, 1e-12);
    assert_float_equal(series_of(6, (double[]){-3, -4, -5, -6, -7, -8}).p_detect, 1 / 64.0, 1e-12);
}

/* By counting all signs, which is what the distribution stands for. */
static void p_is_that_of_all_signs(void **state) {
    (void)state;
    const double percent[9] = {3.1, 0.4, 5.7, 2.9, 7.3, -1.2, 4.4, 9.0, 2.6};
    double shifted[9];
    size_t rank[9], observed = 0, as_far = 0;
    for (size_t i = 0; i < 9; i++)
        shifted[i] = log1p(percent[i] / 100) - log1p(limits.tolerance);
    for (size_t i = 0; i < 9; i++) {
        rank[i] = 1;
        for (size_t j = 0; j < 9; j++)
            rank[i] += fabs(shifted[j]) < fabs(shifted[i]);
        observed += shifted[i] > 0 ? rank[i] : 0;
    }
    for (unsigned signs = 0; signs < 512; signs++) {
        size_t w = 0;
        for (size_t i = 0; i < 9; i++)
            w += signs >> i & 1 ? rank[i] : 0;
        as_far += w >= observed;
    }
    assert_float_equal(series_of(9, percent).p_slower, (double)as_far / 512, 1e-12);
}

static void ties_and_zeros_speak_against_an_alarm(void **state) {
    (void)state;
    assert_float_equal(series_of(6, (double[]){2, 2, 2, 2, 2, 2}).p_slower, 1, 1e-12);
    const double low = 2 - (5 - 2.0) * 1.02 / 1.05; /* as far below the tolerance as 5 is above */
    const rb_gate_series tied = series_of(6, (double[]){5, 5, 5, 5, 5, low});
    assert_true(tied.p_slower >= 2 / 64.0);
}

/* Six rounds: with alpha 0.05 P(W <= 2) = 3/64 may lie outside, so bounds are the third
 * from either end; the estimate is the median of the 21. */
static void interval_is_of_walsh_averages(void **state) {
    (void)state;
    rb_gate_series series = {.rounds = 6, .log_ratio = {0.00, 0.01, 0.02, 0.04, 0.08, 0.16}};
    double walsh[21];
    size_t count = 0;
    rb_gate_series_judge(&limits, &series);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = i; j < 6; j++)
            walsh[count++] = (series.log_ratio[i] + series.log_ratio[j]) / 2;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (walsh[j] < walsh[i]) {
                const double swap = walsh[i];
                walsh[i] = walsh[j];
                walsh[j] = swap;
            }
    assert_float_equal(series.ratio, exp(walsh[10]), 1e-12);
    assert_float_equal(series.low, exp(walsh[2]), 1e-12);
    assert_float_equal(series.high, exp(walsh[18]), 1e-12);
}

/* Bound and test are one: the p of a shift just inside the bound is above alpha, outside not. */
static void interval_agrees_with_the_test(void **state) {
    (void)state;
    rb_gate_series series = {.rounds = 8,
                             .log_ratio = {0.011, 0.032, 0.023, 0.047, 0.085, 0.166, 0.02, 0.05}};
    rb_gate_series_judge(&limits, &series);
    for (int side = -1; side <= 1; side += 2) {
        rb_gate_limits moved = limits;
        moved.tolerance = series.low - 1 + side * 1e-7;
        rb_gate_series again = series;
        rb_gate_series_judge(&moved, &again);
        assert_int_equal(again.p_slower <= limits.alpha, side < 0);
    }
}

static void holm_is_that_of_the_paper(void **state) {
    (void)state;
    double adjusted[4];
    rb_holm((double[]){0.01, 0.04, 0.03, 0.005}, 4, adjusted);
    assert_float_equal(adjusted[0], 0.03, 1e-12);
    assert_float_equal(adjusted[1], 0.06, 1e-12);
    assert_float_equal(adjusted[2], 0.06, 1e-12);
    assert_float_equal(adjusted[3], 0.02, 1e-12);
    rb_holm((double[]){0.5, 0.5, 0.5}, 3, adjusted);
    assert_float_equal(adjusted[0], 1, 1e-12);
}

static void rounds_suffice_for_all_cells(void **state) {
    (void)state;
    assert_int_equal(rb_gate_rounds_needed(&limits, 1), 6);
    assert_int_equal(rb_gate_rounds_needed(&limits, 3), 6);
    assert_int_equal(rb_gate_rounds_needed(&limits, 4), 7);
    assert_int_equal(rb_gate_rounds_needed(&limits, 64), 11);
}

static rb_gate_verdict of(const char *letters) {
    rb_gate_verdict verdicts[RB_GATE_MAX_SERIES];
    size_t count = 0;
    for (; letters[count]; count++)
        verdicts[count] = letters[count] == 'F'   ? RB_GATE_FINE
                          : letters[count] == 'S' ? RB_GATE_SLOWER
                                                  : RB_GATE_NOISY;
    return rb_gate_verdict_of(verdicts, count);
}

static void an_alarm_needs_two_series(void **state) {
    (void)state;
    assert_int_equal(of("F"), RB_GATE_FINE);
    assert_int_equal(of("S"), RB_GATE_MORE);
    assert_int_equal(of("N"), RB_GATE_MORE);
    assert_int_equal(of("SS"), RB_GATE_SLOWER);
    assert_int_equal(of("SF"), RB_GATE_FINE);
    assert_int_equal(of("NS"), RB_GATE_MORE);
    assert_int_equal(of("NSS"), RB_GATE_SLOWER);
    assert_int_equal(of("SNS"), RB_GATE_SLOWER);
    assert_int_equal(of("NSN"), RB_GATE_NOISY);
    assert_int_equal(of("NNN"), RB_GATE_NOISY);
    assert_int_equal(of("NNF"), RB_GATE_FINE);
}

static void series_say_slower_fine_or_neither(void **state) {
    (void)state;
    const struct {
        double percent[6];
        rb_gate_verdict verdict;
    } cases[] = {
        {{0, 0.1, -0.2, 0.3, -0.1, 0.2}, RB_GATE_FINE},
        {{5, 5.1, 4.8, 5.3, 4.9, 5.2}, RB_GATE_SLOWER},
        {{-20, 30, -10, 25, 15, -5}, RB_GATE_NOISY},    /* neither shown nor excluded */
        {{1.5, 1.4, 1.6, 1.5, 1.7, 1.3}, RB_GATE_FINE}, /* within the tolerance */
        {{3, 3.1, 2.9, 3.2, 3.3, 2.8}, RB_GATE_SLOWER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const rb_gate_series series = series_of(6, cases[i].percent);
        assert_int_equal(rb_gate_series_verdict(&limits, &series, series.p_slower),
                         cases[i].verdict);
    }
}

static void quartile_takes_the_fast_quarter(void **state) {
    (void)state;
    assert_float_equal(rb_gate_quartile((double[]){8, 7, 6, 5, 4, 3, 2, 1}, 8), 2, 0);
    assert_float_equal(rb_gate_quartile((double[]){3}, 1), 3, 0);
    assert_true(isnan(rb_gate_quartile(NULL, 0)));
    const double base[8] = {10, 10, 10, 10, 90, 90, 90, 90};
    const double head[8] = {11, 11, 11, 11, 11, 11, 11, 11};
    assert_float_equal(rb_gate_log_ratio(base, head, 8), log(1.1), 1e-12);
}

static rb_gate_row row_of(int64_t weights, int64_t activations) {
    rb_gate_row row = {.verdict = RB_GATE_FINE, .parity = RB_VERDICT_PASS};
    row.base.held = (rb_memory){{1000, 2000, -1}};
    row.head.held = (rb_memory){{weights, activations, 4000}};
    return row;
}

static void memory_is_exact(void **state) {
    (void)state;
    rb_gate_row row = row_of(1000, 2000);
    assert_int_equal(rb_gate_row_grown_bytes(&row), 0); /* scratch of base is unknown */
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_PASSED);
    row = row_of(1001, 2000);
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_LOST);
    assert_string_equal(rb_gate_row_word(&row), "GREW");
    row = row_of(2000, 0); /* less of one kind does not make up for more of another */
    assert_int_equal(rb_gate_row_grown_bytes(&row), 1000);
}

static void the_worst_decides(void **state) {
    (void)state;
    rb_gate_row row = row_of(1000, 2000);
    row.verdict = RB_GATE_NOISY;
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_UNSURE);
    row.verdict = RB_GATE_SLOWER;
    assert_string_equal(rb_gate_row_word(&row), "SLOWER");
    row.base_failed = true;
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_UNCOMPARED);
    row.head_failed = true;
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_BROKEN);
    row.parity = RB_VERDICT_MARGINAL;
    assert_int_equal(rb_gate_row_outcome(&row), RB_GATE_INCORRECT);
}

/* Holm: a p of 1/64 among 4 cells is not enough; alone it is. */
static void rows_are_judged_together(void **state) {
    (void)state;
    static rb_gate_row rows[4];
    for (size_t i = 0; i < 4; i++) {
        rows[i] = (rb_gate_row){.series_count = 1};
        rows[i].series[0] = series_of(6, i == 0 ? (double[]){5, 6, 7, 8, 9, 10}
                                                : (double[]){0, 0.1, -0.1, 0.2, -0.2, 0.3});
    }
    rb_gate_rows_judge(&limits, rows, 1, 1);
    assert_int_equal(rows[0].said[0], RB_GATE_SLOWER);
    rb_gate_rows_judge(&limits, rows, 4, 1);
    assert_int_equal(rows[0].said[0], RB_GATE_NOISY);
    assert_int_equal(rows[1].verdict, RB_GATE_FINE);
}

/* A gate that is broken off has no fewer cells for that: those that lack their series count. */
static void rows_that_are_missing_count(void **state) {
    (void)state;
    static rb_gate_row rows[5];
    for (size_t i = 0; i < 5; i++)
        rows[i] = (rb_gate_row){.verdict = RB_GATE_MORE};
    for (size_t i = 0; i < 2; i++) {
        rows[i].series_count = 1;
        rows[i].parity = RB_VERDICT_PASS;
        rows[i].series[0] = series_of(6, i == 0 ? (double[]){5, 6, 7, 8, 9, 10}
                                                : (double[]){0, 0.1, -0.1, 0.2, -0.2, 0.3});
    }
    rows[4].head_failed = true; /* will not have it: it does not count */
    rb_gate_rows_judge(&limits, rows, 5, 1);
    assert_float_equal(rows[0].p_adjusted[0], 4 / 64.0, 1e-12);
    assert_int_equal(rows[0].said[0], RB_GATE_NOISY);
    assert_string_equal(rb_gate_row_word(&rows[0]), "OPEN");
    assert_string_equal(rb_gate_row_word(&rows[1]), "FINE");
    assert_string_equal(rb_gate_row_word(&rows[2]), "OPEN");
    assert_string_equal(rb_gate_row_word(&rows[4]), "CRASHED");
}

/* A clock that stands still gives 0 / 0: no alarm, nothing excluded, and an end. */
static void a_ratio_that_is_none_says_nothing(void **state) {
    (void)state;
    rb_gate_series series = {.rounds = 6};
    for (size_t i = 0; i < 6; i++)
        series.log_ratio[i] = rb_gate_log_ratio((double[]){0}, (double[]){0}, 1);
    rb_gate_series_judge(&limits, &series);
    assert_int_equal(rb_gate_series_verdict(&limits, &series, series.p_slower), RB_GATE_NOISY);
}

/* 12 rounds of 1 ms: side 1 as base, side 2 slower by 10 %. */
static void replay_counts_disjoint_gates(void **state) {
    (void)state;
    rb_gate_samples samples = {.side_count = 3, .calls = 2, .slowdown = {0, 0, 0.1}};
    rb_gate_times times = {0};
    rb_gate_tally tally;
    rb_error err;
    for (size_t r = 0; r < 12; r++) {
        times.start_s = 2 * (double)r;
        times.end_s = 2 * (double)r + 2;
        for (size_t i = 0; i < 2 * RB_GATE_SLICES; i++) {
            times.ns[0][i] = 1e6 + 100 * (double)r;
            times.ns[1][i] = 1e6 + 50 * (double)r;
            times.ns[2][i] = 1.1e6 + 100 * (double)r;
        }
        assert_int_equal(rb_gate_samples_add(&samples, &times, &err), RB_OK);
    }
    assert_int_equal(rb_gate_replay(&samples, &limits, 6, 1, &tally, &err), RB_OK);
    assert_int_equal(tally.gates, 2);
    assert_int_equal(tally.fine, 2);
    assert_float_equal(tally.longest_s, 12, 1e-9);
    assert_int_equal(rb_gate_replay(&samples, &limits, 6, 2, &tally, &err), RB_OK);
    assert_int_equal(tally.gates, 1);
    assert_int_equal(tally.slower, 1);
    assert_int_equal(tally.reruns, 1);
    assert_float_equal(tally.longest_s, 24, 1e-9);
    rb_gate_samples_release(&samples);
}

static double uniform(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Of 12 uniform numbers: nearly normal, deviation 1. */
static double normal(uint64_t *seed) {
    double sum = -6;
    for (size_t u = 0; u < 12; u++)
        sum += uniform(seed);
    return sum;
}

/* A whole gate of one cell, with up to three series of six rounds. */
static rb_gate_verdict simulate(double slowdown, double width, uint64_t *seed, size_t *slower,
                                size_t *all) {
    rb_gate_verdict said[RB_GATE_MAX_SERIES], verdict = RB_GATE_MORE;
    for (size_t count = 0; verdict == RB_GATE_MORE;) {
        rb_gate_series series = {.rounds = 6};
        for (size_t i = 0; i < 6; i++)
            series.log_ratio[i] = log1p(slowdown) + width * normal(seed);
        rb_gate_series_judge(&limits, &series);
        said[count] = rb_gate_series_verdict(&limits, &series, series.p_slower);
        *slower += said[count++] == RB_GATE_SLOWER;
        (*all)++;
        verdict = rb_gate_verdict_of(said, count);
    }
    return verdict;
}

#define GATES 20000

/* No false alarm where there is nothing but noise, however wide: a simulation with a fixed seed,
 * right on the edge of the tolerance, the worst that is still no slowdown. A series errs in 3/64,
 * what the test uses of its 0.05. Two of three series err in 3 x (3/64)^2 - 2 x (3/64)^3, or 1 in
 * 156; where noise is less than the distance to `detect`, the other series are fine, and end it. */
static void noise_is_no_alarm(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252u;
    const double widths[] = {0.005, 0.02, 0.1}, p = 3 / 64.0, most = 3 * p * p - 2 * p * p * p;
    for (size_t w = 0; w < 3; w++) {
        size_t slower = 0, series = 0, alarms = 0;
        for (size_t gate = 0; gate < GATES; gate++)
            alarms +=
                simulate(limits.tolerance, widths[w], &seed, &slower, &series) == RB_GATE_SLOWER;
        assert_true((double)slower < (double)series * 0.05);
        assert_true((double)slower > (double)series * 0.04);
        assert_true((double)alarms < GATES * most + 4 * sqrt(GATES * most));
        if (w == 0)
            assert_true((double)alarms < GATES * 0.0035);
    }
}

/* A slowdown of exactly `detect` passes by chance where noise hides it: in 3/64 of series, so in
 * at most 1 - (61/64)^3, or 1 in 7, of gates; where noise does not hide it, never. */
static void a_slowdown_is_not_fine(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252u;
    const double widths[] = {0.005, 0.02, 0.1}, most = 1 - pow(61 / 64.0, 3);
    for (size_t w = 0; w < 3; w++) {
        size_t slower = 0, series = 0, missed = 0;
        for (size_t gate = 0; gate < GATES; gate++)
            missed += simulate(limits.detect, widths[w], &seed, &slower, &series) == RB_GATE_FINE;
        assert_true((double)missed < GATES * most + 4 * sqrt(GATES * most));
        if (w == 0)
            assert_int_equal(missed, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_is_that_of_the_tables),
        cmocka_unit_test(p_is_that_of_all_signs),
        cmocka_unit_test(ties_and_zeros_speak_against_an_alarm),
        cmocka_unit_test(interval_is_of_walsh_averages),
        cmocka_unit_test(interval_agrees_with_the_test),
        cmocka_unit_test(holm_is_that_of_the_paper),
        cmocka_unit_test(rounds_suffice_for_all_cells),
        cmocka_unit_test(an_alarm_needs_two_series),
        cmocka_unit_test(series_say_slower_fine_or_neither),
        cmocka_unit_test(quartile_takes_the_fast_quarter),
        cmocka_unit_test(memory_is_exact),
        cmocka_unit_test(the_worst_decides),
        cmocka_unit_test(rows_are_judged_together),
        cmocka_unit_test(rows_that_are_missing_count),
        cmocka_unit_test(a_ratio_that_is_none_says_nothing),
        cmocka_unit_test(replay_counts_disjoint_gates),
        cmocka_unit_test(noise_is_no_alarm),
        cmocka_unit_test(a_slowdown_is_not_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
