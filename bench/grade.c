#include "bench/grade.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MANY 3 /* so many reasons of grade B make a C */

static void add(rb_grade *grade, char most, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(rb_grade *grade, char most, const char *format, ...) {
    va_list arguments;
    if (grade->count == RB_MAX_REASONS)
        return;
    rb_grade_reason *reason = &grade->reasons[grade->count++];
    reason->most = most;
    va_start(arguments, format);
    vsnprintf(reason->sentence, sizeof reason->sentence, format, arguments);
    va_end(arguments);
}

/* The grade that a value leaves: bounds from which on it is B, C, D. */
static char letter_of(double value, double b, double c, double d) {
    return value >= d ? 'D' : value >= c ? 'C' : value >= b ? 'B' : 'A';
}

static void judge_processors(const rb_machine_facts *f, int32_t threads, rb_grade *grade) {
    if (!f->shows_cores)
        add(grade, 'C', "/sys does not show which processors are cores: threads may share one");
    else if (f->usable_cores > 0 && threads > f->usable_cores)
        add(grade, 'C', "%d threads share the %d %s that this process may use", threads,
            f->usable_cores, f->usable_cores == 1 ? "core" : "cores");
    if (isfinite(f->cgroup.cpu_quota) && f->cgroup.cpu_quota < threads)
        add(grade, 'D',
            "the control group's quota of %.2f processors is less than %d %s need: they are "
            "stopped in every period",
            f->cgroup.cpu_quota, threads, threads == 1 ? "thread" : "threads");
    if (f->core_kinds > 1)
        add(grade, 'B', "cores are of %d kinds: a thread is faster on one than on another",
            f->core_kinds);
    if (f->nodes > 1 && threads > f->usable_cores / f->nodes)
        add(grade, 'B',
            "%d threads lie on more than one of the %d NUMA nodes: memory may be near or far",
            threads, f->nodes);
}

static void judge_frequency(const rb_machine_facts *f, rb_grade *grade) {
    if (f->governor[0] && strcmp(f->governor, "performance") != 0)
        add(grade, 'B', "the frequency governor is '%s', not 'performance': the clock follows load",
            f->governor);
    if (f->turbo == 1)
        add(grade, 'B', "turbo is on: the clock depends on temperature and on what others do");
    if (!f->governor[0] && !f->hypervisor[0])
        add(grade, 'B', "the system does not tell its frequency governor");
}

static void judge_company(const rb_machine_facts *f, const rb_stability *s, rb_grade *grade) {
    if (f->hypervisor[0])
        add(grade, 'B',
            "a virtual machine (%s): frequency and neighbours are hidden, and processors may be "
            "threads of shared cores",
            f->hypervisor);
    const double steal = s ? s->steal_share : -1;
    const char stolen = letter_of(steal, 0.002, 0.01, 0.05);
    if (stolen != 'A')
        add(grade, stolen, "the hypervisor gave %.1f %% of processor time to others", 100 * steal);
    if (f->load[0] >= 0 && f->processors > 0) {
        const char busy = letter_of(f->load[0] / f->processors, 0.15, 0.5, INFINITY);
        if (busy != 'A')
            add(grade, busy, "the load average is %.2f on %d processors: others are at work",
                f->load[0], f->processors);
        else if (f->smt == 1 && f->load[0] >= 0.5)
            add(grade, 'B',
                "the load average is %.2f and SMT is on: a neighbour may share a timed core",
                f->load[0]);
    }
    if (f->swap_used_bytes > 0 && f->memory_bytes > 0 &&
        f->swap_used_bytes >= f->memory_bytes / 100)
        add(grade, 'B', "%.0f MiB are swapped out: memory was short, and may come from a disk",
            (double)f->swap_used_bytes / (1 << 20));
}

static void judge_measured(const rb_stability *s, rb_grade *grade) {
    if (!s) {
        add(grade, 'B', "nothing was measured");
        return;
    }
    const double spread = rb_stability_spread(s);
    const char wide = letter_of(spread, 0.03, 0.10, 0.30);
    if (wide != 'A')
        add(grade, wide,
            "the same loop took %.3g to %.3g ms (p5 to p95 of %d): %.1f %% more or less for "
            "nothing",
            s->yardstick_p5_ns * 1e-6, s->yardstick_p95_ns * 1e-6, s->yardsticks, 100 * spread);
    const char costly = letter_of(s->timer_cost_ns, 250, 1000, 10000);
    if (costly != 'A')
        add(grade, costly, "a look at the clock takes %.0f ns", s->timer_cost_ns);
    const char coarse = letter_of(s->timer_step_ns, 1000, 10000, 1e6);
    if (coarse != 'A')
        add(grade, coarse, "the clock has steps of %.0f ns", s->timer_step_ns);
}

static void put_gravest_first(rb_grade *grade) {
    const rb_grade found = *grade;
    size_t next = 0;
    for (char most = 'D'; most > 'A'; most--)
        for (size_t i = 0; i < found.count; i++)
            if (found.reasons[i].most == most)
                grade->reasons[next++] = found.reasons[i];
}

void rb_grade_machine(const rb_machine_facts *facts, const rb_stability *stability, int32_t threads,
                      rb_grade *grade) {
    size_t small = 0;
    *grade = (rb_grade){.letter = 'A'};
    judge_processors(facts, threads, grade);
    judge_frequency(facts, grade);
    judge_company(facts, stability, grade);
    judge_measured(stability, grade);
    for (size_t i = 0; i < grade->count; i++) {
        const char most = grade->reasons[i].most;
        small += most == 'B';
        if (most > grade->letter)
            grade->letter = most;
    }
    if (grade->letter == 'B' && small >= MANY)
        grade->letter = 'C';
    put_gravest_first(grade);
}
