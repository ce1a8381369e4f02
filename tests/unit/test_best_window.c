#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench/best_window.h"

#define PORTION 25000
#define WINDOW 1000000LL
#define MOST 4000

static void assert_rate(double found, double portions_at_a_time) {
    const double expected = portions_at_a_time / PORTION;
    assert_true(found > expected * (1 - 1e-9) && found < expected * (1 + 1e-9));
}

/* Portions of a thread that has the processor for `on` of every `on + off` ns, from `start`: what
 * the clock shows at their ends. */
static rb_marks in_turns(int64_t *ns, size_t count, int64_t start, int64_t on, int64_t off) {
    for (size_t i = 0; i < count; i++) {
        const int64_t worked = (int64_t)i * PORTION;
        const int64_t waits = worked > 0 ? (worked - 1) / on : 0;
        ns[i] = start + worked + waits * off;
    }
    return (rb_marks){.ns = ns, .count = count};
}

static int64_t a[MOST], b[MOST], c[MOST];

static void a_steady_thread_has_its_rate(void **state) {
    const rb_marks one = in_turns(a, MOST, 123, WINDOW * 1000LL, 0);
    (void)state;
    assert_rate(rb_best_window(&one, 1, WINDOW), 1);
}

static void a_displaced_thread_has_the_rate_of_its_best_moment(void **state) {
    const rb_marks one = in_turns(a, MOST, 0, 3 * WINDOW, 40 * WINDOW);
    (void)state;
    assert_rate(rb_best_window(&one, 1, WINDOW), 1);
}

static void threads_with_processors_of_their_own_add_up(void **state) {
    const rb_marks three[] = {in_turns(a, MOST, 0, 3 * WINDOW, WINDOW),
                              in_turns(b, MOST, 7000, 5 * WINDOW, 2 * WINDOW),
                              in_turns(c, MOST, 12001, 4 * WINDOW, WINDOW / 3)};
    (void)state;
    assert_rate(rb_best_window(three, 3, WINDOW), 3);
}

/* 3.013 ms is no whole number of portions: each turn ends within one. */
static void threads_that_take_turns_are_no_faster_than_one(void **state) {
    const int64_t turn = 3013000;
    const rb_marks two[] = {in_turns(a, MOST, 0, turn, turn), in_turns(b, MOST, turn, turn, turn)};
    (void)state;
    for (int64_t window = WINDOW; window <= 9 * WINDOW; window += WINDOW) {
        const double rate = rb_best_window(two, 2, window) * PORTION;
        assert_true(rate > 0.98 && rate <= 1 + 2.0 * PORTION / (double)window);
    }
}

static void a_thread_that_came_too_late_adds_nothing(void **state) {
    const rb_marks two[] = {in_turns(a, 200, 0, MOST * WINDOW, 0),
                            in_turns(b, 200, 300 * PORTION, MOST * WINDOW, 0)};
    const rb_marks idle[] = {two[0], {.ns = b, .count = 0}};
    (void)state;
    assert_rate(rb_best_window(two, 2, WINDOW), 1);
    assert_rate(rb_best_window(idle, 2, WINDOW), 1);
}

static void less_than_a_window_counts_as_a_whole(void **state) {
    const rb_marks one = in_turns(a, 11, 5, MOST * WINDOW, 0), none = {.ns = a, .count = 0};
    const rb_marks instant = {.ns = (const int64_t[]){7, 7}, .count = 2};
    (void)state;
    assert_rate(rb_best_window(&one, 1, WINDOW), 1);
    assert_true(rb_best_window(&none, 1, WINDOW) == 0);
    assert_true(rb_best_window(&instant, 1, WINDOW) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_thread_has_its_rate),
        cmocka_unit_test(a_displaced_thread_has_the_rate_of_its_best_moment),
        cmocka_unit_test(threads_with_processors_of_their_own_add_up),
        cmocka_unit_test(threads_that_take_turns_are_no_faster_than_one),
        cmocka_unit_test(a_thread_that_came_too_late_adds_nothing),
        cmocka_unit_test(less_than_a_window_counts_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
