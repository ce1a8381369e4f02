/* Buffers between pages that cannot be touched, and the register that says whose page it was. */
#ifndef BENCH_GUARD_PAGES_H
#define BENCH_GUARD_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RB_GUARD_LABEL_CAPACITY 96

typedef struct rb_guard_pages rb_guard_pages;

/* RB_ALIGNMENT-aligned, every byte 0xFF, so that what is read before it is written is NaN. behind:
 * it ends, rounded up to RB_ALIGNMENT, where untouchable pages begin; otherwise it begins where
 * they end. There are some at the other end, too. label is copied. NULL: no memory. */
void *rb_guard_pages_alloc(size_t bytes, bool behind, const char *label);

/* NULL when no buffer made here begins at memory. */
const rb_guard_pages *rb_guard_pages_of(const void *memory);

size_t rb_guard_pages_bytes(const rb_guard_pages *pages);
bool rb_guard_pages_intact(const rb_guard_pages *pages); /* guard bytes, between buffer and pages */

/* Gives the contents back to the system: whoever touches them before rb_guard_pages_free is
 * stopped. */
void rb_guard_pages_seal(const rb_guard_pages *pages);
void rb_guard_pages_free(const rb_guard_pages *pages);

/* What an address that cannot be touched lies next to. */
typedef struct rb_guard_place {
    char label[RB_GUARD_LABEL_CAPACITY];
    int64_t offset; /* from the first byte of the buffer */
    size_t bytes;   /* of the buffer */
} rb_guard_place;

/* False: next to no buffer. Takes no lock and no memory, for signal handlers. */
bool rb_guard_pages_find(const void *address, rb_guard_place *place);

#endif
