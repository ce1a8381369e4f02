/* Processors, cores, caches and memory, as hwloc sees them. */
#ifndef BENCH_TOPOLOGY_H
#define BENCH_TOPOLOGY_H

#include <hwloc.h>

/* root: see bench/system_file.h. NULL: hwloc cannot tell. hwloc_topology_destroy releases it. */
hwloc_topology_t rb_topology_load(const char *root);

#endif
