/* Buffers with guards on both sides, so that an access past the ends is seen. */
#ifndef BENCH_GUARDED_H
#define BENCH_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

/* How a buffer is fenced. Bytes cost nothing and show writes, when somebody looks. A page that
 * cannot be touched stops a read as well, at once: directly behind the buffer (rounded up to
 * RB_ALIGNMENT bytes, which are guard bytes) or directly in front of it; at the other end there
 * are guard bytes up to the page that such a buffer has there, too. */
typedef enum rb_guard {
    RB_GUARD_BYTES,
    RB_GUARD_PAGE_BEHIND,
    RB_GUARD_PAGE_BEFORE,
    RB_GUARD_COUNT
} rb_guard;

/* RB_ALIGNMENT-aligned; contents undefined, and NaN next to pages. label is what a person calls it
 * when it is overrun, as in "its src"; copied. NULL when there is no memory. */
void *rb_guarded_alloc(size_t bytes, rb_guard guard, const char *label);

/* True while nobody has written in front of or behind the buffer. */
bool rb_guarded_intact(const void *memory);

size_t rb_guarded_bytes(const void *memory);

/* Nobody may touch the buffer until it is freed. False: nothing holds anybody to that, for it does
 * not lie between pages. */
bool rb_guarded_seal(void *memory);

void rb_guarded_free(void *memory); /* NULL is fine */

#endif
