/* The memory ledger: parts that add up to the peak, marks that see what a process takes. */
#include "test_records.h"

#include <math.h>
#include <sys/mman.h>

#include "bench/memory_marks.h"
#include "results/balance.h"
#include "results/record_json.h"

#define MIB ((int64_t)1 << 20)

/* Figures that have nothing in common, so that one in a wrong place would show. */
static rb_record made_up(void) {
    rb_record r;
    rb_record_init(&r);
    r.packed_weight_bytes = 1000;
    r.activation_bytes = 200;
    r.scratch_bytes = 30;
    r.peak_rss_bytes = 90000;
    r.peak_rss_after_start_bytes = 83000;
    r.steady_rss_bytes = 70000;
    r.ledger.engine_rss_bytes = 40000;
    r.ledger.reader_rss_bytes = 500;
    r.ledger.buffer_bytes = 7;
    return r;
}

static void the_parts_add_up_to_the_peak(void **state) {
    (void)state;
    const rb_record r = made_up();
    const rb_balance b = rb_balance_of(&r);
    assert_true(b.start == 7000 && b.engine == 40000 && b.reader == 500 && b.buffers == 7);
    assert_true(b.weights == 1000 && b.activations == 200 && b.scratch == 30);
    assert_true(b.unaccounted == 21263);
    assert_true(b.steady == 70000 && b.passing == 20000 && b.peak == 90000);
    assert_true(b.start + b.engine + b.reader + b.buffers + b.weights + b.activations + b.scratch +
                    b.unaccounted ==
                b.steady);
    assert_true(b.steady + b.passing == b.peak);
}

static void what_is_unknown_is_unaccounted(void **state) {
    (void)state;
    rb_record r = made_up();
    r.activation_bytes = -1;
    r.ledger.engine_rss_bytes = -1;
    const rb_balance b = rb_balance_of(&r);
    assert_true(isnan(b.activations) && isnan(b.engine));
    assert_true(b.unaccounted == 21263 + 200 + 40000);
}

static void more_reserved_than_touched_is_negative(void **state) {
    (void)state;
    rb_record r = made_up();
    r.activation_bytes = 50000;
    const rb_balance b = rb_balance_of(&r);
    assert_true(b.unaccounted == 21263 - 49800);
}

static void without_rss_there_is_no_sum(void **state) {
    (void)state;
    rb_record r = made_up();
    r.peak_rss_bytes = r.peak_rss_after_start_bytes = r.steady_rss_bytes = -1;
    const rb_balance b = rb_balance_of(&r);
    assert_true(isnan(b.start) && isnan(b.unaccounted) && isnan(b.steady) && isnan(b.passing) &&
                isnan(b.peak));
    assert_true(b.weights == 1000);
}

static void unknown_counts_are_null_in_a_file(void **state) {
    (void)state;
    rb_error err;
    rb_record r = made_up(), again;
    r.counts.package_joules_per_call = 1.5;
    json_t *object = rb_record_to_json(&r);
    assert_true(json_is_null(json_object_get(object, "load_major_faults")));
    assert_true(json_is_null(json_object_get(object, "cycles_per_call")));
    assert_int_equal(json_integer_value(json_object_get(object, "reader_rss_bytes")), 500);
    assert_int_equal(rb_record_from_json(object, &again, &err), RB_OK);
    assert_int_equal(again.ledger.load_major_faults, -1);
    assert_int_equal(again.ledger.engine_rss_bytes, 40000);
    assert_true(isnan(again.counts.cycles_per_call));
    assert_true(again.counts.package_joules_per_call == 1.5);
    json_object_set_new(object, "engine_rss_bytes", json_integer(-5));
    assert_int_equal(rb_record_from_json(object, &again, &err), RB_ERR_INPUT);
    assert_contains(err.message, "engine_rss_bytes");
    json_decref(object);
}

