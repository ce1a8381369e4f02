/* Student's distribution, which no C library has. */
#ifndef RESULTS_STUDENTS_T_H
#define RESULTS_STUDENTS_T_H

/* Probability of a |t| as large as this or larger; freedom > 0, whole or not (DLMF 8.17, I_x(a, b)
 * with x = freedom / (freedom + t t), a = freedom / 2, b = 1/2). */
double rb_students_t_both_tails(double t, double freedom);

/* The t > 0 that is exceeded in either direction with this probability, 0 < both_tails < 1. */
double rb_students_t_quantile(double both_tails, double freedom);

#endif
