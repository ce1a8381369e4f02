/* One engine with one network, or one problem, open in this process: what a worker is made of. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdbool.h>

#include "bench/guarded.h"
#include "bench/memory_marks.h"
#include "bench/meter.h"
#include "bench/timing.h"
#include "model/problem.h"
#include "resbench/engine.h"

typedef struct rb_case_spec {
    const char *engine_path; /* of the shared object */
    const char *network;     /* row of the table */
    const char *weights;     /* path of the HDF5 file */
    int64_t batch, height, width;
    int64_t classes;
    int32_t threads;
    int32_t jitter; /* 0: the weights as they are; else moved, in this way (bench/jitter.h) */
    bool verbose;
    const char *settings; /* of a peer, by name; NULL or "": the best of those it has */
} rb_case_spec;

typedef struct rb_case_problem {
    const char *engine_path;
    rb_problem problem;
    const float *tensors; /* of the problem's graph, one behind the other */
    size_t tensor_bytes;
    double epsilon; /* of the batch norm */
    int32_t threads;
    rb_guard guard; /* of every buffer that the engine is given */
    bool verbose;
} rb_case_problem;

/* What is known once the session is open. Text lives as long as the case. */
typedef struct rb_case_facts {
    const rb_engine *engine;
    const rb_graph *graph;
    double load_ns; /* weights file to memory, NaN scan included */
    double open_ns; /* the engine's open */
} rb_case_facts;

typedef struct rb_case rb_case;

/* Loads engine, weights and opens a session; the weights are freed again, unless the engine keeps
 * them. */
rb_status rb_case_open(const rb_case_spec *spec, rb_case **opened, rb_error *err);
rb_status rb_case_open_problem(const rb_case_problem *spec, rb_case **opened, rb_error *err);
void rb_case_close(rb_case *c); /* NULL is fine */

rb_case_facts rb_case_facts_of(const rb_case *c);

/* The kernel of a node as the engine names it, "" where it does not. */
const char *rb_case_kernel(const rb_case *c, int32_t node);

/* The rule of a node's sums, as the engine declares it. */
rb_algorithm rb_case_algorithm(const rb_case *c, int32_t node);

/* The multiply-adds that the engine says it executes for a node; -1: it does not say. */
int64_t rb_case_executed_macs(const rb_case *c, int32_t node);

/* Bytes of the input (batch, channels, height, width), of the addend, which is 0 of most cases, and
 * of the logits (batch, classes). */
size_t rb_case_src_bytes(const rb_case *c);
size_t rb_case_addend_bytes(const rb_case *c);
size_t rb_case_dst_bytes(const rb_case *c);

/* Timed calls alternate between inputs, so that an engine that remembers its last input has to
 * compute all the same. */
#define RB_CASE_INPUTS 2

/* Takes a copy of an input for the runs that follow; rb_case_run looks at input 0 alone. */
rb_status rb_case_set_input(rb_case *c, int index, const void *src, size_t bytes, rb_error *err);

/* Takes a copy of the addend (batch, oc, oh, ow). */
rb_status rb_case_set_addend(rb_case *c, const void *addend, size_t bytes, rb_error *err);

/* One call on input 0, into logits poisoned with NaN before. *dst is the case's own buffer.
 * RB_ERR_ENGINE also when the engine has written past the end of a buffer or into its input, or
 * has allocated from the host. */
rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err);

/* The values of all nodes on input 0, as rb_engine.tap shows them (RB_STAGE_VALUE).
 * RB_ERR_UNSUPPORTED where the engine has no tap; otherwise as rb_case_run, but a tap may allocate.
 */
rb_status rb_case_tap(rb_case *c, rb_tap_fn fn, void *ctx, rb_error *err);

/* Times calls, each into poisoned logits, on the inputs in turn; spec->cold: with nothing in the
 * caches, for which memory is taken meanwhile (bench/evict.h). dst[i] has the logits of the
 * last call on input i. RB_ERR_ENGINE also when a call has left a logit that is not finite, has
 * allocated from the host, or has written past the end of a buffer or into an input. */
rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void *dst[RB_CASE_INPUTS], rb_error *err);

/* The engine's run, as rb_case_run and rb_case_time call it, and nothing else: who counts
 * instructions (bench/callgrind.h) counts those within this function. It has its own name in every
 * build. */
__attribute__((noinline)) rb_status rb_case_call_engine(void *ctx, const rb_engine *engine,
                                                        rb_session *session, const float *src,
                                                        const float *addend, void *dst,
                                                        rb_error *err);

/* Counts timed calls from now on; must outlive the case. */
void rb_case_set_meter(rb_case *c, rb_meter *meter);

/* What is timed instead of run. after, which may be NULL, looks at the logits of each call outside
 * of its time. */
typedef struct rb_case_calls {
    rb_status (*call)(void *ctx, const rb_engine *engine, rb_session *session, const float *src,
                      const float *addend, void *dst, rb_error *err);
    void (*after)(void *ctx, int input, const void *dst);
    void *ctx;
    bool sets_inputs; /* a call fills the inputs itself: they are not held to what they were */
} rb_case_calls;

/* rb_case_time, and all that it looks after, of such calls. */
rb_status rb_case_time_calls(rb_case *c, const rb_timing_spec *spec, const rb_case_calls *calls,
                             rb_timing_sample *samples, const void *dst[RB_CASE_INPUTS],
                             rb_error *err);

/* What the engine holds, by kind; -1 where nobody knows. Weights that it reads where they lie
 * (RB_ENGINE_KEEPS_WEIGHTS) are added to what it reports. RB_ERR_ENGINE when the engine's own
 * report cannot be true: below the host's account, or beyond all memory of the process. */
rb_status rb_case_memory(const rb_case *c, rb_memory *memory, rb_error *err);

/* What the process has taken so far, the buffers of the case and the host's account included. */
rb_memory_marks rb_case_marks(const rb_case *c);

#endif
