/* Whether an engine understands what the harness hands to open. In a header, because an engine
 * links nothing of ours. docs/plugins.md says what may change within a version. */
#ifndef RESBENCH_HANDSHAKE_H
#define RESBENCH_HANDSHAKE_H

#include "resbench/engine.h"

static inline rb_status rb_check_size(const char *what, uint32_t harness, size_t engine,
                                      rb_error *err) {
    if (harness == engine)
        return RB_OK;
    return rb_fail(err, RB_ERR_UNSUPPORTED,
                   "the harness has a %s of %u bytes, this engine one of %zu", what, harness,
                   engine);
}

/* For inference in float32: RB_ERR_UNSUPPORTED, with both numbers, when the version or the size of
 * a struct is another than this header's, or when the options ask for something else. */
static inline rb_status rb_handshake_check(const rb_host *host, const rb_graph *graph,
                                           const rb_weights *weights, const rb_options *options,
                                           rb_error *err) {
    if (host->abi != RB_ENGINE_ABI)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "the harness has ABI %u, this engine ABI %u",
                       host->abi, RB_ENGINE_ABI);
    rb_status status = rb_check_size("rb_host", host->size, sizeof *host, err);
    if (status == RB_OK)
        status = rb_check_size("rb_graph", graph->size, sizeof *graph, err);
    if (status == RB_OK)
        status = rb_check_size("rb_weights", weights->size, sizeof *weights, err);
    if (status == RB_OK)
        status = rb_check_size("rb_options", options->size, sizeof *options, err);
    if (status != RB_OK)
        return status;
    if (options->dtype != RB_F32)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "dtype %d is asked for, only %d (float32) is known",
                       (int)options->dtype, (int)RB_F32);
    if (options->mode != RB_MODE_INFERENCE)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "mode %d is asked for, only %d (inference) is known", (int)options->mode,
                       (int)RB_MODE_INFERENCE);
    if (host->threads < 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%d threads are asked for, at least 1 is needed",
                       host->threads);
    return RB_OK;
}

#endif
