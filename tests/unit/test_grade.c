#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bench/grade.h"

/* A machine set up for measuring: eight cores, nothing known against it. */
static rb_machine_facts calm_facts(void) {
    return (rb_machine_facts){.shows_cores = true,
                              .packages = 1,
                              .cores = 8,
                              .processors = 8,
                              .usable_processors = 8,
                              .usable_cores = 8,
                              .core_kinds = 1,
                              .nodes = 1,
                              .memory_bytes = (int64_t)64 << 30,
                              .governor = "performance",
                              .cgroup = {.cpu_quota = INFINITY}};
}

static rb_stability calm_stability(void) {
    return (rb_stability){.timer_cost_ns = 25,
                          .timer_step_ns = 20,
                          .yardsticks = 100,
                          .yardstick_median_ns = 1e6,
                          .yardstick_p5_ns = 1e6,
                          .yardstick_p95_ns = 1.01e6,
                          .steal_share = 0,
                          .drift = -1};
}

typedef struct grade_case {
    const char *name;
    void (*spoil)(rb_machine_facts *facts, rb_stability *stability);
    int32_t threads;
    char letter;
    const char *words; /* of the first reason */
} grade_case;

static void nothing(rb_machine_facts *f, rb_stability *s) {
    (void)f, (void)s;
}

static void guest(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    strcpy(f->hypervisor, "KVM");
    f->governor[0] = '\0';
}

static void some_steal(rb_machine_facts *f, rb_stability *s) {
    guest(f, s);
    s->steal_share = 0.02;
}

static void much_steal(rb_machine_facts *f, rb_stability *s) {
    guest(f, s);
    s->steal_share = 0.05;
}

static void powersave(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    strcpy(f->governor, "powersave");
}

static void no_governor(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->governor[0] = '\0';
}

static void turbo(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->turbo = 1;
}

static void three_small_ones(rb_machine_facts *f, rb_stability *s) {
    powersave(f, s);
    turbo(f, s);
    f->core_kinds = 2;
}

static void quota(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->cgroup.cpu_quota = 3.5;
}

static void hidden(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->shows_cores = false;
}

static void two_nodes(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->nodes = 2;
}

static void swapped(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->swap_used_bytes = (int64_t)1 << 30;
}

static void some_load(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->load[0] = 1.2;
}

static void much_load(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->load[0] = 4;
}

static void siblings(rb_machine_facts *f, rb_stability *s) {
    (void)s;
    f->processors = 16;
    f->smt = 1;
    f->load[0] = 0.6;
}

static void spread3(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->yardstick_p95_ns = 1.031e6;
}

static void spread10(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->yardstick_p95_ns = 1.11e6;
}

static void spread30(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->yardstick_p95_ns = 1.4e6;
}

static void drift(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->drift = 0.2;
}

static void slow_clock(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->timer_cost_ns = 1500;
}

static void coarse_clock(rb_machine_facts *f, rb_stability *s) {
    (void)f;
    s->timer_step_ns = 4e6;
}

static const grade_case cases[] = {
    {"nothing", nothing, 8, 'A', ""},
    {"guest", guest, 8, 'B', "virtual machine (KVM)"},
    {"some steal", some_steal, 8, 'C', "2.0 % of processor time"},
    {"much steal", much_steal, 8, 'D', "5.0 % of processor time"},
    {"powersave", powersave, 8, 'B', "'powersave'"},
    {"no governor", no_governor, 8, 'B', "does not tell"},
    {"turbo", turbo, 8, 'B', "turbo"},
    {"three small ones", three_small_ones, 8, 'C', "2 kinds"},
    {"quota", quota, 4, 'D', "4 threads on a quota of 3.50 processors"},
    {"quota that is enough", quota, 3, 'A', ""},
    {"hidden", hidden, 8, 'C', "/sys"},
    {"more threads than cores", nothing, 9, 'C', "9 threads share the 8 cores"},
    {"two nodes", two_nodes, 8, 'B', "2 NUMA nodes"},
    {"one node of two", two_nodes, 4, 'A', ""},
    {"swapped", swapped, 8, 'B', "1024 MiB"},
    {"some load", some_load, 8, 'B', "load average was 1.20"},
    {"much load", much_load, 8, 'C', "load average was 4.00"},
    {"siblings", siblings, 8, 'B', "SMT is on"},
    {"spread of 3 %", spread3, 8, 'B', "3.1 % more"},
    {"spread of 10 %", spread10, 8, 'C', "11 % more"},
    {"spread of 30 %", spread30, 8, 'D', "40 % more"},
    {"drift", drift, 8, 'C', "up to 20 % longer"},
    {"slow clock", slow_clock, 8, 'C', "1500 ns"},
    {"coarse clock", coarse_clock, 8, 'D', "steps of 4000000 ns"},
};

