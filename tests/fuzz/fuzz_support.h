/* What every harness shares. A harness is one LLVMFuzzerTestOneInput: it hands the bytes to one
 * reader and holds it to its promise. A broken promise ends in abort(), which libFuzzer reports and
 * keeps the input of. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resbench/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition);        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Whether no control character begins here, of ASCII or of U+0080 to U+009F. */
static inline int fuzz_is_shown(const char *at) {
    const unsigned char *byte = (const unsigned char *)at;
    return byte[0] >= 0x20 && byte[0] != 0x7F &&
           !(byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] < 0xA0);
}

/* A refusal says why, in one line that a terminal may show, and blames what came from outside. */
static inline void fuzz_check_refusal(rb_status status, const rb_error *err) {
    const char *message = err->message;
    FUZZ_REQUIRE(status == RB_ERR_INPUT || status == RB_ERR_UNSUPPORTED || status == RB_ERR_MEMORY);
    FUZZ_REQUIRE(message[0] != '\0');
    FUZZ_REQUIRE(memchr(message, '\0', sizeof err->message) != NULL);
    for (const char *at = message; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            fprintf(stderr, "control character in: %s\n", message);
            abort();
        }
}

/* The fuzzer's bytes, taken one after the other; zeros when they are used up. */
typedef struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
} fuzz_bytes;

static inline uint8_t fuzz_take(fuzz_bytes *bytes) {
    if (bytes->left == 0)
        return 0;
    bytes->left--;
    return *bytes->at++;
}

static inline uint32_t fuzz_take32(fuzz_bytes *bytes) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | fuzz_take(bytes);
    return value;
}

/* Up to `wanted` bytes, with a block of exactly that size so that a sanitizer sees the first byte
 * too far. The caller frees it. */
static inline uint8_t *fuzz_take_block(fuzz_bytes *bytes, size_t wanted, size_t *size) {
    *size = wanted < bytes->left ? wanted : bytes->left;
    uint8_t *block = malloc(*size ? *size : 1);
    FUZZ_REQUIRE(block);
    if (*size)
        memcpy(block, bytes->at, *size);
    bytes->at += *size;
    bytes->left -= *size;
    return block;
}

#endif
