/* Buffers with guards on both sides, so that an access past the ends is seen. */
#ifndef BENCH_GUARDED_H
#define BENCH_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

/* How a buffer is fenced. Bytes cost nothing and show writes, when somebody looks. A page that
 * cannot be touched stops a read as well, at once: directly behind the buffer (rounded up to
 * RB_ALIGNMENT bytes, which are guard bytes) or directly in front of it, and guard bytes at the
 * other end. */
typedef enum rb_guard { RB_GUARD_BYTES, RB_GUARD_PAGE_BEHIND, RB_GUARD_PAGE_BEFORE } rb_guard;

/* RB_ALIGNMENT-aligned; contents undefined. NULL when there is no memory. */
void *rb_guarded_alloc(size_t bytes, rb_guard guard);

/* True while nobody has written in front of or behind the buffer. */
bool rb_guarded_intact(const void *memory);

size_t rb_guarded_bytes(const void *memory);
void rb_guarded_free(void *memory); /* NULL is fine */

#endif
