/* What engines said of every image, in one JSON file: for other programs, and for a job that goes
 * on where it ended. docs/accuracy.md describes it. */
#ifndef RESULTS_ACCURACY_FILE_H
#define RESULTS_ACCURACY_FILE_H

#include "results/accuracy.h"

#define RB_ACCURACY_IMAGES "accuracy-images.json"
#define RB_ACCURACY_SCHEMA 2

/* Writes directory/accuracy-images.json, whole or not at all. */
rb_status rb_accuracy_images_write(const char *directory, const rb_accuracy *accuracy,
                                   rb_error *err);

/* Fills in what the engines of accuracy, whose rooms are allocated, had done. RB_ERR_INPUT when
 * the file is damaged, RB_ERR_NOT_COMPARABLE, with the members that differ, when its identity is
 * another; then accuracy must not be used. */
rb_status rb_accuracy_images_read(const char *directory, rb_accuracy *accuracy, rb_error *err);

/* All that a file tells, without the data set. accuracy.context is NULL. */
typedef struct rb_accuracy_part {
    rb_accuracy accuracy; /* points into this struct and the root: not to be moved */
    int32_t *labels;
    json_t *root;
} rb_accuracy_part;

/* path: of the file. RB_ERR_INPUT when it is damaged, or of another schema. The caller releases
 * *part. */
rb_status rb_accuracy_part_load(const char *path, rb_accuracy_part *part, rb_error *err);
void rb_accuracy_part_release(rb_accuracy_part *part);

#endif
