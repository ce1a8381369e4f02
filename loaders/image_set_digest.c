#include "loaders/image_set_digest.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "labels are hashed as they lie in memory");

EVP_MD_CTX *rb_image_set_digest_start(int64_t height, int64_t width) {
    char header[64];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    const int used = snprintf(header, sizeof header, "%" PRId64 " %" PRId64 " 3\n", height, width);
    if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(digest, header, (size_t)used) == 1)
        return digest;
    EVP_MD_CTX_free(digest);
    return NULL;
}

bool rb_image_set_digest_add(EVP_MD_CTX *digest, const uint8_t *pixels, size_t bytes, int32_t label,
                             const char *name) {
    return EVP_DigestUpdate(digest, pixels, bytes) == 1 &&
           EVP_DigestUpdate(digest, &label, sizeof label) == 1 &&
           EVP_DigestUpdate(digest, name, strlen(name) + 1) == 1;
}

bool rb_image_set_digest_end(EVP_MD_CTX *digest, char digits[RB_DIGEST_CAPACITY]) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(digest, sum, &length) != 1)
        return false;
    for (unsigned i = 0; i < length && 2 * i + 2 < RB_DIGEST_CAPACITY; i++)
        snprintf(digits + 2 * (size_t)i, 3, "%02x", sum[i]);
    return true;
}
