/* Which class an image belongs to, as its folder, its name or a table says. */
#ifndef LOADERS_LABELS_H
#define LOADERS_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "loaders/image_folder.h"

#define RB_LABELS_CSV "labels.csv" /* looked for in the folder of images */

typedef struct rb_label_request {
    const char *csv; /* a table; NULL: RB_LABELS_CSV in the folder, if it is there */
    int64_t classes; /* 0: as few as the labels need, or 1000 where they are synsets */
    bool unlabelled; /* images without a label are fine */
} rb_label_request;

typedef struct rb_labels {
    int64_t classes; /* 0: there are no labels */
    int32_t *values; /* one for each image of the list, RB_NO_LABEL (image_set.h) for none */
    char origin[RB_ERROR_CAPACITY]; /* for people: "names of folders, in order: cat, dog" */
} rb_labels;

/* Labels of list, which rb_image_tree_list made of dir:
 *   a table file,class (class: a number, or a synset), a header or none, every image once;
 *   or one folder for each class: DIR/CLASS/image. Where all of them are synsets of ImageNet, its
 *     numbers, at any depth; else their place in the order of strcmp, as torchvision's ImageFolder;
 *   or a synset within the image's name, as a word of its own: n01440764_10026.JPEG.
 * RB_ERR_INPUT when two of them contradict each other (a table that was asked for is not
 * questioned), or some images have no label and that was not asked for. Without any of them,
 * classes is 0. The caller frees labels with rb_labels_release. */
rb_status rb_labels_find(const char *dir, const rb_image_list *list,
                         const rb_label_request *request, rb_labels *labels, rb_error *err);

void rb_labels_release(rb_labels *labels);

/* Only for labels.c: the table at path -> values, (list->count), RB_NO_LABEL where it has no line
 * for an image, and the number of classes that it needs. */
rb_status rb_labels_read_csv(const char *path, const rb_image_list *list, int64_t classes,
                             int32_t *values, int64_t *needed, rb_error *err);

#endif
