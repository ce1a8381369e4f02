#include "results/call_counts.h"

#include <math.h>

#define FIELD(name) RB_JSON_FIELD(rb_call_counts, DOUBLE, name)

const rb_json_field rb_call_counts_fields[] = {
    FIELD(minor_faults_per_call), FIELD(major_faults_per_call),   FIELD(context_switches_per_call),
    FIELD(migrations_per_call),   FIELD(task_clock_ns_per_call),  FIELD(cycles_per_call),
    FIELD(instructions_per_call), FIELD(cache_misses_per_call),   FIELD(branch_misses_per_call),
    FIELD(counted_share),         FIELD(package_joules_per_call), FIELD(dram_joules_per_call),
};

const size_t rb_call_counts_field_count =
    sizeof rb_call_counts_fields / sizeof rb_call_counts_fields[0];

static double *member(rb_call_counts *counts, size_t i) {
    return (double *)(void *)((char *)counts + rb_call_counts_fields[i].offset);
}

void rb_call_counts_init(rb_call_counts *counts) {
    for (size_t i = 0; i < rb_call_counts_field_count; i++)
        *member(counts, i) = NAN;
}

void rb_call_counts_add(rb_call_counts *mean, double calls, const rb_call_counts *more,
                        double more_calls) {
    rb_call_counts other = *more;
    if (calls == 0) {
        *mean = other;
        return;
    }
    const double least = mean->counted_share < other.counted_share || isnan(mean->counted_share)
                             ? mean->counted_share
                             : other.counted_share;
    for (size_t i = 0; i < rb_call_counts_field_count; i++)
        *member(mean, i) =
            (*member(mean, i) * calls + *member(&other, i) * more_calls) / (calls + more_calls);
    mean->counted_share = least;
}
