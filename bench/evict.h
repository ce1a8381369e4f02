/* Cold caches: everything that was in them is put out by something else. */
#ifndef BENCH_EVICT_H
#define BENCH_EVICT_H

#include "resbench/status.h"

/* More than a call of rb_evictor_run takes: for time limits. */
#define RB_EVICTOR_SECONDS 2.0

typedef struct rb_evictor rb_evictor;

/* Takes memory of twice the caches of all processors that a thread of this process may run on (the
 * threads of now, so the engine's should be there), 64 MiB for a processor whose caches are
 * unknown, and a thread for each of those processors: their private caches are emptied too. The
 * threads sleep between calls. RB_ERR_MEMORY where that cannot be had, RB_ERR_UNSUPPORTED where the
 * system does not tell the processors. */
rb_status rb_evictor_create(rb_evictor **made, rb_error *err);
void rb_evictor_destroy(rb_evictor *evictor); /* NULL is fine */

/* After it, no byte of the caller's is in any cache of these processors; where the caches of
 * instructions do not hang on those of data, some of its code may be. Not timed by anybody. */
void rb_evictor_run(rb_evictor *evictor);

#endif
