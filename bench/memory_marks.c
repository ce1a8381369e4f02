#include "bench/memory_marks.h"

/* Ends a phase: its peak, as far as it can be told from that of the phases before. */
static int64_t end_phase(rb_memory_marks *marks, bool forget) {
    const int64_t peak = rb_process_memory_now().peak_bytes;
    if (peak > marks->peak_rss_bytes)
        marks->peak_rss_bytes = peak;
    const int64_t own = marks->forgets ? peak : -1;
    if (forget)
        marks->forgets = rb_process_memory_forget_peak() && marks->forgets;
    return own;
}

static rb_page_faults faults_since_last(rb_memory_marks *marks) {
    const rb_page_faults since = rb_page_faults_since(marks->faults);
    marks->faults = rb_page_faults_now();
    return since;
}

void rb_memory_mark_start(rb_memory_marks *marks) {
    const rb_process_memory memory = rb_process_memory_now();
    *marks = (rb_memory_marks){.start_rss_bytes = memory.resident_bytes,
                               .peak_rss_bytes = memory.peak_bytes,
                               .forgets = rb_process_memory_forget_peak()};
    rb_ledger_init(&marks->ledger);
}

void rb_memory_mark_engine(rb_memory_marks *marks) {
    const int64_t resident = rb_process_memory_now().resident_bytes;
    if (resident >= marks->start_rss_bytes && marks->start_rss_bytes >= 0)
        marks->ledger.engine_rss_bytes = resident - marks->start_rss_bytes;
    marks->resident_bytes = resident;
    marks->faults = rb_page_faults_now();
}

void rb_memory_mark_weights(rb_memory_marks *marks, int64_t weight_bytes) {
    const int64_t left = rb_process_memory_now().resident_bytes - marks->resident_bytes;
    if (marks->resident_bytes >= 0 && left >= weight_bytes)
        marks->ledger.reader_rss_bytes = left - weight_bytes;
    const rb_page_faults faults = faults_since_last(marks);
    marks->ledger.load_peak_rss_bytes = end_phase(marks, true);
    marks->ledger.load_minor_faults = faults.minor;
    marks->ledger.load_major_faults = faults.major;
}

void rb_memory_mark_open(rb_memory_marks *marks) {
    const rb_page_faults faults = faults_since_last(marks);
    marks->ledger.open_peak_rss_bytes = end_phase(marks, true);
    marks->ledger.open_minor_faults = faults.minor;
    marks->ledger.open_major_faults = faults.major;
}

void rb_memory_mark_first_run(rb_memory_marks *marks, rb_page_faults before) {
    if (marks->ledger.first_run_minor_faults >= 0)
        return;
    const rb_page_faults faults = rb_page_faults_since(before);
    marks->ledger.first_run_minor_faults = faults.minor;
    marks->ledger.first_run_major_faults = faults.major;
}

void rb_memory_mark_now(rb_memory_marks *marks) {
    marks->ledger.run_peak_rss_bytes = end_phase(marks, false);
}
