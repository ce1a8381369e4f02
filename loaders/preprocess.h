/* From a decoded photograph to the network's input: resize, centre crop, normalise. */
#ifndef LOADERS_PREPROCESS_H
#define LOADERS_PREPROCESS_H

#include <stdbool.h>

#include "loaders/image_decode.h"

/* torchvision's ImageNet preprocessing, the IMAGENET1K_V1 weights' own */
#define RB_PREPROCESS_RESIZE 256
#define RB_PREPROCESS_CROP 224

typedef struct rb_preprocess {
    int64_t resize;                  /* pixels of the shorter side after the resize; 0: none */
    int64_t crop_height, crop_width; /* pixels, cut from the centre; the network's input size */
    bool bgr;                        /* dst's channels are B, G, R instead of R, G, B */
    float divisor;                   /* 255 scales values to 0..1, 1 leaves them 0..255 */
    float mean[3], std[3];           /* of divided values, in the order of dst's channels */
} rb_preprocess;

/* As JSON, in weights files and data sets: {"order": "RGB"|"BGR", "divisor": 255, "mean": [a, b,
 * c], "std": [a, b, c], "resize": N|null, "crop": [height, width]|null}; all six members, no other.
 * A crop of null is the network's input size (0 x 0 here). where stands in the sentence of
 * RB_ERR_INPUT. */
rb_status rb_preprocess_parse(const char *text, const char *where, rb_preprocess *preprocess,
                              rb_error *error);

/* The one text of a preprocessing, with the fewest digits from which rb_preprocess_parse reads the
 * same floats. RB_ERR_USAGE when it does not fit or rb_preprocess_check (crop 0 x 0 apart) refuses
 * it; then text is "". */
rb_status rb_preprocess_format(const rb_preprocess *preprocess, char *text, size_t capacity,
                               rb_error *error);
#define RB_PREPROCESS_CAPACITY 512 /* enough for every text of rb_preprocess_format */

/* What is known by name: torchvision, caffe (Keras applications' ResNet), cifar (torchvision's mean
 * and std, 32 x 32, no resize), raw (values 0..255 as they are, 32 x 32, no resize). RB_ERR_USAGE
 * for another name. */
rb_status rb_preprocess_named(const char *name, rb_preprocess *preprocess, rb_error *error);

/* ImageNet's mean and std, a crop of height x width, and the resize that goes with it: 256/224 of
 * the crop's longer side, rounded down. So 224 x 224 gives torchvision's Resize(256) and
 * CenterCrop(224). */
void rb_preprocess_init(rb_preprocess *preprocess, int64_t height, int64_t width);

/* Sets the crop. A resize scales with the crop's longer side, rounded down, so that as much of a
 * photograph is seen: 256 for a crop of 224 becomes 365 for one of 320. A crop that was open (0 x
 * 0) leaves the resize as it is. */
void rb_preprocess_fit(rb_preprocess *preprocess, int64_t height, int64_t width);

#define RB_RESIZE_STORED (-1)

/* What the images of a network go through. stored is the attribute of its weights file, where: a
 * text of rb_preprocess_parse, or "none", which stands for torchvision's. It is fitted to height x
 * width; 0 x 0 is the crop that is stored or, where none is, own x own, the network's own input.
 * Then resize takes the place of the resize, unless it is RB_RESIZE_STORED. */
rb_status rb_preprocess_choose(const char *stored, const char *where, int64_t resize,
                               int64_t height, int64_t width, int64_t own,
                               rb_preprocess *preprocess, rb_error *error);

/* RB_ERR_USAGE when a size is negative, the crop empty, or the normalisation of no use. */
rb_status rb_preprocess_check(const rb_preprocess *preprocess, rb_error *error);

/* image -> dst, (crop_height, crop_width, 3) bytes: torchvision.transforms.Resize(resize) on a
 * Pillow image (bilinear, antialiased; the longer side is rounded down) and CenterCrop. An image
 * smaller than the crop is refused with RB_ERR_INPUT (torchvision pads it with black). name
 * stands in the sentence. On error dst is not written. */
rb_status rb_preprocess_pixels(const rb_preprocess *preprocess, const char *name,
                               const rb_image *image, uint8_t *dst, rb_error *error);

/* src, (crop_height, crop_width, 3) bytes -> dst, (3, crop_height, crop_width) floats:
 * (v / divisor - mean) / std, each step rounded to float32, as torchvision's ToTensor and Normalize
 * and Keras's preprocess_input do. */
void rb_preprocess_normalise(const rb_preprocess *preprocess, const uint8_t *src, float *dst);

/* Both steps: dst is (3, crop_height, crop_width) floats; on error not written. */
rb_status rb_preprocess_image(const rb_preprocess *preprocess, const char *name,
                              const rb_image *image, float *dst, rb_error *error);

/* The same for a file. */
rb_status rb_preprocess_file(const rb_preprocess *preprocess, const char *path, float *dst,
                             rb_error *error);

#endif
