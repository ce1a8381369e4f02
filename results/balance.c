#include "results/balance.h"

#include <math.h>

static double known(int64_t bytes) {
    return bytes < 0 ? NAN : (double)bytes;
}

static double or_nothing(double bytes) {
    return isnan(bytes) ? 0 : bytes;
}

rb_balance rb_balance_of(const rb_record *record) {
    rb_balance b = {.engine = known(record->ledger.engine_rss_bytes),
                    .reader = known(record->ledger.reader_rss_bytes),
                    .buffers = known(record->ledger.buffer_bytes),
                    .weights = known(record->packed_weight_bytes),
                    .activations = known(record->activation_bytes),
                    .scratch = known(record->scratch_bytes),
                    .steady = known(record->steady_rss_bytes),
                    .peak = known(record->peak_rss_bytes)};
    b.start = b.peak - known(record->peak_rss_after_start_bytes);
    b.passing = b.peak - b.steady;
    b.unaccounted = b.steady - or_nothing(b.start) - or_nothing(b.engine) - or_nothing(b.reader) -
                    or_nothing(b.buffers) - or_nothing(b.weights) - or_nothing(b.activations) -
                    or_nothing(b.scratch);
    return b;
}
