#include "results/holm.h"

#include <math.h>
#include <stdbool.h>

/* By size, equal ones by place. */
static bool is_before(const double *p, size_t i, size_t j) {
    return p[i] < p[j] || (p[i] == p[j] && i < j);
}

void rb_holm(const double *p, size_t count, double *adjusted) {
    double largest = 0;
    size_t last = count;
    for (size_t done = 0; done < count; done++) { /* the smallest p that is left, each time */
        size_t next = count;
        for (size_t i = 0; i < count; i++)
            if ((last == count || is_before(p, last, i)) &&
                (next == count || is_before(p, i, next)))
                next = i;
        largest = fmax(largest, fmin(1, p[next] * (double)(count - done)));
        adjusted[next] = largest;
        last = next;
    }
}
