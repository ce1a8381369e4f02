/* What classes are called. */
#ifndef LOADERS_CLASS_NAMES_H
#define LOADERS_CLASS_NAMES_H

#include <stdint.h>

#include "resbench/status.h"

#define RB_IMAGENET_CLASSES 1000
#define RB_CIFAR10_CLASSES 10

typedef struct rb_class_names rb_class_names;

/* path: NULL for the built-in names (ImageNet's for 1000 classes, CIFAR-10's for 10, "class 17" for
 * other counts), or a file with a line for each class, "tench" or "n01440764 tench, Tinca tinca".
 * RB_ERR_INPUT when it has another number of lines, or an empty one. The caller owns *names. */
rb_status rb_class_names_load(const char *path, int64_t classes, rb_class_names **names,
                              rb_error *err);
void rb_class_names_destroy(rb_class_names *names); /* NULL is fine */

/* Without its synset; class_index is 0 .. classes - 1. Owned by names. */
const char *rb_class_name(const rb_class_names *names, int64_t class_index);

#define RB_SYNSET_LENGTH 9 /* n01440764 */

/* ImageNet's class of the synset that text begins with; -1 when it begins with none of the 1000. */
int32_t rb_synset_class(const char *text);

#endif
