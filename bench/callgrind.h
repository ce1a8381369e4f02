/* Instructions of a call, counted by valgrind's callgrind: the same on a busy machine and a quiet
 * one. https://valgrind.org/docs/manual/cl-manual.html */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include "bench/gate_cell.h"
#include "results/gate_counts.h"

/* "valgrind-3.19.0". RB_ERR_USAGE when valgrind is not installed. */
rb_status rb_callgrind_version(char tool[64], rb_error *err);

/* Runs one call of an engine on the first batch of the cell's input in a worker under callgrind,
 * with one thread, and fills in the row; what goes wrong with the engine is said there. valgrind
 * shows a processor of its own to the program, so an engine may choose other kernels than outside:
 * on x86-64 at most AVX2. */
rb_status rb_callgrind_count(const rb_gate_cell *cell, const rb_plan_engine *engine,
                             rb_gate_count *row, rb_error *err);

#endif
