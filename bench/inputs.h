/* What the networks are shown. */
#ifndef BENCH_INPUTS_H
#define BENCH_INPUTS_H

#include <stdint.h>

#include "loaders/digest.h"
#include "loaders/preprocess.h"

typedef struct rb_inputs {
    float *images; /* (count, 3, height, width) */
    int64_t count, height, width;
    char label[256]; /* for people: "synthetic, seed 1" or "16 images of photos/" */
    char preprocessing[RB_PREPROCESS_CAPACITY]; /* of photographs, as JSON; "" of other input */
} rb_inputs;

/* Synthetic images: loaders/synth.h. */
rb_status rb_inputs_synthetic(int64_t count, int64_t height, int64_t width, uint64_t seed,
                              rb_inputs *inputs, rb_error *err);

/* Photographs of a folder, resized, cropped and normalised; at most limit, 0: all. RB_ERR_INPUT
 * when there are fewer than least. */
rb_status rb_inputs_folder(const char *directory, int64_t least, int64_t limit,
                           const rb_preprocess *preprocess, rb_inputs *inputs, rb_error *err);

/* What a network is to be shown. */
typedef struct rb_inputs_request {
    const char *images;        /* folder of photographs; NULL: synthetic */
    int64_t least, limit;      /* as above; of synthetic images there are `least` */
    int64_t height, width;     /* 0: as the weights ask, or else the network's own size */
    int64_t size;              /* that */
    int64_t resize;            /* of photographs; RB_RESIZE_STORED: as the weights ask */
    uint64_t seed;             /* of synthetic images */
    const char *weights;       /* path of the file, for sentences */
    const char *preprocessing; /* of its rb_weights_info */
} rb_inputs_request;

/* Photographs or synthetic images, whichever is asked for. */
rb_status rb_inputs_make(const rb_inputs_request *request, rb_inputs *inputs, rb_error *err);

/* The dataset `input`, (count, 3, height, width), of an HDF5 file. */
rb_status rb_inputs_file(const char *path, rb_inputs *inputs, rb_error *err);

/* SHA-256 over those files of a folder that rb_inputs_folder would take, in order. */
rb_status rb_inputs_folder_digest(const char *directory, int64_t limit,
                                  char digest[RB_DIGEST_CAPACITY], rb_error *err);

void rb_inputs_release(rb_inputs *inputs);

#endif
