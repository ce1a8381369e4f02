/* JPEG and PNG files -> 8-bit RGB, recognised by their first bytes, never by their name. */
#ifndef LOADERS_IMAGE_DECODE_H
#define LOADERS_IMAGE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"

#define RB_IMAGE_MAX_PIXELS INT64_C(100000000)           /* larger images are refused */
#define RB_IMAGE_MAX_FILE_BYTES (INT64_C(1024) << 20)    /* larger files are refused */
#define RB_IMAGE_MAX_DECODER_BYTES (INT64_C(1024) << 20) /* libjpeg's own memory at most */

typedef enum rb_image_format {
    RB_IMAGE_FORMAT_NONE = 0, /* neither of the two */
    RB_IMAGE_FORMAT_JPEG,
    RB_IMAGE_FORMAT_PNG
} rb_image_format;

#define RB_IMAGE_MAGIC_BYTES 8 /* what rb_image_format_of wants to see */

/* (height, width, 3) bytes, RGB, row-major without padding, as displayed (upright). */
typedef struct rb_image {
    int64_t height, width;
    uint8_t *pixels;
} rb_image;

/* The format that the size bytes at data begin with. */
rb_image_format rb_image_format_of(const uint8_t *data, size_t size);

/* Decodes a file to what Pillow's ImageOps.exif_transpose(image).convert('RGB') gives.
 *
 * JPEG: grey, YCbCr (or RGB) and CMYK (or YCCK) become RGB, the last as Pillow does it, without a
 * colour profile. The EXIF orientation is applied;
 * torchvision's ImageFolder ignores it, so that a photograph held sideways differs there (none of
 * 750 ImageNet validation photographs did). Every libjpeg warning about the data counts as
 * damage, unlike in Pillow, which goes on with made-up pixels.
 * PNG: palette, grey of 1 to 16 bits, interlaced. Alpha and transparent colours are dropped, not
 * composed, as convert('RGB') does. 16-bit samples keep their high byte; Pillow does so for
 * RGB but clips 16-bit grey at 255, which is of no use. No gamma and no colour profile.
 *
 * *image is owned by the caller: rb_image_destroy. On error it is NULL, and the sentence begins
 * with the path. RB_ERR_INPUT: not there, not an image, damaged, over a limit above;
 * RB_ERR_UNSUPPORTED; RB_ERR_MEMORY. */
rb_status rb_image_decode_file(const char *path, rb_image **image, rb_error *error);

/* The same from size bytes in memory; name stands for the path in the sentence. */
rb_status rb_image_decode_memory(const char *name, const uint8_t *data, size_t size,
                                 rb_image **image, rb_error *error);

/* An image with pixels not yet set; height and width come from name, which a refusal names.
 * RB_ERR_INPUT when empty or larger than RB_IMAGE_MAX_PIXELS, RB_ERR_MEMORY. */
rb_status rb_image_create(const char *name, int64_t height, int64_t width, rb_image **image,
                          rb_error *error);

void rb_image_destroy(rb_image *image); /* NULL is fine */

#endif
