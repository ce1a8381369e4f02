/* Cold caches: everything that was in them is put out by something else. */
#ifndef BENCH_EVICT_H
#define BENCH_EVICT_H

#include "resbench/status.h"

typedef struct rb_evictor rb_evictor;

/* Takes memory of several times the caches that the processors of this process can reach, and a
 * thread for each of those processors: their private caches are emptied too. The threads sleep
 * between calls. */
rb_status rb_evictor_create(rb_evictor **made, rb_error *err);
void rb_evictor_destroy(rb_evictor *evictor); /* NULL is fine */

/* After it, no byte of the caller's is in any cache of these processors. Not timed by anybody. */
void rb_evictor_run(rb_evictor *evictor);

#endif
