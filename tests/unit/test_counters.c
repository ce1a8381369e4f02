/* Counters of a known piece of work, where the kernel gives them. */
#include "test_support.h"

#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/counters.h"
#include "bench/meter.h"

#define TURNS 2000000u /* of a loop that the compiler cannot shorten */

static void work(void) {
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < TURNS; i++)
        sum = sum + i;
}

static void *work_beside(void *nothing) {
    (void)nothing;
    work();
    return NULL;
}

static double sum_of(rb_counters *counters, rb_counter which) {
    double share;
    const double sum = rb_counters_sum(counters, which, &share);
    assert_true(isnan(sum) == isnan(share));
    assert_true(isnan(share) || (share > 0 && share <= 1));
    return sum;
}

/* Each turn of the loop is at least 3 instructions (load, add, store). */
static void instructions_are_those_of_the_loop(void **state) {
    (void)state;
    rb_counters counters;
    rb_counters_open(&counters);
    if (counters.fds[RB_COUNTER_INSTRUCTIONS] < 0) {
        assert_contains(counters.why_hardware, "perf_event_open: ");
        print_message("no hardware counters here: %s\n", counters.why_hardware);
        rb_counters_close(&counters);
        skip();
    }
    rb_counters_begin(&counters);
    work();
    rb_counters_end(&counters);
    const double once = sum_of(&counters, RB_COUNTER_INSTRUCTIONS);
    assert_true(once > 3.0 * TURNS && once < 30.0 * TURNS);
    work(); /* not between begin and end */
    assert_true(sum_of(&counters, RB_COUNTER_INSTRUCTIONS) == once);
    rb_counters_close(&counters);
}

static double processor_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The task clock is held to the process's own clock, read around it. */
static void threads_that_start_later_are_counted(void **state) {
    (void)state;
    rb_counters counters;
    rb_counters_open(&counters);
    if (counters.fds[RB_COUNTER_TASK_CLOCK] < 0) {
        assert_contains(counters.why_software, "perf_event_open: ");
        print_message("no software counters here: %s\n", counters.why_software);
        rb_counters_close(&counters);
        skip();
    }
    pthread_t threads[3];
    const double before = processor_ns();
    rb_counters_begin(&counters);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work_beside, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rb_counters_end(&counters);
    const double spent = processor_ns() - before;
    const double counted = sum_of(&counters, RB_COUNTER_TASK_CLOCK);
    assert_true(counted > 0.8 * spent && counted <= 1.05 * spent);
    rb_counters_reset(&counters);
    rb_counters_begin(&counters);
    rb_counters_end(&counters);
    assert_true(!(sum_of(&counters, RB_COUNTER_TASK_CLOCK) > 0.2 * counted));
    rb_counters_close(&counters);
}

/* Where an event has waited for half of its time, it is taken to have gone on at the same rate. */
static void events_that_waited_are_scaled(void **state) {
    (void)state;
    double share;
    rb_counters counters = {.fds = {3, 3, 3, -1, -1, -1},
                            .sums = {{1000, 400, 100}, {1000, 400, 400}, {0, 400, 0}}};
    assert_true(rb_counters_sum(&counters, RB_COUNTER_CYCLES, &share) == 4000 && share == 0.25);
    assert_true(rb_counters_sum(&counters, RB_COUNTER_INSTRUCTIONS, &share) == 1000 && share == 1);
    assert_true(isnan(rb_counters_sum(&counters, RB_COUNTER_CACHE_MISSES, &share)) && isnan(share));
    assert_true(isnan(rb_counters_sum(&counters, RB_COUNTER_BRANCH_MISSES, &share)));
}

#define PAGES 64

static void the_meter_counts_calls_alone(void **state) {
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    rb_meter *meter = rb_meter_create();
    assert_non_null(meter);
    assert_true(isnan(rb_meter_counts(meter).minor_faults_per_call)); /* no call yet */
    rb_meter_start(meter, true);
    for (int call = 0; call < 4; call++) {
        unsigned char *memory = mmap(NULL, 2 * PAGES * page, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(memory != MAP_FAILED);
        madvise(memory, 2 * PAGES * page, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < PAGES; i++) /* outside of the call */
            memory[i * page] = 1;
        rb_meter_call_begins(meter);
        for (size_t i = PAGES; call % 2 && i < 2 * PAGES; i++)
            memory[i * page] = 1;
        rb_meter_call_ends(meter);
        munmap(memory, 2 * PAGES * page);
    }
    const rb_call_counts counts = rb_meter_counts(meter);
    assert_true(counts.minor_faults_per_call >= PAGES / 2 && counts.minor_faults_per_call < PAGES);
    assert_true(counts.major_faults_per_call >= 0 && counts.context_switches_per_call >= 0);
    rb_meter_start(meter, false);
    rb_meter_call_begins(meter);
    rb_meter_call_ends(meter);
    assert_true(rb_meter_counts(meter).minor_faults_per_call < 8);
    assert_true(isnan(rb_meter_counts(meter).package_joules_per_call)); /* was not asked for */
    rb_meter_destroy(meter);
    rb_meter_destroy(NULL);
}

static void what_is_not_given_has_a_reason(void **state) {
    (void)state;
    json_t *context = json_object();
    const char *what;
    json_t *why;
    rb_counters counters;
    rb_counters_open(&counters);
    rb_meter_describe(context);
    json_t *missing = json_object_get(context, "not_measured");
    assert_true(json_is_object(missing));
    json_object_foreach(missing, what, why) assert_true(json_string_length(why) > 0);
    bool all = true;
    for (int i = 0; i < RB_COUNTERS_HARDWARE; i++)
        all = all && counters.fds[i] >= 0;
    assert_true(all == !json_object_get(missing, "hardware counters"));
    rb_counters_close(&counters);
    json_decref(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_those_of_the_loop),
        cmocka_unit_test(threads_that_start_later_are_counted),
        cmocka_unit_test(events_that_waited_are_scaled),
        cmocka_unit_test(the_meter_counts_calls_alone),
        cmocka_unit_test(what_is_not_given_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
