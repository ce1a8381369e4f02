/* What an accuracy job reads: the weights, the data set, and what goes between them. */
#ifndef BENCH_ACCURACY_SOURCE_H
#define BENCH_ACCURACY_SOURCE_H

#include "loaders/image_set.h"
#include "loaders/weights_file.h"
#include "results/accuracy.h"

typedef struct rb_accuracy_source {
    const char *weights, *data; /* paths; not owned */
    rb_weights_info info;
    const rb_network *network;
    rb_image_set *set;
    int64_t count;            /* images that are used */
    rb_preprocess preprocess; /* how pixels are normalised; its crop is the images' size */
    bool in_process;          /* engines run here */
    bool of_weights;          /* false: it is the data set's own, since the weights say none */
} rb_accuracy_source;

/* Opens both, each first in a child (trial.h). limit: images at most; 0: all. RB_ERR_INPUT when one
 * of them cannot be used, or a label is no class of the network. The caller closes *source. */
rb_status rb_accuracy_source_open(const char *weights, const char *data, int64_t limit,
                                  rb_accuracy_source *source, rb_error *err);
void rb_accuracy_source_close(rb_accuracy_source *source);

/* "RGB, / 255, - (0.485 0.456 0.406), / (0.229 0.224 0.225), of the weights" */
void rb_accuracy_source_normalisation(const rb_accuracy_source *source, char *text,
                                      size_t capacity);

/* Adds what a reader must know: synthetic weights, another geometry than the weights want, ... */
void rb_accuracy_source_notes(const rb_accuracy_source *source, rb_accuracy *accuracy);

/* As rb_image_set_read, but first in a child where that can be (no engine's threads are here). */
rb_status rb_accuracy_source_read(const rb_accuracy_source *source, int64_t first, int64_t count,
                                  uint8_t *pixels, rb_error *err);

#endif
