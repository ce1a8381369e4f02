/* A data set of labelled images in HDF5: docs/datasets.md describes the layout. */
#ifndef LOADERS_IMAGE_SET_H
#define LOADERS_IMAGE_SET_H

#include "loaders/digest.h"
#include "loaders/preprocess.h"

#define RB_IMAGE_SET_SCHEMA 1
#define RB_IMAGE_SET_MAX_COUNT INT64_C(100000000)
#define RB_IMAGE_SET_MAX_CLASSES INT64_C(1000000)
#define RB_IMAGE_SET_MAX_NAME 4096 /* bytes of a name */
#define RB_NO_LABEL (-1)

typedef struct rb_image_set_info {
    int64_t count, height, width; /* images, and their size after resize and crop */
    int64_t classes;              /* labels lie in 0 .. classes - 1; 0: there are none */
    int64_t name_bytes;           /* room for a name; 0: there are none */
    rb_preprocess preprocess;     /* resize and crop are done; the rest is for who reads pixels */
    char source[256];             /* where the images come from */
    char sha256[RB_DIGEST_CAPACITY]; /* over pixels, labels and names */
} rb_image_set_info;

typedef struct rb_image_set rb_image_set;

/* Opens a file and reads its attributes and labels; pixels and names stay on disk. RB_ERR_INPUT
 * when it is not such a file, or contradicts itself. Foreign files go through rb_trial
 * (bench/trial.h) first. The caller closes *set. */
rb_status rb_image_set_open(const char *path, rb_image_set **set, rb_error *err);
void rb_image_set_close(rb_image_set *set); /* NULL is fine */

const rb_image_set_info *rb_image_set_info_of(const rb_image_set *set);

/* (count) labels, RB_NO_LABEL where there is none; owned by the set. */
const int32_t *rb_image_set_labels(const rb_image_set *set);

/* The file an image came from, "" where there was none or it cannot be read; fit to be
 * shown. Owned by the set, and changed by the next call. */
const char *rb_image_set_name(rb_image_set *set, int64_t image);

/* Images first .. first + count - 1 -> pixels, (count, height, width, 3) bytes, RGB. */
rb_status rb_image_set_read(rb_image_set *set, int64_t first, int64_t count, uint8_t *pixels,
                            rb_error *err);

/* Recomputes the SHA-256 of the whole file; RB_ERR_INPUT when the attribute differs. */
rb_status rb_image_set_verify(rb_image_set *set, rb_error *err);

/* Writing, image by image: memory does not grow with the count. The file appears at path whole, by
 * rb_image_set_finish, or not at all. */
typedef struct rb_image_set_writer rb_image_set_writer;

/* count of info says how many images are expected (0: unknown), and many get larger chunks; it and
 * sha256 are found out. The crop is height x width; the rest is written as it stands. */
rb_status rb_image_set_create(const char *path, const rb_image_set_info *info,
                              rb_image_set_writer **writer, rb_error *err);

/* pixels: (height, width, 3) bytes, RGB. name: "" for none; at most name_bytes long. */
rb_status rb_image_set_append(rb_image_set_writer *writer, const uint8_t *pixels, int32_t label,
                              const char *name, rb_error *err);

/* Ends the file, which gets at least one image, and frees the writer, also on error. sha256: NULL,
 * or gets the digest. */
rb_status rb_image_set_finish(rb_image_set_writer *writer, char sha256[RB_DIGEST_CAPACITY],
                              rb_error *err);

/* Frees the writer and leaves no file; NULL is fine. */
void rb_image_set_discard(rb_image_set_writer *writer);

#endif
