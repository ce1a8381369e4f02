/* What a cell is going to need of memory, from shapes alone, before anything is started. */
#ifndef BENCH_MEMORY_NEED_H
#define BENCH_MEMORY_NEED_H

#include <stdint.h>

#include "resbench/graph.h"
#include "resbench/status.h"

/* What an engine is known for, by the name in the plan. */
typedef enum rb_engine_kind {
    RB_ENGINE_ANY,       /* needs no less than the weights and the bound of activations */
    RB_ENGINE_REFERENCE, /* float32; keeps up to twice the bound */
    RB_ENGINE_ORACLE     /* the same in float64, on weights that may be moved (bench/jitter.h) */
} rb_engine_kind;

rb_engine_kind rb_engine_kind_of(const char *label);

/* Bytes of a worker with graph (its batch included): the process with the engine's libraries, the
 * weights file and the packed weights, activations, input and logits, and one input on its way. For
 * RB_ENGINE_ANY no engine needs less that runs node by node; what it takes beyond is its own. */
double rb_memory_need_worker(const rb_graph *graph, rb_engine_kind kind);

/* Bytes that a worker needs on top of that for the set of images of the scenario offline: the set,
 * once more while it arrives, the first ones again behind it (bench/case_stream.h), and logits. */
double rb_memory_need_set(const rb_graph *graph, int64_t images);

/* Bytes of the harness beside the workers: `images` images of graph's size that are compared, and
 * those of a batch on their way to the workers. */
double rb_memory_need_harness(const rb_graph *graph, int64_t images);

/* What there is: of this machine, or the limit where that is less (0: no limit). -1: unknown. */
int64_t rb_memory_have(int64_t limit_bytes);

/* RB_ERR_MEMORY, with all figures, when harness, the workers beside it and the worker itself do not
 * fit into what there is. have: rb_memory_have, of the same limit. */
rb_status rb_memory_need_check(double harness, double beside, double worker, int64_t have,
                               int64_t limit_bytes, rb_error *err);

#endif
