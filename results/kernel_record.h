/* One row of `resbench kernels`: one convolution of the networks, run by one engine. Everything
 * that the command prints or writes is read from these. */
#ifndef RESULTS_KERNEL_RECORD_H
#define RESULTS_KERNEL_RECORD_H

#include "results/record.h"

#define RB_KERNEL_SCHEMA 1
#define RB_KERNEL_NETWORKS 16       /* at most */
#define RB_KERNEL_BASELINE "onednn" /* the engine that every other one stands beside */

/* What is timed. */
typedef enum rb_span {
    RB_SPAN_ALONE, /* the convolution, in calls one behind the other; of engines that tell it */
    RB_SPAN_HOT,   /* those calls as a whole, NCHW in and NCHW out */
    RB_SPAN_COLD,  /* whole calls, the caches emptied before each */
    RB_SPAN_COUNT
} rb_span;

const char *rb_span_name(rb_span span); /* "alone", "hot", "cold" */

typedef struct rb_kernel_time {
    rb_sample *samples;
    size_t count;
    rb_summary ns; /* of the samples' real_ns: rb_kernel_row_summarize */
} rb_kernel_time;

typedef struct rb_kernel_row {
    char problem[192]; /* the text of model/problem.h */
    int64_t batch, k, macs;
    int32_t counts[RB_KERNEL_NETWORKS]; /* how often each of the table's networks has it */
    char engine[64];
    char engine_version[96];
    char engine_sha256[65];
    char kernel[96]; /* as the engine names it; "" where it does not */
    bool winograd;   /* declared: held to the wider limits */
    int32_t threads;
    rb_verdict verdict; /* of the values of timed sessions; a time beside any other than PASS
                         * counts for nothing */
    char note[512];     /* why, when it is not PASS */
    double rel_l2, element_share, norm_share; /* the worst; shares are of the limits, NaN unknown */
    rb_kernel_time times[RB_SPAN_COUNT];
} rb_kernel_row;

/* Nothing is known yet: NaN, empty texts, no samples. */
void rb_kernel_row_init(rb_kernel_row *row);
void rb_kernel_row_release(rb_kernel_row *row); /* frees the samples */

rb_status rb_kernel_row_summarize(rb_kernel_row *row, rb_error *err);

/* "ic64ih56oc64oh56kh3ph1+bn+relu/mine/threads:2/cold", in Google Benchmark's style. */
void rb_kernel_row_name(const rb_kernel_row *row, rb_span span, char *name, size_t capacity);

typedef struct rb_kernel_network {
    char name[64];
    int32_t convolutions; /* all that it has, counted as often as they occur */
} rb_kernel_network;

typedef struct rb_kernel_table {
    rb_kernel_network networks[RB_KERNEL_NETWORKS];
    size_t network_count;
    double peak_gmacs; /* measured, at the rows' threads, 1e9/s; NaN unknown */
    rb_kernel_row *rows;
    size_t count, capacity;
} rb_kernel_table;

/* Moves *row, with texts made one line of valid UTF-8, to the end of the table (its samples change
 * owner). */
rb_status rb_kernel_table_add(rb_kernel_table *table, rb_kernel_row *row, rb_error *err);
void rb_kernel_table_release(rb_kernel_table *table);

/* The row of the same problem and threads of RB_KERNEL_BASELINE, NULL where it is not PASS. */
const rb_kernel_row *rb_kernel_baseline(const rb_kernel_table *table, const rb_kernel_row *row);

#endif
