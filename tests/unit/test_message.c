/* Framing between harness and worker: what is sent arrives, and what is no message is refused. */
#include "test_support.h"

#include <pthread.h>
#include <sys/socket.h>

#include "bench/clock.h"
#include "bench/message.h"
#include "resbench/engine.h"

#define MAGIC 0x47534D4252u /* as in message.c: these tests write frames of their own */

typedef struct sockets {
    int near, far;
} sockets;

static int open_pair(void **state) {
    static sockets pair;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return -1;
    pair = (sockets){ends[0], ends[1]};
    *state = &pair;
    return 0;
}

static int close_pair(void **state) {
    const sockets *pair = *state;
    close(pair->near);
    if (pair->far >= 0)
        close(pair->far);
    return 0;
}

static void hang_up(sockets *pair) {
    close(pair->far);
    pair->far = -1;
}

static int64_t in_ms(int64_t ms) {
    return rb_now_ns() + ms * 1000000;
}

/* What has not been read stays in the socket: a refused frame ends a connection. */
static void drain(int fd) {
    char rest[256];
    while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {
    }
}

/* Receiving must fail this way, and leave nothing behind. */
static void assert_refused(int fd, rb_status expected) {
    rb_message message = {.blob_bytes = 7};
    rb_error err = {""};
    assert_int_equal(rb_message_receive(fd, in_ms(50), &message, &err), expected);
    assert_sentence(err);
    assert_null(message.json);
    assert_null(message.blob);
    assert_int_equal(message.blob_bytes, 0);
}

static void send_frame(int fd, uint64_t magic, uint64_t json_bytes, uint64_t blob_bytes,
                       const void *text, size_t bytes) {
    const uint64_t head[3] = {magic, json_bytes, blob_bytes};
    assert_int_equal(send(fd, head, sizeof head, MSG_NOSIGNAL), sizeof head);
    if (bytes)
        assert_int_equal(send(fd, text, bytes, MSG_NOSIGNAL), bytes);
}

static void messages_arrive_as_they_were_sent(void **state) {
    const sockets *pair = *state;
    static const float blob[] = {1, -2, 3.5f};
    rb_message message;
    json_t *json = json_pack("{s:s, s:i, s:f}", "op", "run \xC3\xA4\n", "n", 7, "x", 0.1);
    assert_ok(rb_message_send(pair->far, json, blob, sizeof blob, in_ms(1000), &err));
    assert_ok(rb_message_send(pair->far, json, NULL, 0, 0, &err)); /* two in a row, no deadline */
    assert_ok(rb_message_receive(pair->near, in_ms(1000), &message, &err));
    assert_true(json_equal(message.json, json));
    assert_int_equal(message.blob_bytes, sizeof blob);
    assert_int_equal((uintptr_t)message.blob % RB_ALIGNMENT, 0);
    assert_memory_equal(message.blob, blob, sizeof blob);
    rb_message_release(&message);
    assert_null(message.json);
    assert_ok(rb_message_receive(pair->near, 0, &message, &err));
    assert_true(json_equal(message.json, json));
    assert_null(message.blob);
    rb_message_release(&message);
    rb_message_release(&message); /* an empty one is fine */
    json_decref(json);
    assert_refused(pair->near, RB_ERR_TIMEOUT); /* and nothing is left over */
}

typedef struct big_send {
    int fd;
    const void *blob;
    size_t bytes;
    rb_status status;
} big_send;

static void *send_big(void *ctx) {
    big_send *big = ctx;
    json_t *json = json_object();
    big->status = rb_message_send(big->fd, json, big->blob, big->bytes, in_ms(10000), NULL);
    json_decref(json);
    return NULL;
}

