#include "bench/environment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/machine_json.h"
#include "bench/software.h"

#define BRIEF_SECONDS 0.15

static double load_before[3] = {-1, -1, -1};

void rb_environment_begin(void) {
    rb_machine_load_read("", load_before);
}

static void grade(rb_environment *e) {
    rb_grade_machine(&e->facts, e->measured ? &e->stability : NULL, e->threads, &e->grade);
}

void rb_environment_look(int32_t threads, double seconds, rb_environment *e) {
    *e = (rb_environment){.threads = threads, .measured = seconds > 0};
    rb_machine_facts_read("", &e->facts);
    if (load_before[0] >= 0)
        memcpy(e->facts.load, load_before, sizeof load_before);
    if (e->measured)
        rb_stability_measure(seconds, &e->stability);
    grade(e);
}

json_t *rb_environment_brief(int32_t threads) {
    rb_environment environment;
    rb_environment_look(threads, BRIEF_SECONDS, &environment);
    return rb_environment_context(&environment);
}

static void set_date(json_t *context) {
    char date[64];
    const time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    const size_t length = strftime(date, sizeof date - 1, "%Y-%m-%dT%H:%M:%S%z", &parts);
    if (length > 2) { /* RFC 3339 wants +01:00 where strftime gives +0100 */
        memmove(date + length - 1, date + length - 2, 3);
        date[length - 2] = ':';
    }
    json_object_set_new(context, "date", json_string(date));
}

static json_t *stability_to_json(const rb_stability *s) {
    json_t *object = json_object();
    json_object_set_new(object, "timer_cost_ns", json_real(s->timer_cost_ns));
    if (isfinite(s->timer_step_ns))
        json_object_set_new(object, "timer_step_ns", json_real(s->timer_step_ns));
    json_object_set_new(object, "yardsticks", json_integer(s->yardsticks));
    json_object_set_new(object, "yardstick_median_ns", json_real(s->yardstick_median_ns));
    json_object_set_new(object, "yardstick_p5_ns", json_real(s->yardstick_p5_ns));
    json_object_set_new(object, "yardstick_p95_ns", json_real(s->yardstick_p95_ns));
    if (s->drift >= 0)
        json_object_set_new(object, "yardstick_drift", json_real(s->drift));
    json_object_set_new(object, "yardstick_spread", json_real(rb_stability_spread(s)));
    if (s->steal_share >= 0)
        json_object_set_new(object, "steal_share", json_real(s->steal_share));
    return object;
}

void rb_environment_add_grade(const rb_environment *e, json_t *context) {
    const char letter[2] = {e->grade.letter, '\0'};
    json_t *reasons = json_array();
    for (size_t i = 0; i < e->grade.count; i++)
        json_array_append_new(reasons, json_string(e->grade.reasons[i].sentence));
    json_object_set_new(context, "grade", json_string(letter));
    json_object_set_new(context, "grade_reasons", reasons);
    if (e->measured)
        json_object_set_new(context, "stability", stability_to_json(&e->stability));
}

json_t *rb_environment_context(const rb_environment *e) {
    json_t *context = json_object(), *facts = rb_machine_facts_to_json(&e->facts);
    set_date(context);
    json_object_update(context, facts);
    json_decref(facts);
    rb_software_add(context);
    json_object_set_new(context, "threads", json_integer(e->threads));
    rb_environment_add_grade(e, context);
    return context;
}

void rb_environment_learn(rb_environment *e, double steal_share, double drift, json_t *context) {
    rb_stability *s = &e->stability;
    if (steal_share > s->steal_share)
        s->steal_share = steal_share;
    if (drift > s->drift)
        s->drift = drift;
    grade(e);
    rb_environment_add_grade(e, context);
}

void rb_environment_grade_line(const rb_environment *e, char line[RB_GRADE_LINE_CAPACITY]) {
    const rb_grade *g = &e->grade;
    const size_t more = g->count > 0 ? g->count - 1 : 0;
    char rest[48] = "";
    if (more > 0)
        snprintf(rest, sizeof rest, "; %zu %s more", more, more == 1 ? "reason" : "reasons");
    snprintf(line, RB_GRADE_LINE_CAPACITY, "grade %c: %s%s", g->letter,
             g->count > 0 ? g->reasons[0].sentence : "nothing is known that moves times", rest);
}
