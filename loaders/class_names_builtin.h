/* The lines of class_names/, which the build writes into C. */
#ifndef LOADERS_CLASS_NAMES_BUILTIN_H
#define LOADERS_CLASS_NAMES_BUILTIN_H

#include "loaders/class_names.h"

extern const char *const rb_imagenet_lines[RB_IMAGENET_CLASSES]; /* in the order of their synsets */
extern const char *const rb_cifar10_lines[RB_CIFAR10_CLASSES];

#endif
