#include "bench/guarded.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/guard_pages.h"
#include "resbench/engine.h"

#define GUARD_BYTES 64
#define GUARD_VALUE 0x7F /* 3.4e38 as a float: who reads it does not go unseen */

/* [ head, padded to RB_ALIGNMENT | guard | buffer | guard ] */
typedef struct guarded_head {
    size_t bytes;
} guarded_head;

_Static_assert(sizeof(guarded_head) <= RB_ALIGNMENT, "the head fits in front of the guard");
#define FRONT_BYTES (RB_ALIGNMENT + GUARD_BYTES)

static const guarded_head *head_of(const void *memory) {
    return (const void *)((const unsigned char *)memory - FRONT_BYTES);
}

void *rb_guarded_alloc(size_t bytes, rb_guard guard, const char *label) {
    if (guard != RB_GUARD_BYTES)
        return rb_guard_pages_alloc(bytes, guard == RB_GUARD_PAGE_BEHIND, label);
    if (bytes > SIZE_MAX / 2)
        return NULL;
    const size_t total = FRONT_BYTES + bytes + GUARD_BYTES;
    unsigned char *base =
        aligned_alloc(RB_ALIGNMENT, (total + RB_ALIGNMENT - 1) / RB_ALIGNMENT * RB_ALIGNMENT);
    if (!base)
        return NULL;
    ((guarded_head *)(void *)base)->bytes = bytes;
    unsigned char *memory = base + FRONT_BYTES;
    memset(memory - GUARD_BYTES, GUARD_VALUE, GUARD_BYTES);
    memset(memory + bytes, GUARD_VALUE, GUARD_BYTES);
    return memory;
}

bool rb_guarded_intact(const void *memory) {
    const rb_guard_pages *pages = rb_guard_pages_of(memory);
    if (pages)
        return rb_guard_pages_intact(pages);
    const unsigned char *at = memory;
    const size_t bytes = rb_guarded_bytes(memory);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (at[i - GUARD_BYTES] != GUARD_VALUE || at[bytes + i] != GUARD_VALUE)
            return false;
    return true;
}

size_t rb_guarded_bytes(const void *memory) {
    const rb_guard_pages *pages = rb_guard_pages_of(memory);
    return pages ? rb_guard_pages_bytes(pages) : head_of(memory)->bytes;
}

bool rb_guarded_seal(void *memory) {
    const rb_guard_pages *pages = rb_guard_pages_of(memory);
    if (pages)
        rb_guard_pages_seal(pages);
    return pages != NULL;
}

void rb_guarded_free(void *memory) {
    if (!memory)
        return;
    const rb_guard_pages *pages = rb_guard_pages_of(memory);
    if (pages)
        rb_guard_pages_free(pages);
    else
        free((unsigned char *)memory - FRONT_BYTES);
}
