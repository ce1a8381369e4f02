/* Antialiased bilinear resize of 8-bit RGB, bit for bit as Pillow's Image.resize(BILINEAR). */
#ifndef LOADERS_IMAGE_RESIZE_H
#define LOADERS_IMAGE_RESIZE_H

#include "loaders/image_decode.h"

/* src -> *dst of (height, width, 3), owned by the caller; src is not changed. name stands in the
 * sentence. RB_ERR_INPUT when the result is empty or over RB_IMAGE_MAX_PIXELS, RB_ERR_MEMORY;
 * then *dst is NULL. */
rb_status rb_image_resize(const char *name, const rb_image *src, int64_t height, int64_t width,
                          rb_image **dst, rb_error *error);

#endif
