#include "cli/env_tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "results/grid.h"

#define LABEL_WIDTH 16
#define TEXT_CAPACITY 2048

/* Appends to a text of TEXT_CAPACITY; what has no room is cut. */
static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char *text, const char *format, ...) {
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT_CAPACITY - length, format, arguments);
    va_end(arguments);
}

/* The label, then the text, in lines of RB_TERMINAL_WIDTH broken at blanks. */
static void print_text(FILE *out, const char *label, const char *text) {
    const size_t width = RB_TERMINAL_WIDTH - LABEL_WIDTH;
    fprintf(out, "%-*s", LABEL_WIDTH, label);
    while (strlen(text) > width) {
        size_t length = width;
        while (length > 0 && text[length] != ' ')
            length--;
        if (length == 0)
            length = width;
        fprintf(out, "%.*s\n%*s", (int)length, text, LABEL_WIDTH, "");
        text += length;
        text += *text == ' ';
    }
    fprintf(out, "%s\n", text);
}

static const char *or_unknown(const char *text) {
    return text && text[0] ? text : "unknown";
}

/* "1.5 GiB", "unknown" */
static void append_bytes(char *text, int64_t bytes) {
    if (bytes < 0)
        append(text, "unknown");
    else if (bytes >= (int64_t)1 << 30)
        append(text, "%.4g GiB", (double)bytes / (1 << 30));
    else if (bytes >= 1 << 20)
        append(text, "%.4g MiB", (double)bytes / (1 << 20));
    else
        append(text, "%.4g KiB", (double)bytes / 1024);
}

static void append_count(char *text, int32_t count, const char *one, const char *many) {
    append(text, "%d %s", count, count == 1 ? one : many);
}

static void print_processor(const rb_machine_facts *f, FILE *out) {
    static const char *const smt[] = {"no SMT", "SMT"};
    char text[TEXT_CAPACITY] = "";
    append(text, "%s", or_unknown(f->cpu_model));
    if (f->cpu_family >= 0)
        append(text, " (%s, family %d, model %d, stepping %d)", or_unknown(f->cpu_vendor),
               f->cpu_family, f->cpu_model_number, f->cpu_stepping);
    append(text, ", %s", f->architecture[0] ? f->architecture : "unknown architecture");
    print_text(out, "processor", text);
    text[0] = '\0';
    if (f->packages > 0)
        append_count(text, f->packages, "package, ", "packages, ");
    append_count(text, f->cores, "core, ", "cores, ");
    append_count(text, f->processors, "processor", "processors");
    append(text, " (%s)", f->smt < 0 ? "the system hides which are cores" : smt[f->smt]);
    if (f->core_kinds > 1)
        append(text, ", cores of %d kinds", f->core_kinds);
    if (f->usable_processors < f->processors) {
        append(text, "; this process may use ");
        append_count(text, f->usable_processors, "processor", "processors");
    }
    print_text(out, "", text);
}

static void print_caches(const rb_machine_facts *f, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    for (size_t i = 0; i < f->cache_count; i++) {
        const rb_cache_facts *c = &f->caches[i];
        append(text, "%sL%d%s %d x ", i > 0 ? ", " : "", c->level,
               c->type[0] == 'D'   ? "d"
               : c->type[0] == 'I' ? "i"
                                   : "",
               c->count);
        append_bytes(text, c->bytes);
        if (c->shared_by > 1)
            append(text, " (each for %d processors)", c->shared_by);
    }
    print_text(out, "caches", or_unknown(text));
}

static void print_isas(const rb_machine_facts *f, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    if (f->x86_64_level > 0)
        append(text, "x86-64-v%d:", f->x86_64_level);
    for (size_t i = 0; i < f->isa_count; i++)
        append(text, "%s%s", text[0] ? " " : "", f->isas[i]);
    print_text(out, "instructions", or_unknown(text));
}

static void print_memory(const rb_machine_facts *f, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    append_bytes(text, f->memory_bytes);
    if (f->available_bytes >= 0) {
        append(text, ", of which this process could have ");
        append_bytes(text, f->available_bytes);
    }
    if (f->swap_bytes == 0)
        append(text, "; no swap");
    else if (f->swap_bytes > 0) {
        append(text, "; swap ");
        append_bytes(text, f->swap_bytes);
        append(text, ", used ");
        append_bytes(text, f->swap_used_bytes);
    }
    append(text, "; transparent huge pages: %s", or_unknown(f->huge_pages));
    print_text(out, "memory", text);
    text[0] = '\0';
    append_count(text, f->nodes, "node: ", "nodes: ");
    for (int32_t i = 0; i < f->nodes; i++) {
        append(text, "%s", i > 0 ? ", " : "");
        append_bytes(text, f->node_bytes[i]);
    }
    print_text(out, "NUMA", f->nodes > 0 ? text : "unknown");
}