static void each_reason_leaves_its_grade(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rb_machine_facts facts = calm_facts();
        rb_stability stability = calm_stability();
        rb_grade grade;
        cases[i].spoil(&facts, &stability);
        rb_grade_machine(&facts, &stability, cases[i].threads, &grade);
        print_message("%s: %c\n", cases[i].name, grade.letter);
        assert_int_equal(grade.letter, cases[i].letter);
        assert_int_equal(grade.count == 0, cases[i].letter == 'A');
        if (grade.count > 0)
            assert_non_null(strstr(grade.reasons[0].sentence, cases[i].words));
    }
}

static void what_was_not_measured_is_no_a(void **state) {
    const rb_machine_facts facts = calm_facts();
    rb_grade grade;
    (void)state;
    rb_grade_machine(&facts, NULL, 8, &grade);
    assert_int_equal(grade.letter, 'B');
    assert_int_equal(grade.count, 1);
    assert_string_equal(grade.reasons[0].sentence, "nothing was measured");
}

static void what_is_unknown_is_no_reason(void **state) {
    rb_machine_facts facts = calm_facts();
    rb_stability stability = calm_stability();
    rb_grade grade;
    (void)state;
    facts.turbo = facts.smt = facts.aslr = -1;
    facts.load[0] = facts.steal_since_boot = -1;
    facts.swap_bytes = facts.swap_used_bytes = facts.memory_bytes = -1;
    stability.steal_share = -1;
    rb_grade_machine(&facts, &stability, 8, &grade);
    assert_int_equal(grade.letter, 'A');
}

static void all_reasons_are_told_the_gravest_first(void **state) {
    rb_machine_facts facts = calm_facts();
    rb_stability stability = calm_stability();
    rb_grade grade;
    (void)state;
    powersave(&facts, &stability);
    much_load(&facts, &stability);
    quota(&facts, &stability);
    rb_grade_machine(&facts, &stability, 8, &grade);
    assert_int_equal(grade.letter, 'D');
    assert_int_equal(grade.count, 3);
    assert_int_equal(grade.reasons[0].most, 'D');
    assert_int_equal(grade.reasons[1].most, 'C');
    assert_int_equal(grade.reasons[2].most, 'B');
}

static void what_is_measured_is_in_order(void **state) {
    rb_stability s;
    (void)state;
    rb_stability_measure(0.01, &s);
    assert_true(s.yardsticks >= 20);
    assert_true(s.yardstick_p5_ns > 0);
    assert_true(s.yardstick_p5_ns <= s.yardstick_median_ns);
    assert_true(s.yardstick_median_ns <= s.yardstick_p95_ns);
    assert_true(s.timer_cost_ns > 0 && s.timer_step_ns > 0);
    assert_true(rb_stability_spread(&s) >= 0);
    assert_true(s.steal_share <= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_leaves_its_grade),
        cmocka_unit_test(what_was_not_measured_is_no_a),
        cmocka_unit_test(what_is_unknown_is_no_reason),
        cmocka_unit_test(what_is_measured_is_in_order),
        cmocka_unit_test(all_reasons_are_told_the_gravest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
