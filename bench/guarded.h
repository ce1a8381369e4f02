/* Buffers with guard bytes on both sides, so that a write past the end is seen. */
#ifndef BENCH_GUARDED_H
#define BENCH_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

/* RB_ALIGNMENT-aligned; contents undefined. NULL when there is no memory. */
void *rb_guarded_alloc(size_t bytes);

/* True while nobody has written in front of or behind the buffer. */
bool rb_guarded_intact(const void *memory);

size_t rb_guarded_bytes(const void *memory);
void rb_guarded_free(void *memory); /* NULL is fine */

#endif
