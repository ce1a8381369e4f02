#include "bench/meter.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench/clock.h"
#include "bench/counters.h"
#include "bench/energy.h"

#define ENERGY_LOOK_NS 10000000000 /* a meter that wraps is looked at so often */

typedef struct usage {
    double minor, major, switches;
} usage;

struct rb_meter {
    rb_counters counters;
    rb_energy energy;
    bool tell_energy;
    int64_t energy_looked_ns;
    double calls;
    usage before, sum;
};

static usage usage_now(void) {
    struct rusage now;
    getrusage(RUSAGE_SELF, &now);
    return (usage){(double)now.ru_minflt, (double)now.ru_majflt,
                   (double)now.ru_nvcsw + (double)now.ru_nivcsw};
}

rb_meter *rb_meter_create(void) {
    rb_meter *meter = calloc(1, sizeof *meter);
    if (!meter)
        return NULL;
    rb_counters_open(&meter->counters);
    rb_energy_open("", &meter->energy);
    return meter;
}

void rb_meter_destroy(rb_meter *meter) {
    if (!meter)
        return;
    rb_counters_close(&meter->counters);
    rb_energy_close(&meter->energy);
    free(meter);
}

void rb_meter_start(rb_meter *meter, bool energy) {
    meter->calls = 0;
    meter->sum = (usage){0, 0, 0};
    meter->tell_energy = energy;
    rb_counters_reset(&meter->counters);
    rb_energy_start(&meter->energy);
    meter->energy_looked_ns = rb_now_ns();
}

void rb_meter_call_begins(rb_meter *meter) {
    meter->before = usage_now();
    rb_counters_begin(&meter->counters);
}

void rb_meter_call_ends(rb_meter *meter) {
    rb_counters_end(&meter->counters);
    const usage now = usage_now();
    meter->sum.minor += now.minor - meter->before.minor;
    meter->sum.major += now.major - meter->before.major;
    meter->sum.switches += now.switches - meter->before.switches;
    meter->calls++;
    if (rb_now_ns() - meter->energy_looked_ns > ENERGY_LOOK_NS) {
        rb_energy_update(&meter->energy);
        meter->energy_looked_ns = rb_now_ns();
    }
}

/* No package has ever used nothing: a meter that says so does not work. */
static double joules_per_call(const rb_meter *meter, const rb_energy *energy, rb_energy_kind kind) {
    return meter->tell_energy && energy->joules[kind] > 0 ? energy->joules[kind] / meter->calls
                                                          : NAN;
}

rb_call_counts rb_meter_counts(const rb_meter *meter) {
    rb_call_counts counts;
    double share[RB_COUNTERS], sum[RB_COUNTERS];
    rb_energy energy = meter->energy;
    rb_call_counts_init(&counts);
    if (meter->calls == 0)
        return counts;
    rb_energy_update(&energy);
    for (int i = 0; i < RB_COUNTERS; i++)
        sum[i] = rb_counters_sum(&meter->counters, (rb_counter)i, &share[i]) / meter->calls;
    for (int i = 0; i < RB_COUNTERS_HARDWARE; i++)
        if (!(counts.counted_share <= share[i]) && !isnan(share[i]))
            counts.counted_share = share[i];
    counts.minor_faults_per_call = meter->sum.minor / meter->calls;
    counts.major_faults_per_call = meter->sum.major / meter->calls;
    counts.context_switches_per_call = meter->sum.switches / meter->calls;
    counts.migrations_per_call = sum[RB_COUNTER_MIGRATIONS];
    counts.task_clock_ns_per_call = sum[RB_COUNTER_TASK_CLOCK];
    counts.cycles_per_call = sum[RB_COUNTER_CYCLES];
    counts.instructions_per_call = sum[RB_COUNTER_INSTRUCTIONS];
    counts.cache_misses_per_call = sum[RB_COUNTER_CACHE_MISSES];
    counts.branch_misses_per_call = sum[RB_COUNTER_BRANCH_MISSES];
    counts.package_joules_per_call = joules_per_call(meter, &energy, RB_ENERGY_PACKAGE);
    counts.dram_joules_per_call = joules_per_call(meter, &energy, RB_ENERGY_DRAM);
    return counts;
}

void rb_meter_describe(json_t *context) {
    json_t *missing = json_object();
    rb_meter *meter = rb_meter_create();
    if (meter && meter->counters.why_hardware[0])
        json_object_set_new(missing, "hardware counters",
                            json_string(meter->counters.why_hardware));
    if (meter && meter->counters.why_software[0])
        json_object_set_new(missing, "software counters",
                            json_string(meter->counters.why_software));
    if (meter && meter->energy.why[0])
        json_object_set_new(missing, "energy", json_string(meter->energy.why));
    rb_meter_destroy(meter);
    json_object_set_new(context, "not_measured", missing);
}
