/* Where the memory of one worker went, beside what rb_record says of its engine: what a process
 * can tell of itself. results/balance.h adds it up. */
#ifndef RESULTS_LEDGER_H
#define RESULTS_LEDGER_H

#include <stdint.h>

#include "results/json_fields.h"

/* Bytes and numbers of page faults; -1 unknown, null in a file. Page faults: getrusage(2), of all
 * threads; a minor one maps memory, a major one waits for a disk. */
typedef struct rb_ledger {
    int64_t engine_rss_bytes; /* what came with the engine's shared object and its libraries */
    int64_t reader_rss_bytes; /* what reading the weights left beside them: code and heap of HDF5 */
    int64_t buffer_bytes;     /* of the harness: input, addend and logits of the case */
    int64_t host_peak_bytes;  /* most that the engine held of the host's at once */
    /* Peak RSS by phase: until the weights are in memory, while the engine opens, and from then on.
     * Unknown where the kernel does not let a process forget an earlier peak. */
    int64_t load_peak_rss_bytes, open_peak_rss_bytes, run_peak_rss_bytes;
    int64_t load_minor_faults, load_major_faults;
    int64_t open_minor_faults, open_major_faults;
    int64_t first_run_minor_faults, first_run_major_faults;
} rb_ledger;

void rb_ledger_init(rb_ledger *ledger); /* all unknown */

extern const rb_json_field rb_ledger_fields[];
extern const size_t rb_ledger_field_count;

#endif
