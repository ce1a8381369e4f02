/* One record: what was measured of one cell (network, engine, batch, threads, input size, mode,
 * scenario). Everything that is printed, plotted or compared is read from records. */
#ifndef RESULTS_RECORD_H
#define RESULTS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"
#include "results/call_counts.h"
#include "results/ledger.h"
#include "results/statistics.h"

/* Of results.json: raised with every member that is needed or means something else. 2: size, mode
 * and scenario in the names of cells; the ledger and counters. */
#define RB_SCHEMA_VERSION 2
#define RB_SETTINGS_CAPACITY 64
#define RB_SETTINGS_TRIED_CAPACITY 512

typedef enum rb_verdict {
    RB_VERDICT_NONE,       /* nothing was compared */
    RB_VERDICT_PASS,       /* error within the limit */
    RB_VERDICT_MARGINAL,   /* within twice the limit */
    RB_VERDICT_FAIL,       /* beyond, or NaN, or a write past the end */
    RB_VERDICT_MISTRUSTED, /* small error by the wrong road: nothing compared, constant output */
    RB_VERDICT_UNSUPPORTED,
    RB_VERDICT_CRASHED,
    RB_VERDICT_TIMEOUT,
    RB_VERDICT_COUNT
} rb_verdict;

const char *rb_verdict_name(rb_verdict verdict);
rb_verdict rb_verdict_of_failure(rb_status status); /* of an engine's call that did not succeed */
bool rb_verdict_parse(const char *name, rb_verdict *verdict);

/* One timed call, in whole nanoseconds. */
typedef struct rb_sample {
    int32_t worker, turn;   /* which process, and which of its turns */
    double real_ns, cpu_ns; /* wall clock; processor time of all threads */
} rb_sample;

/* rb_summarize of their real_ns, each turn a cluster; a turn's samples stand together. */
rb_status rb_samples_summarize(const rb_sample *samples, size_t count, rb_summary *summary,
                               rb_error *err);

typedef struct rb_record {
    /* the cell */
    char network[64];
    char engine[64];
    char engine_version[96];
    char engine_sha256[65];              /* of its shared object; "" unknown */
    char weights_sha256[65];             /* of the tensors, as the weights file states it */
    char settings[RB_SETTINGS_CAPACITY]; /* of a peer, fixed before timing; "" of an engine */
    char settings_tried[RB_SETTINGS_TRIED_CAPACITY]; /* the candidates, with what each took */
    char preprocessing[512]; /* of the photographs, as JSON; "" of synthetic input */
    int32_t depth, blocks;
    int64_t batch, height, width;
    int32_t threads;
    /* where the process of the engine was kept */
    char affinity[16];                          /* compact, scatter, list; "none": anywhere */
    char processors[256];                       /* "0-3,8"; "" unknown */
    int32_t processor_count, cores, numa_nodes; /* of these processors; -1 unknown */
    double cpu_quota;  /* processors' worth of time that a cgroup allows; NaN: no limit */
    char mode[8];      /* of latency: "steady", "cold" */
    char scenario[16]; /* "calls", "single-stream", "offline" */
    /* the network */
    int64_t parameters;
    int64_t macs; /* whole batch */
    /* parity, over all compared images: the worst image counts */
    rb_verdict verdict;
    char note[256]; /* why, when the verdict is not PASS */
    int64_t images;
    double rel_l2, rel_l2_limit, max_abs_error;
    int64_t top1_agree;   /* images with the oracle's top-1; -1: synthetic weights, not told */
    char kernel_plan[17]; /* hash of the kernels that ran, as 16 hexadecimal digits */
    int32_t reorders;     /* nodes whose kernel string names a reorder */
    /* single events, median over workers, in nanoseconds */
    double load_ns, open_ns, first_run_ns;
    /* every timed call */
    rb_sample *samples;
    size_t sample_count;
    int64_t stretch_batches; /* offline: a sample is the mean over so many batches; else 1 */
    rb_summary latency_ns;   /* of samples' real_ns: rb_record_summarize */
    /* machine while measuring: slowest over fastest run of the yardstick loop; steal time */
    double yardstick_spread;
    double steal_share;         /* of the processor time of the cell; -1 unknown */
    double harness_overhead_ns; /* of a timed call: what it takes of an engine that does nothing; of
                                 * a peer, whose loop is another: of a function that does nothing */
    double peak_gmacs;          /* measured multiply-add peak of this machine at `threads`, 1e9/s */
    /* memory in bytes; -1 unknown */
    int64_t weight_bytes, packed_weight_bytes;
    int64_t activation_bytes, activation_bound_bytes, scratch_bytes;
    int64_t peak_rss_bytes, peak_rss_after_start_bytes, steady_rss_bytes;
    int64_t foreseen_bytes; /* that its worker was expected to need, at least */
    rb_ledger ledger;       /* of the same worker: the one with the highest peak */
    rb_call_counts counts;  /* over all timed calls */
} rb_record;

/* Text fields empty, numbers unknown (NaN, -1), verdict NONE, no samples. */
void rb_record_init(rb_record *record);
void rb_record_release(rb_record *record); /* frees the samples */

/* Fills latency_ns from the samples. Offline, samples are no latencies: there are no percentiles,
 * and low..high is the 95 % interval of the mean over turns (Student's t), from two turns on. */
rb_status rb_record_summarize(rb_record *record, rb_error *err);

/* Of a batch, by what the row is about: the median of calls, or offline all time over all batches.
 */
double rb_record_batch_ns(const rb_record *record);
bool rb_record_is_offline(const rb_record *record);

/* "resnet50/onednn/batch:1/threads:2/size:224x224", the name of the cell in Google Benchmark's
 * style: height before width; "/cold" follows where caches are emptied, and
 * "/single-stream" or "/offline" in these scenarios. */
void rb_record_name(const rb_record *record, char *name, size_t capacity);

typedef struct rb_record_list {
    rb_record *items;
    size_t count, capacity;
} rb_record_list;

/* Moves *record, with texts made one line of valid UTF-8 (engines write some of them), into the
 * list (its samples change owner), in place of one of the same name. */
rb_status rb_record_list_put(rb_record_list *list, rb_record *record, rb_error *err);
const rb_record *rb_record_list_find(const rb_record_list *list, const char *name);
void rb_record_list_release(rb_record_list *list);

#endif
