/* Kernel plug-ins that misbehave, one fault each: the loader, the adapter or the harness must name
 * every one of them. Each shared object is this file with another RB_FAULT; apart from its fault a
 * plug-in is the naive one. */
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "adapter/naive_kernel.h"

static naive_kernel table;
static rb_status (*naive_run)(rb_prepared *prepared, const float *src, const float *add, float *dst,
                              void *scratch, rb_error *err);
static const rb_host *host_of_all;
static int64_t dst_elements[64]; /* of the convolutions, in the order in which they run */
static size_t prepared_count, run_count;

static bool is(const char *fault) {
    return strcmp(RB_FAULT, fault) == 0;
}

static rb_status (*naive_prepare)(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                                  const float *wei, const float *bia, rb_kernel_choice *choice,
                                  rb_prepared **prepared, rb_error *err);

static rb_status prepare(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err) {
    host_of_all = host;
    dst_elements[prepared_count++ % 64] = conv->batch * conv->oc * conv->oh * conv->ow;
    return naive_prepare(self, host, conv, wei, bia, choice, prepared, err);
}

static rb_status run(rb_prepared *prepared, const float *src, const float *add, float *dst,
                     void *scratch, rb_error *err) {
    const rb_status status = naive_run(prepared, src, add, dst, scratch, err);
    if (is("crash")) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit code of it */
        raise(SIGSEGV);
    }
    if (is("alloc_in_run"))
        host_of_all->release(host_of_all->ctx,
                             host_of_all->alloc(host_of_all->ctx, RB_MEMORY_SCRATCH, 64));
    if (is("overrun"))
        dst[dst_elements[run_count++ % prepared_count]] = 0;
    return status;
}

const rb_kernel *rb_kernel_get(void) {
    if (is("no_table"))
        return NULL;
    table = naive_kernel_make(RB_LAYOUT_NCHW, RB_LAYOUT_NCHW,
                              is("partial") ? RB_KERNEL_PARTIAL
                              : is("flags") ? 64
                                            : 0);
    naive_run = table.table.run;
    naive_prepare = table.table.prepare;
    table.table.name = "kernel_" RB_FAULT;
    table.table.run = run;
    table.table.prepare = is("no_prepare") ? NULL : prepare;
    table.table.abi += is("abi");
    table.table.size += is("size") ? 8 : 0;
    table.table.reserved_members[3] = is("reserved") ? &table : NULL;
    table.fault = is("unsupported") || is("partial") ? NAIVE_REFUSES_3X3 : NAIVE_FINE;
    return &table.table;
}

#ifdef RB_BOTH
static rb_status open_nothing(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                              const rb_weights *weights, const rb_options *options,
                              rb_session **session, rb_error *err) {
    (void)self, (void)host, (void)graph, (void)weights, (void)options;
    *session = NULL;
    return rb_fail(err, RB_ERR_UNSUPPORTED, "this is the engine, not the kernel");
}

static rb_status run_nothing(rb_session *session, const float *src, const float *addend, void *dst,
                             rb_error *err) {
    (void)session, (void)src, (void)addend, (void)dst, (void)err;
    return RB_OK;
}

static void close_nothing(rb_session *session) {
    (void)session;
}

const rb_engine *rb_engine_get(void) {
    static const rb_engine engine = {.abi = RB_ENGINE_ABI,
                                     .size = sizeof engine,
                                     .name = "both",
                                     .version = "1",
                                     .description = "an engine that has a kernel, too",
                                     .output_dtype = RB_F32,
                                     .open = open_nothing,
                                     .run = run_nothing,
                                     .close = close_nothing};
    return &engine;
}
#endif
