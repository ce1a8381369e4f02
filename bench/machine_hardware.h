/* The part of a machine's facts that hwloc and the processor tell. */
#ifndef BENCH_MACHINE_HARDWARE_H
#define BENCH_MACHINE_HARDWARE_H

#include "bench/machine_facts.h"

/* Fills processor, caches, instruction sets and NUMA nodes. root: see bench/system_file.h. */
void rb_machine_hardware_read(const char *root, rb_machine_facts *facts);

#endif
