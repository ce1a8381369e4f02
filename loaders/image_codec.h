/* The two decoders behind image_decode.h; nobody else calls them. */
#ifndef LOADERS_IMAGE_CODEC_H
#define LOADERS_IMAGE_CODEC_H

#include "loaders/image_decode.h"

/* *orientation: the EXIF value 1..8 found in the file, 1 without one; the pixels are as stored.
 * On error *image is NULL. */
rb_status rb_jpeg_decode(const char *name, const uint8_t *data, size_t size, rb_image **image,
                         int *orientation, rb_error *error);

/* An eXIf chunk is not looked at: PNG files with an orientation are next to unknown. */
rb_status rb_png_decode(const char *name, const uint8_t *data, size_t size, rb_image **image,
                        rb_error *error);

#endif
