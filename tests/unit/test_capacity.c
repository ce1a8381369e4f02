#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench/capacity.h"
#include "bench/team.h"

#define KIB ((int64_t)1024)
#define MIB ((int64_t)1024 * 1024)

/* Eight cores with SMT; the last level is shared by all of them. */
static const rb_machine_facts facts = {
    .cores = 8,
    .processors = 16,
    .caches = {{.level = 1, .type = "Data", .bytes = 32 * KIB, .shared_by = 2},
               {.level = 1, .type = "Instruction", .bytes = 64 * KIB, .shared_by = 2},
               {.level = 2, .type = "Unified", .bytes = 1 * MIB, .shared_by = 2},
               {.level = 3, .type = "Unified", .bytes = 16 * MIB, .shared_by = 16}},
    .cache_count = 4};

static void working_sets_fill_half_of_a_level(void **state) {
    (void)state;
    assert_int_equal(rb_capacity_working_set(&facts, 1, 1), 16 * KIB);
    assert_int_equal(rb_capacity_working_set(&facts, 2, 1), 512 * KIB);
    assert_int_equal(rb_capacity_working_set(&facts, 3, 1), 8 * MIB);
    assert_int_equal(rb_capacity_working_set(&facts, 2, 8), 512 * KIB);
    assert_int_equal(rb_capacity_working_set(&facts, 3, 4), 2 * MIB);
}

static void a_level_that_cannot_be_told_apart_has_none(void **state) {
    (void)state;
    assert_int_equal(rb_capacity_working_set(&facts, 3, 8), 0); /* 2 MiB each, L2 has 1 */
    assert_int_equal(rb_capacity_working_set(&facts, 4, 1), 0);
}

typedef struct calls {
    int prepared[3], run[3];
} calls;

static void prepare(void *ctx, int32_t thread) {
    ((calls *)ctx)->prepared[thread]++;
}

static void run(void *ctx, int32_t thread) {
    ((calls *)ctx)->run[thread]++;
}

static void a_team_does_every_burst_on_every_thread(void **state) {
    calls seen = {{0}, {0}};
    double ns[5];
    rb_error err;
    const rb_team_work work = {
        .threads = 3, .bursts = 5, .prepare = prepare, .run = run, .ctx = &seen};
    (void)state;
    assert_int_equal(rb_team_run(&work, ns, &err), RB_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.prepared[i], 1);
        assert_int_equal(seen.run[i], 5);
    }
    for (int b = 0; b < 5; b++)
        assert_true(ns[b] >= 0);
}

static void bursts_fit_the_time(void **state) {
    (void)state;
    assert_int_equal(rb_team_bursts(0.1, 5e6), 20);
    assert_int_equal(rb_team_bursts(0.1, 1e9), 3);
    assert_int_equal(rb_team_bursts(100, 5e6), RB_MAX_BURSTS);
}

static void every_kind_of_traffic_is_measured(void **state) {
    rb_error err;
    (void)state;
    for (int t = 0; t < RB_TRAFFIC_COUNT; t++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            double bytes_per_ns = -1;
            assert_int_equal(rb_bandwidth_measure_set((rb_traffic)t, threads, 16 * KIB, 0.01,
                                                      &bytes_per_ns, &err),
                             RB_OK);
            assert_true(bytes_per_ns > 0);
        }
}

static void every_usable_isa_has_a_peak(void **state) {
    rb_peak peak;
    rb_error err;
    (void)state;
    for (int isa = 0; isa < RB_ISA_COUNT; isa++)
        if (rb_vector_isa_usable((rb_vector_isa)isa)) {
            assert_int_equal(rb_peak_measure_isa((rb_vector_isa)isa, 2, 0.01, &peak, &err), RB_OK);
            assert_true(peak.gmacs_per_second > 0);
            assert_string_equal(peak.isa, rb_vector_isa_name((rb_vector_isa)isa));
        }
    assert_true(rb_vector_isa_usable(rb_vector_isa_widest()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(working_sets_fill_half_of_a_level),
        cmocka_unit_test(a_level_that_cannot_be_told_apart_has_none),
        cmocka_unit_test(a_team_does_every_burst_on_every_thread),
        cmocka_unit_test(bursts_fit_the_time),
        cmocka_unit_test(every_kind_of_traffic_is_measured),
        cmocka_unit_test(every_usable_isa_has_a_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
