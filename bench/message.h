/* What harness and worker say to each other: one JSON object and one block of bytes. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <jansson.h>
#include <stddef.h>

#include "resbench/status.h"

typedef struct rb_message {
    json_t *json;
    void *blob; /* RB_ALIGNMENT-aligned, NULL when blob_bytes is 0 */
    size_t blob_bytes;
} rb_message;

void rb_message_release(rb_message *message); /* to an empty one */

/* Sends on a stream socket that does not block. deadline_ns is on rb_now_ns's clock; 0: none.
 * RB_ERR_TIMEOUT when it passes, RB_ERR_INTERRUPTED when the user stops the run, and
 * RB_ERR_CRASHED when the other side is gone. */
rb_status rb_message_send(int fd, const json_t *json, const void *blob, size_t blob_bytes,
                          int64_t deadline_ns, rb_error *err);

/* A text that is JSON already, and no block. Safe in a signal handler; may come to nothing. */
void rb_message_send_text(int fd, const char *json, size_t bytes);

/* As rb_message_send; RB_ERR_ENGINE when what arrives is not a message (an engine may write
 * anywhere). The caller releases *message. */
rb_status rb_message_receive(int fd, int64_t deadline_ns, rb_message *message, rb_error *err);

#endif
