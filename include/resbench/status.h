/* Outcome of every fallible call, and the sentence that goes with it. */
#ifndef RESBENCH_STATUS_H
#define RESBENCH_STATUS_H

#include <stdarg.h>
#include <stdio.h>

typedef enum rb_status {
    RB_OK = 0,
    RB_ERR_USAGE,          /* the caller asked for something that does not exist */
    RB_ERR_INPUT,          /* a file or value from outside is not what it must be */
    RB_ERR_OUTPUT,         /* a result could not be written */
    RB_ERR_MEMORY,         /* an allocation failed or a size overflows */
    RB_ERR_UNSUPPORTED,    /* valid, but this engine cannot do it */
    RB_ERR_ENGINE,         /* an engine or its library reported a failure */
    RB_ERR_CRASHED,        /* a worker process died */
    RB_ERR_TIMEOUT,        /* a worker process did not answer within its limit */
    RB_ERR_NOT_COMPARABLE, /* two results that may not stand side by side */
    RB_ERR_INTERRUPTED     /* the user stopped the run */
} rb_status;

/* Enums cross the ABI as the 4 bytes that compilers give them (not with -fshort-enums). Behind each
 * stands its row of this. */
#ifdef __cplusplus
#define RB_ASSERT_WIDTH(name) static_assert(sizeof(name) == 4, #name " is 4 bytes wide")
#else
#define RB_ASSERT_WIDTH(name) _Static_assert(sizeof(name) == 4, #name " is 4 bytes wide")
#endif
RB_ASSERT_WIDTH(rb_status);

#define RB_ERROR_CAPACITY 1024

/* Owned by the caller; holds one sentence without a line end, or "" . */
typedef struct rb_error {
    char message[RB_ERROR_CAPACITY];
} rb_error;

#if defined(__GNUC__)
#define RB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define RB_PRINTF(fmt, args)
#endif

/* Writes the sentence into err (which may be NULL) and returns status, so that
 * a failing function ends with `return rb_fail(err, RB_ERR_INPUT, "...")`. What it quotes may be
 * hostile: control characters, such as a terminal's escapes, become blanks.
 * In the header, because an engine links nothing of ours. */
static inline rb_status rb_fail(rb_error *err, rb_status status, const char *format, ...)
    RB_PRINTF(3, 4);

static inline rb_status rb_fail(rb_error *err, rb_status status, const char *format, ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        for (char *at = err->message; *at; at++)
            if ((unsigned char)*at < 0x20 || *at == 0x7F)
                *at = ' ';
    }
    return status;
}

#endif
