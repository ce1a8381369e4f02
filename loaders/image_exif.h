/* EXIF orientation (CIPA DC-008, tag 0x0112): which way a camera was held. */
#ifndef LOADERS_IMAGE_EXIF_H
#define LOADERS_IMAGE_EXIF_H

#include "loaders/image_decode.h"

/* The orientation 1..8 in the payload of a JPEG APP1 marker ("Exif\0\0" and a TIFF block).
 * 0 when it is no EXIF block, 1 when it is one without a valid orientation. Any bytes are safe. */
int rb_exif_orientation(const uint8_t *data, size_t size);

/* Turns (*image) as stored into upright: 1 as it is, 2 mirrored left-right, 3 by 180 degrees, 4
 * mirrored top-bottom, 5 transposed, 6 by 90 degrees clockwise, 7 transposed along the other
 * diagonal, 8 by 90 degrees counter-clockwise. Replaces *image when something is to be done;
 * on RB_ERR_MEMORY it is unchanged. */
rb_status rb_image_orient(const char *name, rb_image **image, int orientation, rb_error *error);

#endif
