/* What bench/cell.c shares with the files of its scenarios. */
#ifndef BENCH_CELL_PARTS_H
#define BENCH_CELL_PARTS_H

#include "bench/cell.h"

/* A failure that is the engine's costs the row; any other goes up. */
rb_status rb_cell_settle(rb_cell *cell, rb_status status, const char *step, rb_error *err);

/* Room for so many samples more. */
rb_status rb_cell_make_room(rb_cell *cell, size_t more, rb_error *err);

/* A turn of the scenario offline: one stretch, and parity of every image of the set. */
rb_status rb_cell_stream(rb_cell *cell, rb_error *err);

#endif
