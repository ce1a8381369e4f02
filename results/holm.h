/* Many tests at once. */
#ifndef RESULTS_HOLM_H
#define RESULTS_HOLM_H

#include <stddef.h>

/* Holm 1979: the smallest level at which each hypothesis is rejected when all are tested. No p
 * is NaN. */
void rb_holm(const double *p, size_t count, double *adjusted);

#endif