static void print_clock(const rb_machine_facts *f, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    if (f->mhz >= 0)
        append(text, "%" PRId64 " MHz now", f->mhz);
    else
        append(text, "unknown MHz now");
    if (f->mhz_most >= 0)
        append(text, ", %" PRId64 " at most", f->mhz_most);
    append(text, "; governor: %s", or_unknown(f->governor));
    if (f->scaling_driver[0])
        append(text, " (%s)", f->scaling_driver);
    append(text, "; turbo: %s", f->turbo < 0 ? "unknown" : f->turbo ? "on" : "off");
    print_text(out, "clock", text);
}

static void print_system(const rb_machine_facts *f, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    append(text, "%s; time from %s; ASLR: ", or_unknown(f->kernel), or_unknown(f->clock_source));
    append(text, "%s", f->aslr < 0 ? "unknown" : f->aslr == 0 ? "off" : f->aslr == 1 ? "1" : "2");
    print_text(out, "system", text);
    text[0] = '\0';
    append(text, "hypervisor: %s; container: %s", f->hypervisor[0] ? f->hypervisor : "none seen",
           f->container[0] ? f->container : "none seen");
    print_text(out, "", text);
    text[0] = '\0';
    if (f->cgroup.version == 0)
        append(text, "unknown");
    else if (isfinite(f->cgroup.cpu_quota))
        append(text, "version %d: quota of %.2f processors", f->cgroup.version,
               f->cgroup.cpu_quota);
    else
        append(text, "version %d: no quota of processors", f->cgroup.version);
    if (f->cgroup.memory_limit >= 0) {
        append(text, ", memory limit ");
        append_bytes(text, f->cgroup.memory_limit);
    }
    print_text(out, "control groups", text);
    text[0] = '\0';
    if (f->load[0] >= 0)
        append(text, "%.2f, %.2f, %.2f in the last 1, 5, 15 minutes", f->load[0], f->load[1],
               f->load[2]);
    else
        append(text, "unknown");
    if (f->steal_since_boot >= 0)
        append(text, "; stolen by the hypervisor since boot: %.2f %%", 100 * f->steal_since_boot);
    print_text(out, "load", text);
}

void rb_env_print_facts(const rb_machine_facts *facts, FILE *out) {
    print_processor(facts, out);
    print_caches(facts, out);
    print_isas(facts, out);
    print_memory(facts, out);
    print_clock(facts, out);
    print_system(facts, out);
}

static const char *text_of(const json_t *object, const char *key) {
    return or_unknown(json_string_value(json_object_get(object, key)));
}

void rb_env_print_software(const json_t *context, const json_t *engines, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    size_t index, i;
    json_t *engine, *library;
    append(text,
           "resbench %s (%s, compiler %s), Google Benchmark %s, HDF5 %s, hwloc %s, jansson %s",
           text_of(context, "resbench_version"), text_of(context, "library_build_type"),
           text_of(context, "compiler"), text_of(context, "library_version"),
           text_of(context, "hdf5_version"), text_of(context, "hwloc_version"),
           text_of(context, "jansson_version"));
    print_text(out, "software", text);
    json_array_foreach(engines, index, engine) {
        const char *message = json_string_value(json_object_get(engine, "message"));
        text[0] = '\0';
        append(text, "%s ", text_of(engine, "name"));
        if (message)
            append(text, "cannot be used: %s", message);
        else
            append(text, "%s", text_of(engine, "version"));
        json_array_foreach(json_object_get(engine, "libraries"), i, library)
            append(text, "%s%s", i > 0 ? " " : "; with ", json_string_value(library));
        print_text(out, index > 0 ? "" : "engines", text);
    }
}

void rb_env_print_stability(const rb_stability *s, FILE *out) {
    char text[TEXT_CAPACITY] = "";
    append(text, "a look takes %.0f ns", s->timer_cost_ns);
    if (isfinite(s->timer_step_ns))
        append(text, "; the smallest step is %.0f ns", s->timer_step_ns);
    print_text(out, "timer", text);
    text[0] = '\0';
    append(text, "the same loop %d times: %.3g ms; p5 %.3g, p95 %.3g, which is %.3g %% more",
           s->yardsticks, s->yardstick_median_ns * 1e-6, s->yardstick_p5_ns * 1e-6,
           s->yardstick_p95_ns * 1e-6, 100 * rb_stability_spread(s));
    if (s->steal_share >= 0)
        append(text, "; stolen meanwhile: %.1f %%", 100 * s->steal_share);
    print_text(out, "yardstick", text);
}

static const char *peak_isa(const void *row) {
    return rb_vector_isa_name(((const rb_peak_row *)row)->isa);
}

