/* What comes over a worker's socket -> messages, until the first that is none. */
#include "fuzz_support.h"

#include <sys/socket.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/message.h"
#include "resbench/engine.h"

/* A frame may announce 64 GiB and die; a sanitizer would fill its shadow for each of them. */
#define MAX_ANNOUNCED ((uint64_t)64 << 20)
#define REFUSED_ANYWAY ((uint64_t)65 << 30)

static int too_slow(const uint8_t *data, size_t size) {
    for (size_t at = 0; at + 24 <= size; at++) {
        uint64_t blob;
        memcpy(&blob, data + at + 16, sizeof blob);
        if (memcmp(data + at, "RBMSG", 5) == 0 && blob > MAX_ANNOUNCED && blob < REFUSED_ANYWAY)
            return 1;
    }
    return 0;
}

#define MAX_FRAMES ((size_t)64 << 10) /* less than a socket's buffer: sent in one piece */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int ends[2];
    rb_status status = RB_OK;
    if (size > MAX_FRAMES || too_slow(data, size))
        return 0;
    FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    FUZZ_REQUIRE(send(ends[1], data, size, MSG_DONTWAIT) == (ssize_t)size);
    shutdown(ends[1], SHUT_WR);
    while (status == RB_OK) {
        rb_message message;
        rb_error err = {""};
        status = rb_message_receive(ends[0], rb_now_ns() + 10000000000, &message, &err);
        if (status == RB_OK) {
            FUZZ_REQUIRE(json_is_object(message.json));
            FUZZ_REQUIRE((message.blob != NULL) == (message.blob_bytes != 0));
            FUZZ_REQUIRE((uintptr_t)message.blob % RB_ALIGNMENT == 0);
        } else {
            FUZZ_REQUIRE(status == RB_ERR_CRASHED || status == RB_ERR_ENGINE ||
                         status == RB_ERR_MEMORY);
            FUZZ_REQUIRE(!message.json && !message.blob && err.message[0]);
        }
        rb_message_release(&message);
    }
    close(ends[0]);
    close(ends[1]);
    return 0;
}
