/* libhdf5 has bugs of its own: a damaged file can crash or hang it. So a foreign file is first
 * read in a child, which may die for it. */
#ifndef BENCH_TRIAL_H
#define BENCH_TRIAL_H

#include "resbench/status.h"

#define RB_TRIAL_SECONDS 60

/* What the child may take beside what the process has already: this, and so many times the file (it
 * is mapped, and its tensors are copied when they are compressed). */
#define RB_TRIAL_BYTES ((size_t)512 << 20)
#define RB_TRIAL_FILES 4

/* Calls read(ctx, err) in a forked child of its own and returns its status and sentence; nothing
 * else comes back. A child that dies, or takes longer than RB_TRIAL_SECONDS, gives RB_ERR_INPUT
 * with a sentence that names path. Its address space is limited as above, and never to more than
 * the machine has memory. Only from a process without other threads. */
rb_status rb_trial(const char *path, rb_status (*read)(void *ctx, rb_error *err), void *ctx,
                   rb_error *err);

#endif
