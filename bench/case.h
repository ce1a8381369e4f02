/* One engine with one network open in this process: what a worker is made of. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stdbool.h>

#include "bench/timing.h"
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
} rb_case_spec;

/* What is known once the session is open. Text lives as long as the case. */
typedef struct rb_case_facts {
    const rb_engine *engine;
    const rb_graph *graph;
    double load_ns;          /* weights file to memory, NaN scan included */
    double open_ns;          /* the engine's open */
    int64_t start_rss_bytes; /* before engine and weights */
} rb_case_facts;

typedef struct rb_case rb_case;

/* Loads engine, weights and opens a session; the weights are freed again. */
rb_status rb_case_open(const rb_case_spec *spec, rb_case **opened, rb_error *err);
void rb_case_close(rb_case *c); /* NULL is fine */

rb_case_facts rb_case_facts_of(const rb_case *c);

/* The kernel of a node as the engine names it, "" where it does not. */
const char *rb_case_kernel(const rb_case *c, int32_t node);

/* Bytes of the input (batch, channels, height, width) and of the logits (batch, classes). */
size_t rb_case_src_bytes(const rb_case *c);
size_t rb_case_dst_bytes(const rb_case *c);

/* Timed calls alternate between inputs, so that an engine that remembers its last input has to
 * compute all the same. */
#define RB_CASE_INPUTS 2

/* Takes a copy of an input for the runs that follow; rb_case_run looks at input 0 alone. */
rb_status rb_case_set_input(rb_case *c, int index, const void *src, size_t bytes, rb_error *err);

/* One call on input 0, into logits poisoned with NaN before. *dst is the case's own buffer.
 * RB_ERR_ENGINE also when the engine has written past the end of a buffer or into its input. */
rb_status rb_case_run(rb_case *c, const void **dst, double *run_ns, rb_error *err);

/* Times calls, each into poisoned logits, on the inputs in turn; dst[i] has the logits of the
 * last call on input i. RB_ERR_ENGINE also when a call has left a logit that is not finite, has
 * allocated from the host or has written past the end of a buffer. */
rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void *dst[RB_CASE_INPUTS], rb_error *err);

/* What the engine holds, by kind; -1 where nobody knows. RB_ERR_ENGINE when the engine's own
 * report cannot be true: below the host's account, or beyond all memory of the process. */
rb_status rb_case_memory(const rb_case *c, rb_memory *memory, rb_error *err);

#endif
