#include "results/roofline.h"

#include <math.h>

/* NaN where there is nothing to divide by. */
static double ratio(double value, double by) {
    return by > 0 ? value / by : NAN;
}

rb_roofline rb_roofline_of(const rb_roof *roof, int64_t macs, int64_t bytes, double ns) {
    const double computing_ns = ratio((double)macs, roof->peak_gmacs);
    const double moving_ns = ratio((double)bytes, roof->bandwidth);
    const bool known = !isnan(computing_ns) && !isnan(moving_ns);
    const double bound_ns = known ? fmax(computing_ns, moving_ns) : NAN;
    return (rb_roofline){.intensity = ratio((double)macs, (double)bytes),
                         .bound_ns = bound_ns,
                         .memory_bound = moving_ns > computing_ns,
                         .share_of_peak = ratio(computing_ns, ns),
                         .share_of_bandwidth = ratio(moving_ns, ns),
                         .share_of_bound = ratio(bound_ns, ns)};
}

void rb_roofline_print_above(int64_t rows, FILE *out) {
    if (rows > 0)
        fprintf(out,
                "%lld %s above 100 %% of the measured peak: the machine was busy while that was "
                "measured,\nor fewer multiply-adds are executed than are counted (Winograd).\n",
                (long long)rows, rows == 1 ? "row is" : "rows are");
}
