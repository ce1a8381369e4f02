/* The memory of this process in the course of a case: marks that are set as it goes on. */
#ifndef BENCH_MEMORY_MARKS_H
#define BENCH_MEMORY_MARKS_H

#include "bench/process_memory.h"
#include "results/ledger.h"

typedef struct rb_memory_marks {
    rb_ledger ledger; /* host_peak_bytes and buffer_bytes are for others to fill in */
    int64_t start_rss_bytes, peak_rss_bytes;
    int64_t resident_bytes; /* at the last mark */
    rb_page_faults faults;  /* at the last mark */
    bool forgets;           /* peaks of phases can be told apart */
} rb_memory_marks;

/* Each at the end of what its name says, in this order; the last as often as one likes. */
void rb_memory_mark_start(rb_memory_marks *marks);
void rb_memory_mark_engine(rb_memory_marks *marks); /* the shared object is loaded */
void rb_memory_mark_weights(rb_memory_marks *marks, int64_t weight_bytes); /* they are in memory */
void rb_memory_mark_open(rb_memory_marks *marks); /* the engine has opened */
void rb_memory_mark_now(rb_memory_marks *marks);  /* peak of what came since */

/* Of the first run: faults before it, rb_page_faults_now. Does nothing when it has been called. */
void rb_memory_mark_first_run(rb_memory_marks *marks, rb_page_faults before);

#endif
