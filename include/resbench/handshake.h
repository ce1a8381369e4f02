/* Whether an engine understands what the harness hands to open, and a kernel plug-in what prepare
 * is given. In a header, because neither links anything of ours. docs/plugins.md says what may
 * change within a version. */
#ifndef RESBENCH_HANDSHAKE_H
#define RESBENCH_HANDSHAKE_H

#include <stdbool.h>

#include "resbench/engine.h"
#include "resbench/kernel.h"

static inline rb_status rb_check_size(const char *what, uint32_t harness, size_t engine,
                                      rb_error *err) {
    if (harness == engine)
        return RB_OK;
    return rb_fail(err, RB_ERR_UNSUPPORTED,
                   "the harness has a %s of %u bytes, this engine one of %zu", what, harness,
                   engine);
}

/* What version 1 has no name for is 0, or asks for something newer. */
static inline rb_status rb_check_reserved(const char *what, bool used, rb_error *err) {
    if (!used)
        return RB_OK;
    return rb_fail(err, RB_ERR_UNSUPPORTED, "%s asks for what ABI version %u has no name for", what,
                   RB_ENGINE_ABI);
}

static inline rb_status rb_host_check(const rb_host *host, rb_error *err) {
    if (host->abi != RB_ENGINE_ABI)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "the harness has ABI %u, this engine ABI %u",
                       host->abi, RB_ENGINE_ABI);
    rb_status status = rb_check_size("rb_host", host->size, sizeof *host, err);
    if (status == RB_OK)
        status = rb_check_reserved(
            "rb_host", host->reserved || host->reserved_members[0] || host->reserved_members[1],
            err);
    if (status == RB_OK && host->threads < 1)
        status = rb_fail(err, RB_ERR_UNSUPPORTED, "%d threads are asked for, at least 1 is needed",
                         host->threads);
    return status;
}

/* For inference in float32: RB_ERR_UNSUPPORTED, with both numbers, when the version or the size of
 * a struct is another than this header's, or when the options ask for something else. */
static inline rb_status rb_handshake_check(const rb_host *host, const rb_graph *graph,
                                           const rb_weights *weights, const rb_options *options,
                                           rb_error *err) {
    rb_status status = rb_host_check(host, err);
    if (status == RB_OK)
        status = rb_check_size("rb_graph", graph->size, sizeof *graph, err);
    if (status == RB_OK)
        status = rb_check_size("rb_weights", weights->size, sizeof *weights, err);
    if (status == RB_OK)
        status = rb_check_size("rb_options", options->size, sizeof *options, err);
    if (status == RB_OK)
        status = rb_check_reserved("rb_graph", graph->reserved != 0, err);
    if (status == RB_OK)
        status = rb_check_reserved("rb_weights", weights->reserved != 0, err);
    for (int i = 0; status == RB_OK && i < 5; i++)
        status = rb_check_reserved("rb_options", options->reserved[i] != 0, err);
    if (status != RB_OK)
        return status;
    if (options->dtype != RB_F32)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "dtype %d is asked for, only %d (float32) is known",
                       (int)options->dtype, (int)RB_F32);
    if (options->mode != RB_MODE_INFERENCE)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "mode %d is asked for, only %d (inference) is known", (int)options->mode,
                       (int)RB_MODE_INFERENCE);
    return RB_OK;
}

/* The same for prepare of a kernel plug-in. */
static inline rb_status rb_kernel_handshake_check(const rb_host *host, const rb_conv2d *conv,
                                                  const rb_kernel_choice *choice, rb_error *err) {
    rb_status status = rb_host_check(host, err);
    if (status == RB_OK)
        status = rb_check_size("rb_conv2d", conv->size, sizeof *conv, err);
    if (status == RB_OK)
        status = rb_check_size("rb_kernel_choice", choice->size, sizeof *choice, err);
    if (status == RB_OK)
        status = rb_check_reserved("rb_conv2d", conv->reserved != 0, err);
    for (int i = 0; status == RB_OK && i < 4; i++)
        status = rb_check_reserved("rb_conv2d", conv->reserved_extents[i] != 0, err);
    if (status == RB_OK)
        status = rb_check_reserved("rb_kernel_choice",
                                   choice->reserved || choice->reserved_word ||
                                       choice->reserved_values[0] || choice->executed_macs,
                                   err);
    return status;
}

#endif
