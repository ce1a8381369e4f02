#include "results/holm.h"

#include <math.h>

void rb_holm(const double *p, size_t count, double *adjusted) {
    double largest = 0;
    for (size_t done = 0; done < count; done++) { /* the smallest p that is left, each time */
        size_t next = count;
        for (size_t i = 0; i < count; i++) {
            size_t smaller = 0;
            for (size_t j = 0; j < count; j++)
                smaller += p[j] < p[i] || (p[j] == p[i] && j < i);
            if (smaller == done)
                next = i;
        }
        largest = fmax(largest, fmin(1, p[next] * (double)(count - done)));
        adjusted[next] = largest;
    }
}
