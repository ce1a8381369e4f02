#include "bench/run_peaks.h"

static void update_records(int64_t threads, double gmacs, rb_record_list *records, size_t from) {
    for (size_t i = from; i < records->count; i++)
        if (records->items[i].threads == threads && gmacs > records->items[i].peak_gmacs)
            records->items[i].peak_gmacs = gmacs;
}

static void tell(const rb_plan *plan, const rb_run_peaks *peaks, json_t *context) {
    const rb_peak *best = &peaks->at[0];
    for (size_t t = 1; t < plan->thread_count; t++)
        if (peaks->at[t].gmacs_per_second > best->gmacs_per_second)
            best = &peaks->at[t];
    json_object_set_new(context, "peak_gmacs_per_second", json_real(best->gmacs_per_second));
    json_object_set_new(context, "peak_isa", json_string(best->isa));
}

/* On the processors where an engine's worker runs. */
static rb_status measure(const rb_plan *plan, int32_t threads, rb_peak *peak, rb_error *err) {
    cpu_set_t before;
    rb_placement placement;
    rb_affinity_place(&plan->affinity, threads, &placement);
    const bool kept = placement.kept && sched_getaffinity(0, sizeof before, &before) == 0 &&
                      sched_setaffinity(0, sizeof placement.set, &placement.set) == 0;
    const rb_status status = rb_peak_measure(threads, peak, err);
    if (kept)
        sched_setaffinity(0, sizeof before, &before);
    return status;
}

rb_status rb_run_peaks_look(const rb_plan *plan, rb_run_peaks *peaks, rb_record_list *records,
                            size_t from, json_t *context, rb_error *err) {
    for (size_t t = 0; t < plan->thread_count; t++) {
        rb_peak peak;
        const rb_status status = measure(plan, (int32_t)plan->threads[t], &peak, err);
        if (status != RB_OK)
            return status;
        if (peak.gmacs_per_second > peaks->at[t].gmacs_per_second)
            peaks->at[t] = peak;
        update_records(plan->threads[t], peaks->at[t].gmacs_per_second, records, from);
    }
    tell(plan, peaks, context);
    return RB_OK;
}
