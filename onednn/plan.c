#include "plan.h"

#include <stdbool.h>
#include <stdlib.h>

#include "resbench/engine.h" /* RB_ALIGNMENT */

typedef int (*rb_order_fn)(const void *, const void *);

/* Large buffers first: they find the arena empty, and small ones fill what is left. */
static int larger_first(const void *a, const void *b) {
    const rb_buffer *x = *(rb_buffer *const *)a, *y = *(rb_buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static int earlier_first(const void *a, const void *b) {
    const rb_buffer *x = *(rb_buffer *const *)a, *y = *(rb_buffer *const *)b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->last < y->last) - (x->last > y->last);
}

static bool alive_together(const rb_buffer *a, const rb_buffer *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* Best fit: the smallest gap between the buffers alive at the same time, else behind them.
 * placed is sorted by offset. */
static size_t find_offset(rb_buffer *const *placed, int32_t count, const rb_buffer *buffer) {
    size_t end = 0, best = 0, best_gap = SIZE_MAX;
    for (int32_t i = 0; i < count; i++) {
        if (!alive_together(placed[i], buffer))
            continue;
        if (placed[i]->offset > end) {
            const size_t gap = placed[i]->offset - end;
            if (gap >= buffer->bytes && gap < best_gap)
                best = end, best_gap = gap;
        }
        if (placed[i]->offset + placed[i]->bytes > end)
            end = placed[i]->offset + placed[i]->bytes;
    }
    return best_gap == SIZE_MAX ? end : best;
}

/* Places order[0], order[1], ... in turn; the bytes needed. placed has room for count. */
static size_t place(rb_buffer **order, int32_t count, rb_buffer **placed) {
    size_t arena = 0;
    for (int32_t i = 0; i < count; i++) {
        order[i]->offset = find_offset(placed, i, order[i]);
        int32_t at = i;
        for (; at > 0 && placed[at - 1]->offset > order[i]->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = order[i];
        if (order[i]->offset + order[i]->bytes > arena)
            arena = order[i]->offset + order[i]->bytes;
    }
    return arena;
}

static size_t most_alive(const rb_buffer *buffers, int32_t count) {
    size_t most = 0;
    for (int32_t i = 0; i < count; i++) { /* the maximum is reached where some buffer begins */
        size_t alive = 0;
        for (int32_t j = 0; j < count; j++)
            if (buffers[j].first <= buffers[i].first && buffers[i].first <= buffers[j].last)
                alive += buffers[j].bytes;
        most = alive > most ? alive : most;
    }
    return most;
}

/* No offset or sum below can overflow once the sum of all sizes does not. */
static bool round_sizes(rb_buffer *buffers, int32_t count) {
    size_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(buffers[i].bytes, RB_ALIGNMENT - 1, &buffers[i].bytes))
            return false;
        buffers[i].bytes &= ~(size_t)(RB_ALIGNMENT - 1);
        if (__builtin_add_overflow(total, buffers[i].bytes, &total))
            return false;
    }
    return true;
}

/* Cost: count^2 for each order tried; a network has one buffer a node at most, or two. */
rb_status rb_plan_arena(rb_buffer *buffers, int32_t count, rb_plan *plan, rb_error *err) {
    static const rb_order_fn orders[] = {larger_first, earlier_first};
    *plan = (rb_plan){0, 0};
    if (count <= 0)
        return RB_OK;
    if (!round_sizes(buffers, count))
        return rb_fail(err, RB_ERR_MEMORY, "the activations are too large to count");
    rb_status status = RB_OK;
    rb_buffer **order = calloc((size_t)count, sizeof *order);
    rb_buffer **placed = calloc((size_t)count, sizeof *placed);
    if (!order || !placed) {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory to plan %d activation buffers", count);
        goto done;
    }
    for (int32_t i = 0; i < count; i++)
        order[i] = &buffers[i];
    const size_t tries = sizeof orders / sizeof orders[0];
    size_t best = 0, best_bytes = SIZE_MAX;
    for (size_t t = 0; t < tries; t++) {
        qsort(order, (size_t)count, sizeof *order, orders[t]);
        const size_t bytes = place(order, count, placed);
        if (bytes < best_bytes)
            best = t, best_bytes = bytes;
    }
    qsort(order, (size_t)count, sizeof *order, orders[best]);
    plan->arena_bytes = place(order, count, placed);
    plan->bound_bytes = most_alive(buffers, count);
done:
    free(order);
    free(placed);
    return status;
}
