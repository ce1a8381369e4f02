#include "naive_kernel.h"

#include <string.h>

#include "resbench/handshake.h"

int naive_prepared;

struct rb_prepared {
    const rb_host *host;
    const naive_kernel *kernel;
    rb_conv2d conv;
    const float *wei, *bia;
};

static int64_t lanes_of(rb_layout layout, int64_t channels) {
    return layout == RB_LAYOUT_NHWC      ? channels
           : layout == RB_LAYOUT_NCHW8C  ? 8
           : layout == RB_LAYOUT_NCHW16C ? 16
                                         : 1;
}

static int64_t padded(rb_layout layout, int64_t channels) {
    const int64_t lanes = lanes_of(layout, channels);
    return (channels + lanes - 1) / lanes * lanes;
}

/* As kernel.h defines the layouts; channels, height, width of the tensor. */
static int64_t at(rb_layout layout, int64_t channels, int64_t height, int64_t width, int64_t n,
                  int64_t c, int64_t y, int64_t x) {
    switch (layout) {
    case RB_LAYOUT_NCHW:
        return ((n * channels + c) * height + y) * width + x;
    case RB_LAYOUT_NHWC:
        return ((n * height + y) * width + x) * channels + c;
    case RB_LAYOUT_NCHW8C:
        return (((n * ((channels + 7) / 8) + c / 8) * height + y) * width + x) * 8 + c % 8;
    default:
        return (((n * ((channels + 15) / 16) + c / 16) * height + y) * width + x) * 16 + c % 16;
    }
}

/* Folded weights are kept in place, or copied where the plug-in says that it does not keep them. */
static rb_status keep_weights(rb_prepared *p, const float *wei, const float *bia, rb_error *err) {
    const rb_conv2d *c = &p->conv;
    const size_t weights = (size_t)(c->oc * c->ic * c->kh * c->kw), channels = (size_t)c->oc;
    p->wei = wei;
    p->bia = bia;
    if (p->kernel->table.flags & RB_KERNEL_KEEPS_WEIGHTS)
        return RB_OK;
    float *copy =
        p->host->alloc(p->host->ctx, RB_MEMORY_WEIGHTS, (weights + channels) * sizeof *copy);
    p->wei = copy;
    p->bia = copy ? copy + weights : NULL;
    if (!copy)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for weights");
    memcpy(copy, wei, weights * sizeof *copy);
    memcpy(copy + weights, bia, channels * sizeof *copy);
    return RB_OK;
}

static void release(rb_prepared *p) {
    if (!p)
        return;
    const rb_host *host = p->host;
    if (!(p->kernel->table.flags & RB_KERNEL_KEEPS_WEIGHTS))
        host->release(host->ctx, (void *)(uintptr_t)p->wei);
    host->release(host->ctx, p);
    naive_prepared--;
}

static void choose(const naive_kernel *kernel, const rb_conv2d *conv, rb_kernel_choice *choice) {
    choice->src = kernel->src;
    choice->dst = kernel->fault == NAIVE_UNKNOWN_LAYOUT ? (rb_layout)47 : kernel->dst;
    choice->algorithm =
        kernel->fault == NAIVE_UNKNOWN_ALGORITHM ? (rb_algorithm)47 : kernel->algorithm;
    choice->kernel = "naive:c";
    choice->scratch_bytes = kernel->fault == NAIVE_SCRATCH_NEGATIVE ? -47 : conv->oc * 4;
    choice->size += kernel->fault == NAIVE_CHOICE_SIZE ? 8 : 0;
    choice->reserved_values[0] = kernel->fault == NAIVE_CHOICE_RESERVED;
}

static rb_status prepare(const rb_kernel *self, const rb_host *host, const rb_conv2d *conv,
                         const float *wei, const float *bia, rb_kernel_choice *choice,
                         rb_prepared **prepared, rb_error *err) {
    const naive_kernel *kernel = (const naive_kernel *)self;
    *prepared = NULL;
    rb_status status = rb_kernel_handshake_check(host, conv, choice, err);
    if (status != RB_OK)
        return status;
    if (kernel->fault == NAIVE_REFUSES_3X3 && conv->kh == 3) {
        choice->scratch_bytes = (int64_t)1 << 60; /* of a choice that does not count */
        return rb_fail(err, RB_ERR_UNSUPPORTED, "no 3x3 today");
    }
    if (kernel->fault == NAIVE_PREPARE_FAILS)
        return rb_fail(err, RB_ERR_ENGINE, "it would rather not prepare");
    if (kernel->fault == NAIVE_NOTHING_PREPARED)
        return RB_OK;
    rb_prepared *p = host->alloc(host->ctx, RB_MEMORY_SCRATCH, sizeof *p);
    if (!p)
        return rb_fail(err, RB_ERR_MEMORY, "no memory");
    *p = (rb_prepared){.host = host, .kernel = kernel, .conv = *conv};
    naive_prepared++;
    status = keep_weights(p, wei, bia, err);
    if (status != RB_OK) {
        release(p);
        return status;
    }
    choose(kernel, conv, choice);
    *prepared = p;
    return RB_OK;
}

