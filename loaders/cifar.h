/* CIFAR-10's binary files: records of one label byte and 3072 bytes of pixels, in planes. */
#ifndef LOADERS_CIFAR_H
#define LOADERS_CIFAR_H

#include <stdint.h>

#include "resbench/status.h"

#define RB_CIFAR_SIZE 32 /* pixels of a side */
#define RB_CIFAR_BYTES (3 * RB_CIFAR_SIZE * RB_CIFAR_SIZE)

typedef struct rb_cifar {
    FILE *file;
    const char *path;
    int64_t count, next; /* images, and the one that is read next */
} rb_cifar;

/* RB_ERR_INPUT when path is no file of whole records. path must outlive *cifar, which the caller
 * closes. */
rb_status rb_cifar_open(const char *path, rb_cifar *cifar, rb_error *err);

/* The next image as (32, 32, 3) bytes, RGB. RB_ERR_INPUT when its label is not one of ten;
 * RB_ERR_USAGE after the last one. */
rb_status rb_cifar_read(rb_cifar *cifar, uint8_t pixels[RB_CIFAR_BYTES], int32_t *label,
                        rb_error *err);

void rb_cifar_close(rb_cifar *cifar);

#endif
