/* A session of an adapted plug-in. */
#ifndef ADAPTER_SESSION_H
#define ADAPTER_SESSION_H

#include "account.h"
#include "convolution.h"
#include "plan.h"

typedef struct rb_adapter {
    rb_engine table; /* first: what the harness holds */
    char description[256];
    const rb_kernel *kernel;
    const rb_engine *reference;
    struct rb_adapter *next;
} rb_adapter;

/* How a node is done: one of convolution.prepared and reference is not NULL. */
typedef struct rb_adapted {
    char label[RB_LABEL_CAPACITY];
    char kernel[96];
    int64_t dims[4]; /* of its value: (n, c, h, w) */
    rb_convolution convolution;
    rb_session *reference; /* of a graph of this node alone */
} rb_adapted;

/* All memory but the account comes from the host. */
struct rb_session {
    const rb_adapter *adapter;
    rb_account *account;
    const rb_host *host; /* the account's */
    int32_t node_count;
    rb_adapted *nodes;
    rb_plan plan;
    float **buffers; /* [slot] */
    void *scratch;   /* of the plug-in's runs */
    int64_t runs, spent_ns[RB_STEP_KINDS];
};

rb_status rb_adapter_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                          const rb_weights *weights, const rb_options *options,
                          rb_session **session, rb_error *err);
rb_status rb_adapter_run(rb_session *session, const float *src, const float *addend, void *dst,
                         rb_error *err);
rb_status rb_adapter_profile(rb_session *session, const float *src, const float *addend, void *dst,
                             int64_t *node_ns, rb_error *err);
rb_status rb_adapter_tap(rb_session *session, const float *src, const float *addend, void *dst,
                         uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err);
void rb_adapter_close(rb_session *session);

#endif
