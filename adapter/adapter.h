/* An engine out of a kernel plug-in and the reference: the plug-in does the convolutions, the
 * reference everything else. Built as a shared object of its own, so that its OpenMP runtime enters
 * no process that measures another engine. */
#ifndef ADAPTER_ADAPTER_H
#define ADAPTER_ADAPTER_H

#include "resbench/kernel.h"

#define RB_ADAPTER_SYMBOL "rb_adapter_create"

/* Both tables must have been checked, and live as long as the process; so does the engine, which is
 * the same one for the same two. NULL when there is no memory. */
__attribute__((visibility("default"))) const rb_engine *
rb_adapter_create(const rb_kernel *kernel, const rb_engine *reference);

#endif
