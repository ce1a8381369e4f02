/* Sizes that cannot overflow silently. */
#ifndef RESBENCH_CHECKED_H
#define RESBENCH_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *product = a * b; false (and *product untouched) when negative or too large. */
static inline bool rb_mul_i64(int64_t a, int64_t b, int64_t *product) {
    int64_t value;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &value))
        return false;
    *product = value;
    return true;
}

/* *product = the product of count factors (1 for none); false when negative or too large. */
static inline bool rb_product_i64(const int64_t *factors, size_t count, int64_t *product) {
    int64_t value = 1;
    for (size_t i = 0; i < count; i++)
        if (!rb_mul_i64(value, factors[i], &value))
            return false;
    *product = value;
    return true;
}

#endif
