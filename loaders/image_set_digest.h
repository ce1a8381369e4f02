/* SHA-256 over a data set of images, independent of how a file stores it:
 *   HEIGHT " " WIDTH " 3\n"
 *   for each image:  PIXELS LABEL NAME "\0"
 * with decimal sizes, (height, width, 3) bytes, the label as a little-endian int32 and the name
 * without padding. For the image_set_*.c files. */
#ifndef LOADERS_IMAGE_SET_DIGEST_H
#define LOADERS_IMAGE_SET_DIGEST_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "loaders/image_set.h"

/* NULL when memory is short. The caller frees it with EVP_MD_CTX_free. */
EVP_MD_CTX *rb_image_set_digest_start(int64_t height, int64_t width);
bool rb_image_set_digest_add(EVP_MD_CTX *digest, const uint8_t *pixels, size_t bytes, int32_t label,
                             const char *name);
bool rb_image_set_digest_end(EVP_MD_CTX *digest, char digits[RB_DIGEST_CAPACITY]);

#endif
