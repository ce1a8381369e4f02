#include "results/benchmark_rows.h"

#include <math.h>
#include <stdlib.h>

#include "results/json_fields.h"

/* The members that all rows of one benchmark share. */
static json_t *row(const rb_benchmark *b, const char *suffix) {
    char name[300];
    snprintf(name, sizeof name, "%s%s", b->name, suffix);
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "family_index", json_integer((json_int_t)b->family));
    json_object_set_new(object, "per_family_instance_index", json_integer(0));
    json_object_set_new(object, "run_name", json_string(b->name));
    json_object_set_new(object, "repetitions", json_integer((json_int_t)b->count));
    json_object_set_new(object, "threads", json_integer(1)); /* callers, not OpenMP threads */
    return object;
}

static void set_times(json_t *object, double real_ns, double cpu_ns) {
    rb_json_set_known(object, "real_time", real_ns / RB_BENCHMARK_NS_PER_UNIT);
    rb_json_set_known(object, "cpu_time", cpu_ns / RB_BENCHMARK_NS_PER_UNIT);
    json_object_set_new(object, "time_unit", json_string(RB_BENCHMARK_TIME_UNIT));
}

static void append_iterations(json_t *rows, const rb_benchmark *b) {
    for (size_t i = 0; i < b->count; i++) {
        const rb_sample *sample = &b->samples[i];
        json_t *object = row(b, "");
        json_object_set_new(object, "run_type", json_string("iteration"));
        json_object_set_new(object, "repetition_index", json_integer((json_int_t)i));
        json_object_set_new(object, "iterations",
                            json_integer(b->iterations > 0 ? b->iterations : 1));
        set_times(object, sample->real_ns, sample->cpu_ns);
        json_object_set_new(object, "worker", json_integer(sample->worker));
        json_object_set_new(object, "turn", json_integer(sample->turn));
        json_array_append_new(rows, object);
    }
}

static json_t *append_aggregate(json_t *rows, const rb_benchmark *b, const char *which,
                                double real_ns, double cpu_ns) {
    char suffix[32];
    snprintf(suffix, sizeof suffix, "_%s", which);
    json_t *object = row(b, suffix);
    json_object_set_new(object, "run_type", json_string("aggregate"));
    json_object_set_new(object, "aggregate_name", json_string(which));
    json_object_set_new(object, "aggregate_unit", json_string("time"));
    json_object_set_new(object, "iterations", json_integer((json_int_t)b->count));
    set_times(object, real_ns, cpu_ns);
    json_array_append_new(rows, object);
    return object;
}

rb_status rb_benchmark_append(json_t *rows, const rb_benchmark *b, json_t **median, rb_error *err) {
    rb_summary cpu;
    double *values = malloc((b->count + 1) * sizeof *values);
    if (!values)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", b->count);
    for (size_t i = 0; i < b->count; i++)
        values[i] = b->samples[i].cpu_ns;
    const rb_status status = rb_summarize_briefly(values, b->count, &cpu, err);
    free(values);
    if (status != RB_OK)
        return status;
    append_iterations(rows, b);
    append_aggregate(rows, b, "mean", b->real_ns->mean, cpu.mean);
    *median = append_aggregate(rows, b, "median", b->real_ns->median, cpu.median);
    if (b->count > 1)
        append_aggregate(rows, b, "stddev", b->real_ns->stddev, cpu.stddev);
    return RB_OK;
}

void rb_benchmark_append_error(json_t *rows, const rb_benchmark *b, const char *message) {
    json_t *object = row(b, "");
    json_object_set_new(object, "run_type", json_string("iteration"));
    json_object_set_new(object, "error_occurred", json_true());
    json_object_set_new(object, "error_message", json_string(*message ? message : "not timed"));
    json_object_set_new(object, "iterations", json_integer(0));
    set_times(object, 0, 0);
    json_array_append_new(rows, object);
}
