/* A session: a graph, its weights and its buffers. */
#ifndef REFERENCE_SESSION_H
#define REFERENCE_SESSION_H

#include "resbench/engine.h"

/* The functions of rb_engine, as described there. */
rb_status rb_ref_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                      const rb_weights *weights, const rb_options *options, rb_session **session,
                      rb_error *err);
rb_status rb_ref_run(rb_session *session, const float *src, const float *addend, void *dst,
                     rb_error *err);
rb_status rb_ref_tap(rb_session *session, const float *src, const float *addend, void *dst,
                     uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err);
rb_status rb_ref_profile(rb_session *session, const float *src, const float *addend, void *dst,
                         int64_t *node_ns, rb_error *err);
rb_status rb_ref_memory(const rb_session *session, rb_memory *memory, rb_error *err);
const char *rb_ref_kernel(const rb_session *session, int32_t node);
int64_t rb_ref_executed_macs(const rb_session *session, int32_t node);
void rb_ref_close(rb_session *session);

#define RB_REF_DTYPE (sizeof(RB_REAL) == sizeof(float) ? RB_F32 : RB_F64)

#endif
