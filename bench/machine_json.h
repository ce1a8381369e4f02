/* A machine's facts as JSON. */
#ifndef BENCH_MACHINE_JSON_H
#define BENCH_MACHINE_JSON_H

#include <jansson.h>

#include "bench/machine_facts.h"

/* The members that Google Benchmark's context block has of a machine (host_name, num_cpus,
 * mhz_per_cpu, cpu_scaling_enabled, caches, load_avg) have its names; the others are ours. What is
 * unknown is left out. A new reference. */
json_t *rb_machine_facts_to_json(const rb_machine_facts *facts);

#endif
