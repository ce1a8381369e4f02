/* What bare.so tells of its last calls; looked up by name in the shared object. */
#ifndef TESTS_ENGINES_BARE_H
#define TESTS_ENGINES_BARE_H

#include "resbench/engine.h"

typedef struct rb_bare_call {
    const rb_engine *engine; /* the reference's table, to call it without anybody between */
    rb_session *session;
    const float *src[2]; /* of the last two calls */
    void *dst;
    size_t calls;
} rb_bare_call;

typedef const rb_bare_call *(*rb_bare_last_fn)(void); /* rb_bare_last */
typedef void (*rb_bare_spend_fn)(double share); /* rb_bare_spend: every call takes so much longer */

#endif
