#include "failure.h"

static const char *name_of(dnnl_status_t status) {
    switch (status) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "unimplemented";
    case dnnl_runtime_error:
        return "runtime error";
    default:
        return "failure";
    }
}

rb_status rb_dnnl_status(dnnl_status_t status, const char *call, const char *node, rb_error *err) {
    if (status == dnnl_success)
        return RB_OK;
    const rb_status ours = status == dnnl_out_of_memory   ? RB_ERR_MEMORY
                           : status == dnnl_unimplemented ? RB_ERR_UNSUPPORTED
                                                          : RB_ERR_ENGINE;
    return rb_fail(err, ours, "oneDNN: %s for %s returned %s (status %d)", call, node,
                   name_of(status), (int)status);
}
