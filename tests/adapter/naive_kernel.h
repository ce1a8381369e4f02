/* A kernel plug-in that sums by the definition, in any layout, with faults on request. */
#ifndef TESTS_NAIVE_KERNEL_H
#define TESTS_NAIVE_KERNEL_H

#include "resbench/kernel.h"

typedef enum naive_fault {
    NAIVE_FINE,
    NAIVE_REFUSES_3X3,      /* prepare: UNSUPPORTED for kernels of 3x3 */
    NAIVE_PREPARE_FAILS,    /* with a sentence */
    NAIVE_NOTHING_PREPARED, /* OK, and nothing prepared */
    NAIVE_UNKNOWN_LAYOUT,
    NAIVE_UNKNOWN_ALGORITHM,
    NAIVE_CHOICE_SIZE,
    NAIVE_CHOICE_RESERVED,
    NAIVE_SCRATCH_NEGATIVE,
    NAIVE_RUN_FAILS,
    NAIVE_DIRTY_PADDING /* what pads the channels of dst is 1 */
} naive_fault;

typedef struct naive_kernel {
    rb_kernel table; /* first: what the adapter is given */
    rb_layout src, dst;
    rb_algorithm algorithm; /* that it declares */
    naive_fault fault;
} naive_kernel;

naive_kernel naive_kernel_make(rb_layout src, rb_layout dst, uint32_t flags);

/* Prepared convolutions that are not released. */
extern int naive_prepared;

#endif
