#include "bench/capacity.h"

#include <stdio.h>

#include "bench/interrupt.h"

#define SECONDS 0.1
#define LEVELS 4 /* of cache */

/* What a level has for each of so many threads, which lie on the first cores; 0: nothing. */
static int64_t share_of(const rb_machine_facts *f, int32_t level, int32_t threads) {
    const int32_t smt = f->cores > 0 && f->processors > f->cores ? f->processors / f->cores : 1;
    for (size_t i = 0; i < f->cache_count; i++) {
        const rb_cache_facts *c = &f->caches[i];
        if (c->level != level || c->type[0] == 'I')
            continue;
        const int32_t cores = c->shared_by > smt ? c->shared_by / smt : 1;
        return c->bytes / (threads < cores ? threads : cores);
    }
    return 0;
}

int64_t rb_capacity_working_set(const rb_machine_facts *f, int32_t level, int32_t threads) {
    const int64_t share = share_of(f, level, threads);
    const int64_t before = level > 1 ? share_of(f, level - 1, threads) : 0;
    return share / 2 >= 2 * before ? share / 2 : 0;
}

static rb_status measure_peak(rb_vector_isa isa, int32_t threads, rb_capacity *c, rb_error *err) {
    rb_peak peak;
    const rb_status status = rb_peak_measure_isa(isa, threads, SECONDS, &peak, err);
    if (status == RB_OK && c->peak_count < RB_MAX_PEAKS)
        c->peaks[c->peak_count++] = (rb_peak_row){isa, threads, peak.gmacs_per_second};
    return status;
}

static rb_status measure_bandwidth(int32_t level, int32_t threads, int64_t working_set,
                                   rb_capacity *c, rb_error *err) {
    rb_bandwidth_row *row = &c->bandwidths[c->bandwidth_count++];
    rb_status status = RB_OK;
    *row = (rb_bandwidth_row){.level = level, .threads = threads, .working_set = working_set};
    for (int t = 0; status == RB_OK && t < RB_TRAFFIC_COUNT; t++)
        status = rb_bandwidth_measure_set((rb_traffic)t, threads, working_set, SECONDS,
                                          &row->bytes_per_ns[t], err);
    return status;
}

/* 1, 2, 4 ... and most; 0 after it. */
static int32_t next_threads(int32_t threads, int32_t most) {
    return threads >= most ? 0 : threads * 2 < most ? threads * 2 : most;
}

/* Says what comes next. */
static rb_status announce(const rb_progress *progress, const char *text, rb_error *err) {
    rb_progress_show(progress, text);
    return rb_interrupted() ? rb_fail(err, RB_ERR_INTERRUPTED, "interrupted") : RB_OK;
}

static rb_status measure_peaks(int32_t threads, rb_progress *progress, rb_capacity *c,
                               rb_error *err) {
    char text[64];
    rb_status status = RB_OK;
    for (int isa = 0; isa < RB_ISA_COUNT; isa++) {
        if (!rb_vector_isa_usable((rb_vector_isa)isa))
            continue;
        for (int32_t n = 1; status == RB_OK && n > 0; n = next_threads(n, threads)) {
            snprintf(text, sizeof text, "multiply-adds: %s, threads: %d",
                     rb_vector_isa_name((rb_vector_isa)isa), n);
            status = announce(progress, text, err);
            if (status == RB_OK)
                status = measure_peak((rb_vector_isa)isa, n, c, err);
            rb_progress_advance(progress, 1);
        }
    }
    return status;
}

static rb_status measure_level(const rb_machine_facts *f, int32_t level, int32_t threads,
                               rb_progress *progress, rb_capacity *c, rb_error *err) {
    char text[64];
    rb_status status = RB_OK;
    const int64_t set =
        level > 0 ? rb_capacity_working_set(f, level, threads) : rb_bandwidth_memory_set(threads);
    if (level > 0)
        snprintf(text, sizeof text, "bandwidth: L%d, threads: %d", level, threads);
    else
        snprintf(text, sizeof text, "bandwidth: memory, threads: %d", threads);
    if (set > 0)
        status = announce(progress, text, err);
    if (set > 0 && status == RB_OK)
        status = measure_bandwidth(level, threads, set, c, err);
    rb_progress_advance(progress, 1);
    return status;
}

rb_status rb_capacity_measure(const rb_machine_facts *facts, int32_t threads, rb_progress *progress,
                              rb_capacity *c, rb_error *err) {
    int steps = 0;
    *c = (rb_capacity){.peak_count = 0};
    for (int isa = 0; isa < RB_ISA_COUNT; isa++)
        for (int32_t n = 1; n > 0; n = next_threads(n, threads))
            steps += rb_vector_isa_usable((rb_vector_isa)isa);
    for (int32_t n = 1; n > 0; n = n < threads ? threads : 0)
        steps += LEVELS + 1;
    rb_progress_start(progress, steps);
    rb_status status = measure_peaks(threads, progress, c, err);
    for (int32_t n = 1; n > 0; n = n < threads ? threads : 0)
        for (int32_t level = 1; status == RB_OK && level <= LEVELS + 1; level++)
            status = measure_level(facts, level % (LEVELS + 1), n, progress, c, err);
    rb_progress_clear(progress);
    return status;
}

json_t *rb_capacity_to_json(const rb_capacity *c) {
    json_t *peaks = json_array(), *bandwidths = json_array();
    for (size_t i = 0; i < c->peak_count; i++)
        json_array_append_new(peaks, json_pack("{s:s, s:i, s:f}", "isa",
                                               rb_vector_isa_name(c->peaks[i].isa), "threads",
                                               c->peaks[i].threads, "gmacs_per_second",
                                               c->peaks[i].gmacs_per_second));
    for (size_t i = 0; i < c->bandwidth_count; i++) {
        const rb_bandwidth_row *row = &c->bandwidths[i];
        json_t *object = json_pack("{s:i, s:i, s:I}", "level", row->level, "threads", row->threads,
                                   "working_set_bytes", (json_int_t)row->working_set);
        for (int t = 0; t < RB_TRAFFIC_COUNT; t++) {
            char key[48];
            snprintf(key, sizeof key, "%s_gb_per_second", rb_traffic_name((rb_traffic)t));
            json_object_set_new(object, key, json_real(row->bytes_per_ns[t]));
        }
        json_array_append_new(bandwidths, object);
    }
    return json_pack("{s:o, s:o}", "peaks", peaks, "bandwidths", bandwidths);
}
