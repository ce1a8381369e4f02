#include "results/ledger.h"

#include <stddef.h>

#define FIELD(name) RB_JSON_FIELD(rb_ledger, COUNT, name)

const rb_json_field rb_ledger_fields[] = {
    FIELD(engine_rss_bytes),       FIELD(reader_rss_bytes),    FIELD(buffer_bytes),
    FIELD(host_peak_bytes),        FIELD(load_peak_rss_bytes), FIELD(open_peak_rss_bytes),
    FIELD(run_peak_rss_bytes),     FIELD(load_minor_faults),   FIELD(load_major_faults),
    FIELD(open_minor_faults),      FIELD(open_major_faults),   FIELD(first_run_minor_faults),
    FIELD(first_run_major_faults),
};

const size_t rb_ledger_field_count = sizeof rb_ledger_fields / sizeof rb_ledger_fields[0];

void rb_ledger_init(rb_ledger *ledger) {
    *ledger = (rb_ledger){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
}