static float sum_at(const rb_prepared *p, const float *src, int64_t n, int64_t o, int64_t y,
                    int64_t x) {
    const rb_conv2d *c = &p->conv;
    const int64_t pixel = lanes_of(p->kernel->src, c->ic); /* apart */
    float sum = 0;
    for (int64_t i = 0; i < c->ic; i++) {
        const float *plane = src + at(p->kernel->src, c->ic, c->ih, c->iw, n, i, 0, 0);
        const float *wei = p->wei + (o * c->ic + i) * c->kh * c->kw;
        for (int64_t r = 0; r < c->kh; r++)
            for (int64_t s = 0; s < c->kw; s++) {
                const int64_t iy = y * c->stride_h + r - c->pad_top;
                const int64_t ix = x * c->stride_w + s - c->pad_left;
                if (iy >= 0 && iy < c->ih && ix >= 0 && ix < c->iw)
                    sum += wei[r * c->kw + s] * plane[(iy * c->iw + ix) * pixel];
            }
    }
    return sum;
}

/* Reads the padded channels of src, which must be 0, and sums them in. */
static float padding_of(const rb_prepared *p, const float *src, int64_t n) {
    const rb_conv2d *c = &p->conv;
    float sum = 0;
    for (int64_t i = c->ic; i < padded(p->kernel->src, c->ic); i++)
        for (int64_t y = 0; y < c->ih; y++)
            for (int64_t x = 0; x < c->iw; x++)
                sum += src[at(p->kernel->src, c->ic, c->ih, c->iw, n, i, y, x)];
    return sum;
}

static void finish(const rb_prepared *p, float *dst, const float *add, float sum, int64_t n,
                   int64_t o, int64_t y, int64_t x) {
    const rb_conv2d *c = &p->conv;
    const int64_t index = at(p->kernel->dst, c->oc, c->oh, c->ow, n, o, y, x);
    const float value = o < c->oc ? sum + p->bia[o] + (add ? add[index] : 0)
                        : p->kernel->fault == NAIVE_DIRTY_PADDING ? 1
                        : add                                     ? add[index]
                                                                  : 0;
    dst[index] = c->relu && value < 0 ? 0 : value;
}

static rb_status run(rb_prepared *p, const float *src, const float *add, float *dst, void *scratch,
                     rb_error *err) {
    const rb_conv2d *c = &p->conv;
    if (p->kernel->fault == NAIVE_RUN_FAILS)
        return rb_fail(err, RB_ERR_ENGINE, "it would rather not run");
    if ((add != NULL) != (c->add != 0) || !scratch)
        return rb_fail(err, RB_ERR_ENGINE, "add or scratch is not what was agreed");
    if ((uintptr_t)src % RB_ALIGNMENT || (uintptr_t)dst % RB_ALIGNMENT ||
        (uintptr_t)add % RB_ALIGNMENT || (uintptr_t)scratch % RB_ALIGNMENT)
        return rb_fail(err, RB_ERR_ENGINE, "an operand is not aligned");
    memset(scratch, 0xFF, (size_t)c->oc * 4); /* all that was asked for */
    for (int64_t n = 0; n < c->batch; n++) {
        const float dirt = padding_of(p, src, n);
        for (int64_t o = 0; o < padded(p->kernel->dst, c->oc); o++)
            for (int64_t y = 0; y < c->oh; y++)
                for (int64_t x = 0; x < c->ow; x++)
                    finish(p, dst, add, o < c->oc ? sum_at(p, src, n, o, y, x) + dirt : 0, n, o, y,
                           x);
    }
    return RB_OK;
}

naive_kernel naive_kernel_make(rb_layout src, rb_layout dst, uint32_t flags) {
    return (naive_kernel){.table = {.abi = RB_ENGINE_ABI,
                                    .size = sizeof(rb_kernel),
                                    .name = "naive",
                                    .version = "1",
                                    .description = "by the definition",
                                    .flags = flags,
                                    .prepare = prepare,
                                    .run = run,
                                    .release = release},
                          .src = src,
                          .dst = dst};
}
