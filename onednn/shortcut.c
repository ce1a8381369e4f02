#include "shortcut.h"

#include <string.h>

#include "describe.h"
#include "failure.h"
#include "threads.h"

/* Some 25 us of copying on one thread (10 GB/s, measured in ResNet-20 at batch 64): below that
 * waking threads is not worth it. */
#define BYTES_WORTH_SHARING (256 * 1024)

/* A value in memory: channel c of pixel (n, h, w) stands at
 * n image + (c / block) blocks + h row + w pixel + c % block. */
typedef struct rb_view {
    float *data;
    int64_t block, image, blocks, row, pixel;
    int64_t channels; /* those that are there for padding included */
} rb_view;

static bool query(const_dnnl_memory_desc_t md, dnnl_query_t what, void *answer) {
    return dnnl_memory_desc_query(md, what, answer) == dnnl_success;
}

/* False where the layout cannot be walked like this. */
static bool view_of(const_dnnl_memory_desc_t md, rb_view *view) {
    dnnl_format_kind_t kind;
    int ndims = 0, inner = 0;
    dnnl_dims_t *padded, *strides, *blocks, *block_dims;
    if (!query(md, dnnl_query_format_kind, &kind) || kind != dnnl_blocked ||
        !query(md, dnnl_query_ndims_s32, &ndims) || ndims != 4 ||
        !query(md, dnnl_query_inner_nblks_s32, &inner) || inner > 1 ||
        !query(md, dnnl_query_inner_blks, &blocks) ||
        !query(md, dnnl_query_inner_idxs, &block_dims) ||
        !query(md, dnnl_query_padded_dims, &padded) || !query(md, dnnl_query_strides, &strides))
        return false;
    if (inner == 1 && (*block_dims)[0] != 1)
        return false;
    *view = (rb_view){.block = inner == 1 ? (*blocks)[0] : 1,
                      .image = (*strides)[0],
                      .blocks = (*strides)[1],
                      .row = (*strides)[2],
                      .pixel = (*strides)[3],
                      .channels = (*padded)[1]};
    if (inner == 0 && view->blocks == 1) /* channels last: all of them are one block */
        view->block = view->channels;
    return true;
}

bool rb_shortcut_knows(const_dnnl_memory_desc_t md) {
    rb_view view;
    return view_of(md, &view);
}

/* The name of an arrangement; dense where it has none that is worth it. */
static dnnl_format_tag_t tag_of(const rb_view *view) {
    if (view->block > 1 && view->blocks == 1) /* see view_of */
        return dnnl_acdb;
    switch (view->block) {
    case 4:
        return dnnl_aBcd4b;
    case 8:
        return dnnl_aBcd8b;
    case 16:
        return dnnl_aBcd16b;
    default:
        return dnnl_abcd;
    }
}

rb_status rb_shortcut_layout(const rb_layer *layer, const_dnnl_memory_desc_t src,
                             dnnl_memory_desc_t *md, rb_error *err) {
    rb_view view;
    const dnnl_format_tag_t tag = view_of(src, &view) ? tag_of(&view) : dnnl_abcd;
    return rb_describe_layout(layer->node.name, 4, layer->dims, tag, md, err);
}

typedef struct rb_copy {
    const rb_node *node;
    int64_t batch;
    rb_view src, dst;
} rb_copy;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Channels from c on that are neighbours in dst and, where they come from src (*from >= 0), in
 * src as well. */
static int64_t run_length(const rb_copy *copy, int64_t c, int64_t *from) {
    const rb_node *n = copy->node;
    const int64_t first = (n->oc - n->ic) / 2, end = first + n->ic;
    const int64_t room = copy->dst.block - c % copy->dst.block;
    *from = c >= first && c < end ? c - first : -1;
    if (c < first)
        return least(room, first - c);
    if (c >= end)
        return least(room, copy->dst.channels - c);
    return least(least(room, end - c), copy->src.block - *from % copy->src.block);
}

/* `count` pixels of `length` channels. The usual lengths are constants for the compiler. */
static void copy_pixels(float *dst, int64_t dst_step, const float *src, int64_t src_step,
                        int64_t count, int64_t length) {
    switch (length) {
    case 1:
        for (int64_t i = 0; i < count; i++)
            dst[i * dst_step] = src[i * src_step];
        return;
    case 8:
        for (int64_t i = 0; i < count; i++)
            memcpy(dst + i * dst_step, src + i * src_step, 8 * sizeof *dst);
        return;
    case 16:
        for (int64_t i = 0; i < count; i++)
            memcpy(dst + i * dst_step, src + i * src_step, 16 * sizeof *dst);
        return;
    default:
        for (int64_t i = 0; i < count; i++)
            memcpy(dst + i * dst_step, src + i * src_step, (size_t)length * sizeof *dst);
    }
}

static void clear_pixels(float *dst, int64_t step, int64_t count, int64_t length) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t c = 0; c < length; c++)
            dst[i * step + c] = 0;
}

static const float *at(const rb_view *view, int64_t image, int64_t c, int64_t h) {
    return view->data + image * view->image + c / view->block * view->blocks + c % view->block +
           h * view->row;
}

/* Rows of dst, shared out in contiguous pieces. */
static void copy_part(const void *work, int part, int count) {
    const rb_copy *copy = work;
    const rb_node *n = copy->node;
    const int64_t rows = copy->batch * n->oh;
    for (int64_t r = rows * part / count; r < rows * (part + 1) / count; r++) {
        const int64_t image = r / n->oh, oh = r % n->oh;
        int64_t from, length;
        for (int64_t c = 0; c < copy->dst.channels; c += length) {
            length = run_length(copy, c, &from);
            float *to = (float *)(uintptr_t)at(&copy->dst, image, c, oh);
            if (from < 0)
                clear_pixels(to, copy->dst.pixel, n->ow, length);
            else
                copy_pixels(to, copy->dst.pixel, at(&copy->src, image, from, oh * n->stride_h),
                            copy->src.pixel * n->stride_w, n->ow, length);
        }
    }
}

static dnnl_status_t look_at(dnnl_memory_t memory, rb_view *view) {
    const_dnnl_memory_desc_t md = NULL;
    void *data = NULL;
    dnnl_status_t status = dnnl_memory_get_memory_desc(memory, &md);
    if (status == dnnl_success)
        status = dnnl_memory_get_data_handle(memory, &data);
    if (status == dnnl_success && !view_of(md, view))
        status = dnnl_unimplemented;
    view->data = data;
    return status;
}

rb_status rb_shortcut_run(const rb_session *s, const rb_layer *layer, dnnl_memory_t src,
                          dnnl_memory_t dst, rb_error *err) {
    rb_copy copy = {.node = &layer->node, .batch = layer->dims[0]};
    dnnl_status_t status = dnnl_stream_wait(s->stream);
    if (status == dnnl_success)
        status = look_at(src, &copy.src);
    if (status == dnnl_success)
        status = look_at(dst, &copy.dst);
    if (status != dnnl_success)
        return rb_dnnl_status(status, "dnnl_memory_get_data_handle or dnnl_stream_wait",
                              layer->node.name, err);
    const size_t bytes = dnnl_memory_desc_get_size(layer->dst_md);
    rb_threads_share(bytes < BYTES_WORTH_SHARING ? 1 : s->host->threads, copy_part, &copy);
    return RB_OK;
}