static double peak_threads(const void *all, const void *row) {
    (void)all;
    return ((const rb_peak_row *)row)->threads;
}

static double peak_rate(const void *all, const void *row) {
    (void)all;
    return ((const rb_peak_row *)row)->gmacs_per_second;
}

/* Of the same instructions on one thread. */
static double peak_speedup(const void *all, const void *row) {
    const rb_capacity *c = all;
    const rb_peak_row *peak = row;
    for (size_t i = 0; i < c->peak_count; i++)
        if (c->peaks[i].isa == peak->isa && c->peaks[i].threads == 1)
            return peak->gmacs_per_second / c->peaks[i].gmacs_per_second;
    return NAN;
}

static const char *level_name(const void *row) {
    static const char *const names[] = {"memory", "L1", "L2", "L3", "L4"};
    return names[((const rb_bandwidth_row *)row)->level];
}

static double bandwidth_threads(const void *all, const void *row) {
    (void)all;
    return ((const rb_bandwidth_row *)row)->threads;
}

static double working_set_kib(const void *all, const void *row) {
    (void)all;
    return (double)((const rb_bandwidth_row *)row)->working_set / 1024;
}

static double bandwidth_of(const void *row, rb_traffic traffic) {
    return ((const rb_bandwidth_row *)row)->bytes_per_ns[traffic];
}

static double read_rate(const void *all, const void *row) {
    (void)all;
    return bandwidth_of(row, RB_TRAFFIC_READ);
}

static double copy_rate(const void *all, const void *row) {
    (void)all;
    return bandwidth_of(row, RB_TRAFFIC_COPY);
}

static double triad_rate(const void *all, const void *row) {
    (void)all;
    return bandwidth_of(row, RB_TRAFFIC_TRIAD);
}

static const rb_column peak_columns[] = {
    {.key = "isa", .title = "multiply-adds", .format = RB_FORMAT_TEXT, .text = peak_isa},
    {.key = "threads", .title = "threads", .format = RB_FORMAT_COUNT, .number = peak_threads},
    {.key = "gmacs_per_second",
     .title = "GMAC/s",
     .format = RB_FORMAT_FIXED,
     .digits = 1,
     .number = peak_rate},
    {.key = "speedup",
     .title = "x 1 thread",
     .format = RB_FORMAT_FIXED,
     .digits = 2,
     .number = peak_speedup}};

static const rb_column bandwidth_columns[] = {
    {.key = "level", .title = "bandwidth", .format = RB_FORMAT_TEXT, .text = level_name},
    {.key = "threads", .title = "threads", .format = RB_FORMAT_COUNT, .number = bandwidth_threads},
    {.key = "working_set_kib",
     .title = "KiB a thread",
     .format = RB_FORMAT_COUNT,
     .number = working_set_kib},
    {.key = "read_gb_per_second",
     .title = "read GB/s",
     .format = RB_FORMAT_FIXED,
     .digits = 1,
     .number = read_rate},
    {.key = "copy_gb_per_second",
     .title = "copy GB/s",
     .format = RB_FORMAT_FIXED,
     .digits = 1,
     .number = copy_rate},
    {.key = "triad_gb_per_second",
     .title = "triad GB/s",
     .format = RB_FORMAT_FIXED,
     .digits = 1,
     .number = triad_rate}};

void rb_env_print_capacity(const rb_capacity *capacity, FILE *out) {
    const rb_grid peaks = {.rows = capacity->peaks,
                           .row_bytes = sizeof *capacity->peaks,
                           .row_count = capacity->peak_count,
                           .all = capacity,
                           .columns = peak_columns,
                           .column_count = sizeof peak_columns / sizeof *peak_columns};
    const rb_grid bandwidths = {.rows = capacity->bandwidths,
                                .row_bytes = sizeof *capacity->bandwidths,
                                .row_count = capacity->bandwidth_count,
                                .all = capacity,
                                .columns = bandwidth_columns,
                                .column_count =
                                    sizeof bandwidth_columns / sizeof *bandwidth_columns};
    fputc('\n', out);
    rb_grid_aligned(&peaks, out);
    fputc('\n', out);
    rb_grid_aligned(&bandwidths, out);
}

void rb_env_print_grade(const rb_grade *grade, int32_t threads, FILE *out) {
    char text[TEXT_CAPACITY];
    fprintf(out, "\ngrade %c for times of %d %s\n", grade->letter, threads,
            threads == 1 ? "thread" : "threads");
    for (size_t i = 0; i < grade->count; i++) {
        text[0] = '\0';
        append(text, "%s", grade->reasons[i].sentence);
        char label[LABEL_WIDTH];
        snprintf(label, sizeof label, "  at most %c:", grade->reasons[i].most);
        print_text(out, label, text);
    }
    if (grade->count == 0)
        print_text(out, "", "nothing is known that moves times");
}
