/* The part of a job that one of several machines does. */
#ifndef BENCH_SHARD_H
#define BENCH_SHARD_H

#include <stddef.h>
#include <stdint.h>

#define RB_MAX_SHARDS 4096

/* Number index of count, from 1; {0, 0} is {1, 1}: all of it. */
typedef struct rb_shard {
    int32_t index, count;
} rb_shard;

/* Whose each of some tasks is, from their work: the largest first, each to the shard with the least
 * so far. The same tasks give the same answer on every machine. owner[i] is from 1. */
void rb_shard_assign(const double *work, size_t tasks, int32_t shards, int32_t *owner);

/* The tasks first .. first + *count - 1 of `tasks` in a row: parts as even as can be. */
void rb_shard_range(rb_shard shard, int64_t tasks, int64_t *first, int64_t *count);

#endif