static void a_blob_may_be_larger_than_the_socket(void **state) {
    const sockets *pair = *state;
    const size_t bytes = (size_t)8 << 20;
    unsigned char *blob = malloc(bytes);
    uint64_t seed = 1;
    pthread_t thread;
    rb_message message;
    assert_non_null(blob);
    for (size_t i = 0; i < bytes; i += sizeof seed)
        memcpy(blob + i, &(uint64_t){random_bits(&seed)}, sizeof seed);
    big_send big = {pair->far, blob, bytes, RB_ERR_ENGINE};
    assert_int_equal(pthread_create(&thread, NULL, send_big, &big), 0);
    assert_ok(rb_message_receive(pair->near, in_ms(10000), &message, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(big.status, RB_OK);
    assert_int_equal(message.blob_bytes, bytes);
    assert_memory_equal(message.blob, blob, bytes);
    rb_message_release(&message);
    free(blob);
}

/* An engine may write anywhere, also into the worker's socket. */
static void garbage_is_refused(void **state) {
    const sockets *pair = *state;
    static const char noise[] = "Segmentation fault (core dumped), said the engine\n";
    assert_int_equal(send(pair->far, noise, sizeof noise, MSG_NOSIGNAL), sizeof noise);
    assert_refused(pair->near, RB_ERR_ENGINE);
}

static void lengths_beyond_sense_are_refused(void **state) {
    const sockets *pair = *state;
    static const uint64_t lengths[][2] = {{UINT64_MAX, 0},
                                          {0, UINT64_MAX},
                                          {((uint64_t)64 << 20) + 1, 0},
                                          {2, ((uint64_t)64 << 30) + 1},
                                          {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        send_frame(pair->far, MAGIC, lengths[i][0], lengths[i][1], NULL, 0);
        assert_refused(pair->near, RB_ERR_ENGINE);
    }
    send_frame(pair->far, MAGIC + 1, 2, 0, NULL, 0);
    assert_refused(pair->near, RB_ERR_ENGINE);
    send_frame(pair->far, MAGIC, 2, 0, "{}", 2); /* the frame itself is understood */
    rb_message message;
    assert_ok(rb_message_receive(pair->near, in_ms(1000), &message, &err));
    rb_message_release(&message);
}

static void what_is_no_object_is_refused(void **state) {
    const sockets *pair = *state;
    static const char *const texts[] = {"",     "{",     "[]",       "[{}]", "7",
                                        "null", "\"x\"", "{\"a\":}", "{} x", "{\"a\":1"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        send_frame(pair->far, MAGIC, strlen(texts[i]), 0, texts[i], strlen(texts[i]));
        assert_refused(pair->near, RB_ERR_ENGINE);
    }
    send_frame(pair->far, MAGIC, 4, 0, "{}\0\0", 4);
    assert_refused(pair->near, RB_ERR_ENGINE);
    send_frame(pair->far, MAGIC, 7, 3, "{\"\xFF\":1}abc", 10); /* not UTF-8; with a blob */
    assert_refused(pair->near, RB_ERR_ENGINE);
    assert_refused(pair->near, RB_ERR_TIMEOUT); /* each frame was read to its end */
}

/* Wherever the other side stops: in the head, in the text, in the blob. */
static void a_closed_peer_is_a_crash(void **state) {
    for (int where = 0; where < 4; where++) {
        sockets *pair = *state;
        if (where == 1)
            assert_int_equal(send(pair->far, "RBMSG", 5, MSG_NOSIGNAL), 5);
        else if (where == 2)
            send_frame(pair->far, MAGIC, 10, 0, "{\"a\"", 4);
        else if (where == 3)
            send_frame(pair->far, MAGIC, 2, 100, "{}half", 6);
        hang_up(pair);
        assert_refused(pair->near, RB_ERR_CRASHED);
        json_t *json = json_object();
        rb_error err = {""};
        assert_int_equal(rb_message_send(pair->near, json, "x", 1, in_ms(50), &err),
                         RB_ERR_CRASHED); /* and no SIGPIPE */
        assert_sentence(err);
        json_decref(json);
        close_pair(state);
        assert_int_equal(open_pair(state), 0);
    }
}

static void silence_ends_at_the_deadline(void **state) {
    const sockets *pair = *state;
    for (int part = 0; part < 3; part++) { /* nothing, half a head, half a message */
        drain(pair->near);
        if (part == 1)
            assert_int_equal(send(pair->far, "RBM", 3, MSG_NOSIGNAL), 3);
        else if (part == 2)
            send_frame(pair->far, MAGIC, 10, 10, "{\"a\":", 5);
        const int64_t start = rb_now_ns();
        assert_refused(pair->near, RB_ERR_TIMEOUT);
        const double ms = (double)(rb_now_ns() - start) * 1e-6;
        assert_true(ms >= 49 && ms < 2000);
    }
    rb_message message;
    rb_error err = {""};
    assert_int_equal(rb_message_receive(pair->near, 1, &message, &err), RB_ERR_TIMEOUT);
}

static void a_peer_that_never_reads_times_out(void **state) {
    const sockets *pair = *state;
    const size_t bytes = (size_t)8 << 20;
    void *blob = calloc(1, bytes);
    json_t *json = json_object();
    rb_error err = {""};
    assert_non_null(blob);
    assert_int_equal(rb_message_send(pair->near, json, blob, bytes, in_ms(50), &err),
                     RB_ERR_TIMEOUT);
    assert_sentence(err);
    json_decref(json);
    free(blob);
}

#define with_pair(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_pair(messages_arrive_as_they_were_sent),
        with_pair(a_blob_may_be_larger_than_the_socket),
        with_pair(garbage_is_refused),
        with_pair(lengths_beyond_sense_are_refused),
        with_pair(what_is_no_object_is_refused),
        with_pair(a_closed_peer_is_a_crash),
        with_pair(silence_ends_at_the_deadline),
        with_pair(a_peer_that_never_reads_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
