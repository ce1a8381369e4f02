/* Weights moved by as much as float32 arithmetic moves them: how much of a result hangs on it. */
#ifndef BENCH_JITTER_H
#define BENCH_JITTER_H

#include "resbench/graph.h"
#include "resbench/status.h"

#define RB_JITTERS 2 /* ways 1 .. 2 are looked at: one draw alone may happen to be small */

/* A sum of K products computed in float32 is the exact sum with each weight moved relatively by
 * at most about sqrt(K) u, u = 2^-24 (Higham and Mary 2019, doi 10.1137/18M1226312; K u at
 * worst). *moved is a table like tensors in which every weight of convolutions and FC is w (1
 * + sqrt(K) u v), v in [-1, 1) drawn anew for each `way`; other tensors are the given ones. The
 * caller releases it with rb_jitter_destroy. */
rb_status rb_jitter_create(const rb_graph *graph, const float *const *tensors, int32_t way,
                           float ***moved, rb_error *err);
void rb_jitter_destroy(const rb_graph *graph, float **moved); /* NULL is fine */

#endif