static void means_of_calls_are_weighted(void **state) {
    (void)state;
    rb_call_counts mean, more;
    rb_call_counts_init(&mean);
    rb_call_counts_init(&more);
    more.minor_faults_per_call = 4;
    more.cycles_per_call = 100;
    more.counted_share = 0.75;
    rb_call_counts_add(&mean, 0, &more, 10);
    assert_true(mean.minor_faults_per_call == 4 && mean.cycles_per_call == 100);
    more.minor_faults_per_call = 0;
    more.cycles_per_call = NAN; /* lost on the way */
    more.counted_share = 1;
    rb_call_counts_add(&mean, 10, &more, 30);
    assert_true(mean.minor_faults_per_call == 1);
    assert_true(isnan(mean.cycles_per_call) && isnan(mean.package_joules_per_call));
    assert_true(mean.counted_share == 0.75);
}

static unsigned char *touch(size_t bytes) {
    unsigned char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    for (size_t i = 0; i < bytes; i += 1024)
        memory[i] = 1;
    return memory;
}

/* Phases take 24, 48 and 8 MiB, and give back all but the first. The kernel counts pages per
 * thread and adds them up late: 1 MiB is more than it ever owes. A sanitizer's shadow is an eighth
 * on top, and more. */
static void marks_see_what_each_phase_takes(void **state) {
    (void)state;
    rb_memory_marks marks;
    rb_memory_mark_start(&marks);
    if (marks.start_rss_bytes < 0)
        skip();
    rb_memory_mark_engine(&marks);
    unsigned char *weights = touch((size_t)(24 * MIB));
    rb_memory_mark_weights(&marks, 24 * MIB);
    unsigned char *packing = touch((size_t)(48 * MIB));
    munmap(packing, (size_t)(48 * MIB));
    rb_memory_mark_open(&marks);
    const rb_page_faults before = rb_page_faults_now();
    unsigned char *arena = touch((size_t)(8 * MIB));
    rb_memory_mark_first_run(&marks, before);
    const int64_t first_run = marks.ledger.first_run_minor_faults;
    munmap(arena, (size_t)(8 * MIB));
    rb_memory_mark_first_run(&marks, before); /* of the first alone */
    assert_int_equal(marks.ledger.first_run_minor_faults, first_run);
    rb_memory_mark_now(&marks);
    assert_true(marks.peak_rss_bytes >= marks.start_rss_bytes + 71 * MIB);
    assert_in_range(marks.ledger.engine_rss_bytes, 0, MIB);
    assert_true(marks.ledger.reader_rss_bytes == -1 || marks.ledger.reader_rss_bytes < MIB);
    if (marks.forgets) {
        const int64_t start = marks.start_rss_bytes;
        assert_in_range(marks.ledger.load_peak_rss_bytes, start + 23 * MIB, start + 30 * MIB);
        assert_in_range(marks.ledger.open_peak_rss_bytes, start + 71 * MIB, start + 90 * MIB);
        assert_in_range(marks.ledger.run_peak_rss_bytes, start + 31 * MIB, start + 44 * MIB);
    } else {
        assert_int_equal(marks.ledger.open_peak_rss_bytes, -1);
    }
    /* At least one fault for each huge page of 2 MiB, at most one for each small one and its
     * shadow. */
    assert_in_range(marks.ledger.load_minor_faults, 24 / 2, 24 * 512);
    assert_in_range(marks.ledger.open_minor_faults, 48 / 2, 48 * 512);
    assert_in_range(first_run, 8 / 2, 8 * 512);
    munmap(weights, (size_t)(24 * MIB));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_add_up_to_the_peak),
        cmocka_unit_test(what_is_unknown_is_unaccounted),
        cmocka_unit_test(more_reserved_than_touched_is_negative),
        cmocka_unit_test(without_rss_there_is_no_sum),
        cmocka_unit_test(unknown_counts_are_null_in_a_file),
        cmocka_unit_test(means_of_calls_are_weighted),
        cmocka_unit_test(marks_see_what_each_phase_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
