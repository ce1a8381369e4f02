/* Photographs and CIFAR-10's files -> a data set file (loaders/image_set.h), with progress. */
#ifndef BENCH_IMAGE_IMPORT_H
#define BENCH_IMAGE_IMPORT_H

#include "loaders/image_set.h"
#include "loaders/labels.h"

typedef struct rb_import_request {
    const char *output;
    rb_preprocess preprocess;
    rb_label_request labels; /* of photographs */
    int64_t limit;           /* images at most; 0: all */
    bool skip_damaged;       /* leaves images out that cannot be used, each with a notice */
    void (*notice)(const char *sentence);
} rb_import_request;

typedef struct rb_import_result {
    rb_image_set_info info;         /* as written */
    char labels[RB_ERROR_CAPACITY]; /* where they come from; "" without */
    int64_t skipped, unlabelled;
    double seconds;
} rb_import_result;

/* Every image in and below dir. RB_ERR_INPUT for the first that cannot be used, RB_ERR_INTERRUPTED;
 * then there is no file. Images whose names are no UTF-8 get question marks in them. */
rb_status rb_import_folder(const char *dir, const rb_import_request *request,
                           rb_import_result *result, rb_error *err);

/* CIFAR-10's binary files, one after the other; resize and crop of the preprocessing play no part.
 */
rb_status rb_import_cifar(char *const *paths, size_t count, const rb_import_request *request,
                          rb_import_result *result, rb_error *err);

#endif
