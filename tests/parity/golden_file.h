/* Golden outputs in memory. Two layouts are read: that of ../shared/golden/torchvision.h5 (a
 * group a module) and that of tests/golden (a table a case). */
#ifndef PARITY_GOLDEN_FILE_H
#define PARITY_GOLDEN_FILE_H

#include <stdbool.h>
#include <stdint.h>

#define RB_GOLDEN_PROBES 16
#define RB_GOLDEN_NAME 64

typedef struct rb_golden_module {
    char name[RB_GOLDEN_NAME];
    int64_t dims[4]; /* filled up with 1 */
    double mean, std, l2, absmax;
    int64_t index[RB_GOLDEN_PROBES];
    double value[RB_GOLDEN_PROBES];
} rb_golden_module;

typedef struct rb_golden {
    char network[RB_GOLDEN_NAME];
    int64_t seed, batch, height, width, classes, parameters;
    bool conv_bias; /* every convolution has a bias */
    double f32_rel_l2_error;
    double *logits; /* (batch, classes) */
    int64_t module_count;
    rb_golden_module *modules;
} rb_golden;

/* The case (a group of the file: resnet18, resnet18-97x33). Fails the running test when the
 * file is not what it must be. */
rb_golden *rb_golden_read(const char *path, const char *name);
void rb_golden_destroy(rb_golden *golden);

#endif
