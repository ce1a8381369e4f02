#include "results/students_t.h"

#include <math.h>

#define MOST_STEPS 1000

/* Lentz's method keeps away from 0 what it divides by. */
static double not_zero(double value) {
    return fabs(value) < 1e-300 ? 1e-300 : value;
}

/* The continued fraction of DLMF 8.17.22, which converges fast below x = (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b) {
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m <= MOST_STEPS; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        value *= c * d;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return value;
}

/* I_x(a, b); y = 1 - x, given by itself because the difference would lose its digits. */
static double incomplete_beta(double x, double y, double a, double b) {
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    const double front = exp(a * log(x) + b * log(y) + lgamma(a + b) - lgamma(a) - lgamma(b));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(y, b, a) / b;
}

double rb_students_t_both_tails(double t, double freedom) {
    const double square = t * t;
    if (isinf(square))
        return 0;
    return incomplete_beta(freedom / (freedom + square), square / (freedom + square), freedom / 2,
                           0.5);
}

double rb_students_t_quantile(double both_tails, double freedom) {
    double low = 0, high = 1;
    while (rb_students_t_both_tails(high, freedom) > both_tails && high < 1e300)
        high *= 2;
    for (int step = 0; step < 200 && low < high; step++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (rb_students_t_both_tails(middle, freedom) > both_tails)
            low = middle;
        else
            high = middle;
    }
    return high;
}
