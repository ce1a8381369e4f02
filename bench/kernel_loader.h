/* Kernel plug-ins: what they are checked for, and the engine that the adapter makes of one. */
#ifndef BENCH_KERNEL_LOADER_H
#define BENCH_KERNEL_LOADER_H

#include "resbench/kernel.h"

/* The engine of the plug-in whose table get gives, RB_ERR_ENGINE when the table is not right: ABI
 * version and size are named with both numbers. path: of the plug-in's shared object; reference:
 * the table of the program's own. */
rb_status rb_kernel_adapt(const char *path, const rb_kernel *(*get)(void),
                          const rb_engine *reference, const rb_engine **engine, rb_error *err);

#endif
