#include "bench/message.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/interrupt.h"
#include "resbench/engine.h"

#define MAGIC 0x47534D4252u /* "RBMSG" */
#define MAX_JSON_BYTES ((uint64_t)64 << 20)
#define MAX_BLOB_BYTES ((uint64_t)64 << 30)

typedef struct message_head {
    uint64_t magic, json_bytes, blob_bytes;
} message_head;

void rb_message_release(rb_message *message) {
    json_decref(message->json);
    free(message->blob);
    *message = (rb_message){0};
}

/* Waits until fd is ready for events. */
static rb_status wait_for(int fd, short events, int64_t deadline_ns, rb_error *err) {
    for (;;) {
        if (rb_interrupted())
            return rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
        struct timespec timeout = {0};
        if (deadline_ns > 0) {
            const int64_t left = deadline_ns - rb_now_ns();
            if (left <= 0)
                return rb_fail(err, RB_ERR_TIMEOUT, "no answer within the time limit");
            timeout = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        }
        struct pollfd entry = {.fd = fd, .events = events};
        const int ready = rb_interruptible_poll(&entry, deadline_ns > 0 ? &timeout : NULL);
        if (ready > 0)
            return RB_OK;
        if (ready < 0 && errno != EINTR)
            return rb_fail(err, RB_ERR_CRASHED, "poll failed: %s", strerror(errno));
    }
}

static rb_status write_all(int fd, const void *data, size_t bytes, int64_t deadline_ns,
                           rb_error *err) {
    const char *at = data;
    while (bytes > 0) {
        const ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            bytes -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EINTR) {
            const rb_status status = wait_for(fd, POLLOUT, deadline_ns, err);
            if (status != RB_OK)
                return status;
        } else {
            return rb_fail(err, RB_ERR_CRASHED, "the other side is gone: %s", strerror(errno));
        }
    }
    return RB_OK;
}

static rb_status read_all(int fd, void *data, size_t bytes, int64_t deadline_ns, rb_error *err) {
    char *at = data;
    while (bytes > 0) {
        const rb_status status = wait_for(fd, POLLIN, deadline_ns, err);
        if (status != RB_OK)
            return status;
        const ssize_t got = recv(fd, at, bytes, MSG_DONTWAIT);
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return rb_fail(err, RB_ERR_CRASHED, "the other side is gone");
        }
    }
    return RB_OK;
}

rb_status rb_message_send(int fd, const json_t *json, const void *blob, size_t blob_bytes,
                          int64_t deadline_ns, rb_error *err) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a message");
    const message_head head = {
        .magic = MAGIC, .json_bytes = strlen(text), .blob_bytes = blob_bytes};
    rb_status status = write_all(fd, &head, sizeof head, deadline_ns, err);
    if (status == RB_OK)
        status = write_all(fd, text, head.json_bytes, deadline_ns, err);
    if (status == RB_OK)
        status = write_all(fd, blob, blob_bytes, deadline_ns, err);
    free(text);
    return status;
}

void rb_message_send_text(int fd, const char *json, size_t bytes) {
    const message_head head = {.magic = MAGIC, .json_bytes = bytes};
    struct iovec parts[] = {{(void *)(uintptr_t)&head, sizeof head},
                            {(void *)(uintptr_t)json, bytes}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    sendmsg(fd, &message, MSG_NOSIGNAL);
}

rb_status rb_message_receive(int fd, int64_t deadline_ns, rb_message *message, rb_error *err) {
    message_head head;
    char *text = NULL;
    void *blob = NULL;
    *message = (rb_message){0};
    rb_status status = read_all(fd, &head, sizeof head, deadline_ns, err);
    if (status != RB_OK)
        return status;
    if (head.magic != MAGIC || head.json_bytes > MAX_JSON_BYTES || head.blob_bytes > MAX_BLOB_BYTES)
        return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    text = malloc(head.json_bytes + 1);
    if (head.blob_bytes)
        blob = aligned_alloc(RB_ALIGNMENT,
                             (head.blob_bytes + RB_ALIGNMENT - 1) / RB_ALIGNMENT * RB_ALIGNMENT);
    if (!text || (head.blob_bytes && !blob))
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for a message");
    if (status == RB_OK)
        status = read_all(fd, text, head.json_bytes, deadline_ns, err);
    if (status == RB_OK && blob)
        status = read_all(fd, blob, head.blob_bytes, deadline_ns, err);
    if (status == RB_OK) {
        json_t *json = json_loadb(text, head.json_bytes, 0, NULL);
        if (json_is_object(json))
            *message = (rb_message){.json = json, .blob = blob, .blob_bytes = head.blob_bytes};
        else
            status = rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
        if (status != RB_OK)
            json_decref(json);
    }
    free(text);
    if (status != RB_OK)
        free(blob);
    return status;
}
