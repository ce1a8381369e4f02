/* A oneDNN status as one sentence of ours. */
#ifndef ONEDNN_FAILURE_H
#define ONEDNN_FAILURE_H

#include "oneapi/dnnl/dnnl.h"
#include "resbench/status.h"

/* RB_OK for dnnl_success; otherwise a sentence that names the call of oneDNN and the node. */
rb_status rb_dnnl_status(dnnl_status_t status, const char *call, const char *node, rb_error *err);

#endif
