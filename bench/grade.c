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
        add(grade, 'D', "%d %s on a quota of %.2f processors: stopped in every period", threads,
            threads == 1 ? "thread" : "threads", f->cgroup.cpu_quota);
    if (f->core_kinds > 1)
        add(grade, 'B', "the cores are of %d kinds, of different speed", f->core_kinds);
    if (f->nodes > 1 && threads > f->usable_cores / f->nodes)
        add(grade, 'B', "%d threads lie on several of %d NUMA nodes: memory may be near or far",
            threads, f->nodes);
}

static void judge_frequency(const rb_machine_facts *f, rb_grade *grade) {
    if (f->governor[0] && strcmp(f->governor, "performance") != 0)
        add(grade, 'B', "the frequency governor is '%s', not 'performance'", f->governor);
    if (f->turbo == 1)
        add(grade, 'B', "turbo is on: the clock depends on heat and on what other cores do");
    if (!f->governor[0] && !f->hypervisor[0])
        add(grade, 'B', "the system does not tell its frequency governor");
}

static void judge_company(const rb_machine_facts *f, const rb_stability *s, rb_grade *grade) {
    if (f->hypervisor[0])
        add(grade, 'B', "a virtual machine (%s): its clock and its neighbours are hidden",
            f->hypervisor);
    const double steal = s ? s->steal_share : -1;
    const char stolen = letter_of(steal, 0.002, 0.01, 0.05);
    if (stolen != 'A')
        add(grade, stolen, "the hypervisor gave %.1f %% of processor time to others", 100 * steal);
    if (f->load[0] >= 0 && f->processors > 0) {
        const char busy = letter_of(f->load[0] / f->processors, 0.15, 0.5, INFINITY);
        if (busy != 'A')
            add(grade, busy, "the load average was %.2f on %d processors: they had other work",
                f->load[0], f->processors);
        else if (f->smt == 1 && f->load[0] >= 0.5)
            add(grade, 'B', "SMT is on and the load average was %.2f: cores may be shared",
                f->load[0]);
    }
    if (f->swap_used_bytes > 0 && f->memory_bytes > 0 &&
        f->swap_used_bytes >= f->memory_bytes / 100)
        add(grade, 'B', "%.0f MiB are swapped out: memory was short",
            (double)f->swap_used_bytes / (1 << 20));
}

/* A share as a percentage, with a decimal where that tells something. */
static void format_percent(double share, char text[32]) {
    snprintf(text, 32, "%.*f %%", share < 0.1 ? 1 : 0, 100 * share);
}

static void judge_measured(const rb_stability *s, rb_grade *grade) {
    char percent[32];
    if (!s) {
        add(grade, 'B', "nothing was measured");
        return;
    }
    const double spread = rb_stability_spread(s);
    const char wide = letter_of(spread, 0.03, 0.10, 0.30);
    format_percent(spread, percent);
    if (wide != 'A')
        add(grade, wide, "the same loop took %.3g to %.3g ms, %s more (p5, p95 of %d times)",
            s->yardstick_p5_ns * 1e-6, s->yardstick_p95_ns * 1e-6, percent, s->yardsticks);
    const char drifts = letter_of(s->drift, 0.05, 0.15, 0.50);
    format_percent(s->drift, percent);
    if (drifts != 'A')
        add(grade, drifts, "in the course of the run the same loop took up to %s longer", percent);
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
