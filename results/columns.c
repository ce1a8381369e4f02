#include "results/columns.h"

#include <math.h>
#include <string.h>

#include "results/balance.h"

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *row) {                                                     \
        const rb_record *r = row;                                                                  \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *row) {                                         \
        const rb_record *r = row;                                                                  \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

static double known(double value) {
    return value < 0 ? NAN : value;
}

static double mebibytes(double bytes) {
    return bytes / (1 << 20);
}

double rb_mebibytes(int64_t bytes) {
    return bytes < 0 ? NAN : (double)bytes / (1 << 20);
}

/* GMAC/s at the median latency, nominal: what the definition costs, however it was computed. */
static double rate_gmacs(const rb_record *r) {
    return (double)r->macs / rb_record_batch_ns(r);
}

/* How many times faster than the engine called reference in the same cell. */
static double speedup(const void *all, const void *row) {
    const rb_record_list *records = all;
    const rb_record *r = row;
    for (size_t i = 0; i < records->count; i++) {
        const rb_record *other = &records->items[i];
        if (strcmp(other->engine, "reference") == 0 && other->verdict == RB_VERDICT_PASS &&
            strcmp(other->network, r->network) == 0 && other->batch == r->batch &&
            other->threads == r->threads && other->height == r->height &&
            other->width == r->width && strcmp(other->mode, r->mode) == 0 &&
            strcmp(other->scenario, r->scenario) == 0)
            return rb_record_batch_ns(other) / rb_record_batch_ns(r);
    }
    return NAN;
}

/* "224x224", height before width; overwritten by the next call. */
static const char *size(const void *row) {
    static char text[48];
    const rb_record *r = row;
    snprintf(text, sizeof text, "%lldx%lld", (long long)r->height, (long long)r->width);
    return text;
}

/* A throughput has no latency. */
static double latency_ms(const rb_record *r, double ns) {
    return rb_record_is_offline(r) ? NAN : ns * 1e-6;
}

TEXT(network, r->network)
TEXT(engine, r->engine)
TEXT(engine_version, r->engine_version)
TEXT(mode, r->mode)
TEXT(scenario, r->scenario)
TEXT(affinity, r->affinity)
TEXT(processors, r->processors)
TEXT(verdict, rb_verdict_name(r->verdict))
TEXT(note, r->note)
TEXT(settings, r->settings)
TEXT(settings_tried, r->settings_tried)
TEXT(kernel_plan, r->kernel_plan)
NUMBER(batch, (double)r->batch)
NUMBER(threads, (double)r->threads)
NUMBER(parameters, (double)r->parameters)
NUMBER(gmacs, (double)r->macs * 1e-9)
NUMBER(images, (double)r->images)
NUMBER(rel_l2, r->rel_l2)
NUMBER(rel_l2_limit, r->rel_l2_limit)
NUMBER(max_abs_error, r->max_abs_error)
NUMBER(top1_agree, known((double)r->top1_agree))
NUMBER(load_ms, r->load_ns * 1e-6)
NUMBER(open_ms, r->open_ns * 1e-6)
NUMBER(first_run_ms, r->first_run_ns * 1e-6)
NUMBER(sample_count, (double)r->sample_count)
NUMBER(median_ms, latency_ms(r, r->latency_ns.median))
NUMBER(low_ms, latency_ms(r, r->latency_ns.low))
NUMBER(high_ms, latency_ms(r, r->latency_ns.high))
NUMBER(interval_percent, 50 * (r->latency_ns.high - r->latency_ns.low) / rb_record_batch_ns(r))
NUMBER(min_ms, latency_ms(r, r->latency_ns.min))

#define PERCENTILE(name, index)                                                                    \
    NUMBER(name##_ms, r->latency_ns.percentiles[index].value * 1e-6)                               \
    NUMBER(name##_low_ms, r->latency_ns.percentiles[index].low * 1e-6)                             \
    NUMBER(name##_high_ms, r->latency_ns.percentiles[index].high * 1e-6)

PERCENTILE(p50, 0)
PERCENTILE(p90, 1)
PERCENTILE(p95, 2)
PERCENTILE(p99, 3)
PERCENTILE(p99_9, 4)

NUMBER(images_per_second, (double)r->batch / (rb_record_batch_ns(r) * 1e-9))
NUMBER(gmacs_per_second, rate_gmacs(r))
NUMBER(peak_gmacs, r->peak_gmacs)
NUMBER(peak_percent, 100 * rate_gmacs(r) / r->peak_gmacs)
NUMBER(harness_us, r->harness_overhead_ns * 1e-3)
NUMBER(harness_percent, 100 * r->harness_overhead_ns / rb_record_batch_ns(r))
NUMBER(yardstick_percent, 100 * (r->yardstick_spread - 1))
NUMBER(steal_percent, known(100 * r->steal_share))
NUMBER(reorders, known((double)r->reorders))
NUMBER(weight_mib, rb_mebibytes(r->weight_bytes))
NUMBER(packed_mib, rb_mebibytes(r->packed_weight_bytes))
NUMBER(activation_mib, rb_mebibytes(r->activation_bytes))
NUMBER(activation_bound_mib, rb_mebibytes(r->activation_bound_bytes))
NUMBER(scratch_mib, rb_mebibytes(r->scratch_bytes))
NUMBER(steady_rss_mib, rb_mebibytes(r->steady_rss_bytes))
NUMBER(peak_rss_mib, rb_mebibytes(r->peak_rss_bytes))
NUMBER(peak_rss_after_start_mib, rb_mebibytes(r->peak_rss_after_start_bytes))
NUMBER(start_mib, mebibytes(rb_balance_of(r).start))
NUMBER(engine_mib, rb_mebibytes(r->ledger.engine_rss_bytes))
NUMBER(reader_mib, rb_mebibytes(r->ledger.reader_rss_bytes))
NUMBER(buffer_mib, rb_mebibytes(r->ledger.buffer_bytes))
NUMBER(unaccounted_mib, mebibytes(rb_balance_of(r).unaccounted))
NUMBER(passing_mib, mebibytes(rb_balance_of(r).passing))
NUMBER(foreseen_mib, rb_mebibytes(r->foreseen_bytes))
NUMBER(host_peak_mib, rb_mebibytes(r->ledger.host_peak_bytes))
NUMBER(load_peak_mib, rb_mebibytes(r->ledger.load_peak_rss_bytes))
NUMBER(open_peak_mib, rb_mebibytes(r->ledger.open_peak_rss_bytes))
NUMBER(run_peak_mib, rb_mebibytes(r->ledger.run_peak_rss_bytes))
NUMBER(load_minor, known((double)r->ledger.load_minor_faults))
NUMBER(load_major, known((double)r->ledger.load_major_faults))
NUMBER(open_minor, known((double)r->ledger.open_minor_faults))
NUMBER(open_major, known((double)r->ledger.open_major_faults))
NUMBER(first_run_minor, known((double)r->ledger.first_run_minor_faults))
NUMBER(first_run_major, known((double)r->ledger.first_run_major_faults))
NUMBER(minor_faults, r->counts.minor_faults_per_call)
NUMBER(major_faults, r->counts.major_faults_per_call)
NUMBER(context_switches, r->counts.context_switches_per_call)
NUMBER(migrations, r->counts.migrations_per_call)
NUMBER(task_clock_ms, r->counts.task_clock_ns_per_call * 1e-6)
NUMBER(mega_cycles, r->counts.cycles_per_call * 1e-6)
NUMBER(mega_instructions, r->counts.instructions_per_call * 1e-6)
NUMBER(instructions_per_cycle, r->counts.instructions_per_call / r->counts.cycles_per_call)
NUMBER(kilo_cache_misses, r->counts.cache_misses_per_call * 1e-3)
NUMBER(kilo_branch_misses, r->counts.branch_misses_per_call * 1e-3)
NUMBER(counted_percent, 100 * r->counts.counted_share)
NUMBER(package_joules, r->counts.package_joules_per_call / (double)r->batch)
NUMBER(dram_joules, r->counts.dram_joules_per_call / (double)r->batch)

#define T(key, title, section, use, get)                                                           \
    { key, title, RB_SECTION_##section, RB_FORMAT_TEXT, 0, RB_COLUMN_##use, get, NULL }
#define N(key, title, section, format, digits, use, get)                                           \
    { key, title, RB_SECTION_##section, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

#define P(name, title, section)                                                                    \
    N(#name "_ms", title " ms", section, SIGNIFICANT, 4, DETAIL, name##_ms),                       \
        N(#name "_low_ms", title " 95% from ms", FILES, SIGNIFICANT, 4, DETAIL, name##_low_ms),    \
        N(#name "_high_ms", title " 95% to ms", FILES, SIGNIFICANT, 4, DETAIL, name##_high_ms)

const rb_column rb_columns[] = {
    T("network", "network", CELL, SUMMARY, network),
    T("engine", "engine", CELL, SUMMARY, engine),
    N("batch", "batch", CELL, COUNT, 0, SUMMARY, batch),
    N("threads", "threads", CELL, COUNT, 0, IF_VARIED, threads),
    T("size", "size", CELL, IF_VARIED, size),
    T("affinity", "affinity", LATENCY, DETAIL, affinity),
    T("processors", "processors", LATENCY, DETAIL, processors),
    T("mode", "mode", CELL, IF_VARIED, mode),
    T("scenario", "scenario", CELL, IF_VARIED, scenario),

    T("parity", "parity", PARITY, SUMMARY, verdict),
    N("images", "images", PARITY, COUNT, 0, DETAIL, images),
    N("rel_l2", "rel. L2", PARITY, SCIENTIFIC, 1, SUMMARY, rel_l2),
    N("rel_l2_limit", "limit", PARITY, SCIENTIFIC, 1, DETAIL, rel_l2_limit),
    N("max_abs_error", "max error", PARITY, SCIENTIFIC, 1, DETAIL, max_abs_error),
    N("top1_agree", "top-1 agree", PARITY, COUNT, 0, DETAIL, top1_agree),
    T("engine_version", "version", PARITY, DETAIL, engine_version),
    T("settings", "settings", PARITY, DETAIL, settings),
    T("settings_tried", "settings tried", PARITY, DETAIL, settings_tried),
    T("kernel_plan", "kernel plan", PARITY, DETAIL, kernel_plan),
    N("reorders", "reorders", PARITY, COUNT, 0, DETAIL, reorders),
    T("note", "note", PARITY, DETAIL, note),

    N("gmacs", "GMACs", LATENCY, FIXED, 3, DETAIL, gmacs),
    N("median_ms", "lat. ms", LATENCY, SIGNIFICANT, 4, SUMMARY, median_ms),
    N("interval_percent", "+-95%", LATENCY, FIXED, 1, SUMMARY, interval_percent),
    N("low_ms", "95% from ms", LATENCY, SIGNIFICANT, 4, DETAIL, low_ms),
    N("high_ms", "95% to ms", LATENCY, SIGNIFICANT, 4, DETAIL, high_ms),
    N("min_ms", "min ms", LATENCY, SIGNIFICANT, 4, DETAIL, min_ms),
    P(p50, "p50", FILES),
    P(p90, "p90", LATENCY),
    P(p95, "p95", FILES),
    P(p99, "p99", LATENCY),
    P(p99_9, "p99.9", FILES),
    N("samples", "n", LATENCY, COUNT, 0, DETAIL, sample_count),
    N("images_per_second", "img/s", LATENCY, SIGNIFICANT, 4, SUMMARY, images_per_second),
    N("gmacs_per_second", "GMAC/s", LATENCY, FIXED, 1, WITH_ROOM, gmacs_per_second),
    N("peak_percent", "%peak", LATENCY, FIXED, 1, SUMMARY, peak_percent),
    N("peak_gmacs_per_second", "peak GMAC/s", LATENCY, FIXED, 1, DETAIL, peak_gmacs),
    N("speedup_over_reference", "x ref", LATENCY, FIXED, 2, SUMMARY, speedup),
    N("load_ms", "load ms", LATENCY, SIGNIFICANT, 3, DETAIL, load_ms),
    N("open_ms", "open ms", LATENCY, SIGNIFICANT, 3, DETAIL, open_ms),
    N("first_run_ms", "first run ms", LATENCY, SIGNIFICANT, 3, DETAIL, first_run_ms),
    N("harness_overhead_us", "harness us", LATENCY, SIGNIFICANT, 3, DETAIL, harness_us),
    N("harness_overhead_percent", "harness %", LATENCY, SCIENTIFIC, 1, DETAIL, harness_percent),
    N("yardstick_spread_percent", "yardstick +%", LATENCY, FIXED, 1, DETAIL, yardstick_percent),
    N("steal_percent", "steal %", LATENCY, FIXED, 1, DETAIL, steal_percent),

    N("start_rss_mib", "start MiB", MEMORY, FIXED, 1, DETAIL, start_mib),
    N("engine_rss_mib", "engine MiB", MEMORY, FIXED, 1, DETAIL, engine_mib),
    N("reader_rss_mib", "reader MiB", MEMORY, FIXED, 1, DETAIL, reader_mib),
    N("buffer_mib", "buffers MiB", MEMORY, FIXED, 1, DETAIL, buffer_mib),
    N("packed_weight_mib", "packed MiB", MEMORY, FIXED, 1, DETAIL, packed_mib),
    N("activation_mib", "act MiB", MEMORY, FIXED, 1, WITH_ROOM, activation_mib),
    N("scratch_mib", "scratch MiB", MEMORY, FIXED, 1, DETAIL, scratch_mib),
    N("unaccounted_mib", "unaccounted MiB", MEMORY, FIXED, 1, DETAIL, unaccounted_mib),
    N("steady_rss_mib", "steady RSS MiB", MEMORY, FIXED, 1, DETAIL, steady_rss_mib),
    N("passing_mib", "passing MiB", MEMORY, FIXED, 1, DETAIL, passing_mib),
    N("peak_rss_mib", "RSS MiB", MEMORY, FIXED, 1, SUMMARY, peak_rss_mib),

    N("parameters", "parameters", MEMORY_MORE, COUNT, 0, DETAIL, parameters),
    N("weight_mib", "weights MiB", MEMORY_MORE, FIXED, 1, DETAIL, weight_mib),
    N("activation_bound_mib", "act. bound MiB", MEMORY_MORE, FIXED, 1, DETAIL,
      activation_bound_mib),
    N("foreseen_mib", "foreseen MiB", MEMORY_MORE, FIXED, 1, DETAIL, foreseen_mib),
    N("host_peak_mib", "held at most MiB", MEMORY_MORE, FIXED, 1, DETAIL, host_peak_mib),
    N("load_peak_rss_mib", "load peak MiB", MEMORY_MORE, FIXED, 1, DETAIL, load_peak_mib),
    N("open_peak_rss_mib", "open peak MiB", MEMORY_MORE, FIXED, 1, DETAIL, open_peak_mib),
    N("run_peak_rss_mib", "run peak MiB", MEMORY_MORE, FIXED, 1, DETAIL, run_peak_mib),
    N("peak_rss_after_start_mib", "RSS after start MiB", MEMORY_MORE, FIXED, 1, DETAIL,
      peak_rss_after_start_mib),

    N("load_minor_faults", "load minor", FAULTS, COUNT, 0, DETAIL, load_minor),
    N("load_major_faults", "load major", FAULTS, COUNT, 0, DETAIL, load_major),
    N("open_minor_faults", "open minor", FAULTS, COUNT, 0, DETAIL, open_minor),
    N("open_major_faults", "open major", FAULTS, COUNT, 0, DETAIL, open_major),
    N("first_run_minor_faults", "first run minor", FAULTS, COUNT, 0, DETAIL, first_run_minor),
    N("first_run_major_faults", "first run major", FAULTS, COUNT, 0, DETAIL, first_run_major),
    N("minor_faults_per_call", "minor per call", FAULTS, FIXED, 1, DETAIL, minor_faults),
    N("major_faults_per_call", "major per call", FAULTS, FIXED, 1, DETAIL, major_faults),

    N("task_clock_ms", "task clock ms", COUNTERS, SIGNIFICANT, 4, DETAIL, task_clock_ms),
    N("context_switches_per_call", "switches", COUNTERS, FIXED, 2, DETAIL, context_switches),
    N("migrations_per_call", "migrations", COUNTERS, FIXED, 2, DETAIL, migrations),
    N("cycles_1e6", "cycles 1e6", COUNTERS, SIGNIFICANT, 4, DETAIL, mega_cycles),
    N("instructions_1e6", "instr. 1e6", COUNTERS, SIGNIFICANT, 4, DETAIL, mega_instructions),
    N("instructions_per_cycle", "IPC", COUNTERS, FIXED, 2, DETAIL, instructions_per_cycle),
    N("cache_misses_1e3", "LLC misses 1e3", COUNTERS, SIGNIFICANT, 4, DETAIL, kilo_cache_misses),
    N("branch_misses_1e3", "branch misses 1e3", COUNTERS, SIGNIFICANT, 4, DETAIL,
      kilo_branch_misses),
    N("counted_percent", "counted %", COUNTERS, FIXED, 0, DETAIL, counted_percent),
    N("package_joules_per_image", "package J/img", COUNTERS, SIGNIFICANT, 3, DETAIL,
      package_joules),
    N("dram_joules_per_image", "DRAM J/img", COUNTERS, SIGNIFICANT, 3, DETAIL, dram_joules),
};

const size_t rb_column_count = sizeof rb_columns / sizeof rb_columns[0];

const char *const rb_section_titles[RB_SECTION_COUNT] = {
    [RB_SECTION_CELL] = "Cells",
    [RB_SECTION_PARITY] = "Parity",
    [RB_SECTION_LATENCY] = "Latency",
    [RB_SECTION_MEMORY] = "Memory",
    [RB_SECTION_MEMORY_MORE] = "Memory: bounds and phases",
    [RB_SECTION_FAULTS] = "Page faults",
    [RB_SECTION_COUNTERS] = "Counters and energy"};

const char *const rb_section_notes[RB_SECTION_COUNT] = {
    [RB_SECTION_MEMORY] =
        "From start to unaccounted the columns add up to the steady RSS; with what was passing, to "
        "the peak RSS.",
    [RB_SECTION_FAULTS] = "Minor: memory that is mapped; major: memory that is read from a disk.",
    [RB_SECTION_COUNTERS] =
        "Means of one timed call over all threads, energy for one image: of all packages of the "
        "machine, whoever used them. Cycles, instructions and misses are those of user mode."};
