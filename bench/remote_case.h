/* A case in a worker, as the harness sees it. Errors are those of rb_worker_call. */
#ifndef BENCH_REMOTE_CASE_H
#define BENCH_REMOTE_CASE_H

#include "bench/case.h"
#include "bench/worker_client.h"
#include "bench/worker_profile.h"
#include "results/record.h"

/* What opening told. Written once by rb_remote_open; pointers of spec are not kept. */
typedef struct rb_remote_facts {
    char engine_version[96];
    char kernel_plan[17]; /* hash of all kernel names, 16 hexadecimal digits; "" if unnamed */
    int32_t reorders;
    double load_ns, open_ns; /* load_ns NaN: not apart from open */
    /* of a peer, "" of an engine: the name of the settings that are in use, what each candidate
     * took before they were fixed ("" where they were given), and what the timing loop itself takes
     */
    char settings[RB_SETTINGS_CAPACITY], settings_tried[RB_SETTINGS_TRIED_CAPACITY];
    double call_overhead_ns; /* NaN of an engine */
} rb_remote_facts;

typedef struct rb_remote rb_remote;

/* Starts a worker, that of the peer where the path is one, and opens the case in it. */
rb_status rb_remote_open(const rb_worker_options *options, const rb_case_spec *spec,
                         rb_remote **opened, rb_error *err);
void rb_remote_close(rb_remote *remote); /* NULL is fine */

const rb_remote_facts *rb_remote_facts_of(const rb_remote *remote);

/* True when the engine's logits are float64. */
bool rb_remote_output_f64(const rb_remote *remote);

/* The kernel of a node, "" where the engine does not name it, and the rule of its sums. */
const char *rb_remote_kernel(const rb_remote *remote, int32_t node);
rb_algorithm rb_remote_algorithm(const rb_remote *remote, int32_t node);

/* Runs `images` images, src (images, channels, height, width), batch by batch; the last batch
 * is filled up from the front. reversed runs every batch in reverse order. logits is
 * (images, classes), in the order of src either way. *run_ns is the time of the first call. */
rb_status rb_remote_logits(rb_remote *remote, const float *src, int64_t images, bool reversed,
                           double *logits, double *run_ns, rb_error *err);

/* Runs one batch, src (batch, channels, height, width), and shows the values of the nodes
 * first .. first + count - 1 of graph, which is the case's: values has room for all of them, each
 * (batch, oc, oh, ow), one behind the other. RB_ERR_UNSUPPORTED where the engine has no tap. */
rb_status rb_remote_tap(rb_remote *remote, const rb_graph *graph, const float *src, int32_t first,
                        int32_t count, double *values, rb_error *err);

typedef struct rb_remote_timing {
    rb_sample *samples;     /* room for repetitions; real_ns and cpu_ns are filled in */
    double yardstick_ns[2]; /* before and after */
    rb_call_counts counts;  /* of these calls */
    double *logits;         /* (RB_CASE_INPUTS, batch, classes) of the last call on each input */
} rb_remote_timing;

/* Times calls on src, (RB_CASE_INPUTS, batch, channels, height, width), in turn. call_ns is what a
 * call is known to take: the time limit allows for it. */
rb_status rb_remote_time(rb_remote *remote, const rb_timing_spec *spec, const float *src,
                         double call_ns, rb_remote_timing *timing, rb_error *err);

/* The multiply-adds that the engine says it executes for a node; -1: it does not say. */
int64_t rb_remote_executed_macs(const rb_remote *remote, int32_t node);

/* Ordinary and profiled calls in turn (bench/case_profile.h), on src as in rb_remote_time, of a
 * network of so many nodes; logits as there.
 * RB_ERR_UNSUPPORTED where the engine does not tell the times of its nodes. */
rb_status rb_remote_profile_calls(rb_remote *remote, const rb_timing_spec *spec, const float *src,
                                  int32_t nodes, double call_ns, rb_worker_times *times,
                                  double *logits, rb_error *err);

/* The set of images of the streams that follow, (images, channels, height, width). */
rb_status rb_remote_images(rb_remote *remote, const float *src, int64_t images, rb_error *err);

/* Times one stretch of so many batches (bench/case_stream.h). *sample is the time of a batch;
 * timing->logits is (images, classes), those of all images of the set. */
rb_status rb_remote_stream(rb_remote *remote, const char *name, int64_t batches, int64_t images,
                           double call_ns, rb_remote_timing *timing, rb_error *err);

/* Closes the session in the worker; an engine may fail there, too. */
rb_status rb_remote_end(rb_remote *remote, rb_error *err);

typedef struct rb_remote_account {
    rb_memory held;
    int64_t peak_rss_bytes, start_rss_bytes, resident_bytes;
    rb_ledger ledger;
} rb_remote_account;

rb_status rb_remote_account_of(rb_remote *remote, rb_remote_account *account, rb_error *err);

#endif
