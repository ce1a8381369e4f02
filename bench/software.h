/* What this program was made with. */
#ifndef BENCH_SOFTWARE_H
#define BENCH_SOFTWARE_H

#include <jansson.h>

/* executable, library_version (Google Benchmark's), library_build_type, resbench_version, compiler,
 * hdf5_version, hwloc_version, jansson_version, and openmp_settings, which is what the user tells
 * the OpenMP runtimes of the engines: it decides how threads wait and where. */
void rb_software_add(json_t *context);

#endif
