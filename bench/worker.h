/* A worker: a process that holds one case and does what it is asked.
 *
 * Requests are JSON objects with a member "op"; the answer has "status" (a number of
 * rb_status) and, when that is not RB_OK, "message". RB_ERR_CRASHED is the last answer of a process
 * whose engine has touched a guard page (bench/fault.h): it ends by its signal.
 *
 *   describe  {engine_path}              -> {name, version, description, conv_only,
 *                                            libraries: those that came with it}
 *   open      {engine_path, network, weights, batch, height, width, classes, threads,
 *             jitter, verbose}
 *                                        -> {version, output_f64, load_ns, open_ns, kernels,
 *                                            algorithms, executed_macs: [by node, -1: not told]}
 *   open      {engine_path, problem, epsilon, threads, guard, verbose}, blob: its tensors
 *                                        -> the same
 *   input     {index}, blob: NCHW float32 -> {}
 *   addend    {}, blob: NCHW float32     -> {}
 *   run       {}                         -> {run_ns}, blob: logits
 *   tap       {first, count}             -> {dims: [[n, c, h, w], ...]}, blob: the values of these
 *                                           nodes, one behind the other
 *   time      {name, repetitions, warmup_seconds, cold, slowdown}
 *                                        -> {real_ns, cpu_ns, yardstick_ns: [before, after],
 *                                            counts: those of results/call_counts.h},
 *                                           blob: the last logits of each input
 *   images    {}, blob: a set of NCHW float32, more than a batch -> {}
 *   stream    {name, batches}            -> {real_ns, cpu_ns: of a batch, yardstick_ns}, blob: the
 *                                           logits of every image (bench/case_stream.h)
 *   profile   {repetitions, warmup_seconds, cold}
 *                                        -> {plain_ns, profiled_ns, cpu_ns, untrue}, blob:
 *                                           as time, then int64 (repetitions / 2, nodes)
 *                                           (bench/case_profile.h)
 *   account   {}                         -> {bytes: [by rb_memory_kind], peak_rss_bytes,
 *                                            start_rss_bytes, resident_bytes, and those of
 *                                            results/ledger.h}
 *   close     {}                         -> {} */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench/case_stream.h"
#include "bench/message.h"

typedef struct rb_worker_state {
    rb_case *open_case;      /* NULL before open and after close */
    rb_stream_images images; /* of the open case; empty before `images` */
    rb_meter *meter;         /* NULL: nothing is counted beside the time */
} rb_worker_state;

/* Answers one request. Failures are answers too. */
void rb_worker_handle(rb_worker_state *state, const rb_message *request, rb_message *answer);

/* Serves requests on the socket that is standard input until it closes; the exit code. */
int rb_worker_serve(int standard_input);

#endif
