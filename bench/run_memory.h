/* Which cells of a run fit into memory. */
#ifndef BENCH_RUN_MEMORY_H
#define BENCH_RUN_MEMORY_H

#include "bench/cell.h"
#include "bench/run_share.h"
#include "bench/run_source.h"

/* Takes those batches out of *plan at which not even one engine fits, or the oracle does not, and
 * puts a row that says so for each of their cells that the share has. all: take every batch out,
 * for the reason in err; NULL: look at what each one needs. setting: that of the size; its graph,
 * inputs, batch and threads are not looked at. */
rb_status rb_run_refuse_batches(rb_plan *plan, const rb_run_share *share,
                                const rb_run_source *source, const rb_cell_setting *setting,
                                const rb_error *all, rb_record_list *records, rb_error *err);

/* Ends the cells, workers of one group that are open at once, which do not fit beside those in
 * front of them: each is over, with its reason as a note. What all of them share is there already.
 */
void rb_run_refuse_cells(rb_cell *cells, size_t count);

#endif
