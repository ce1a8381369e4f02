/* The files of a profile: profile.json, profile.md, profile.csv in one directory. */
#ifndef RESULTS_PROFILE_REPORT_H
#define RESULTS_PROFILE_REPORT_H

#include <jansson.h>

#include "results/profile_record.h"

#define RB_PROFILE_JSON "profile.json"
#define RB_PROFILE_MARKDOWN "profile.md"
#define RB_PROFILE_CSV "profile.csv"

/* {profile: {schema_version, resbench, context, network, ..., peak_gmacs_per_second, peak_isa,
 * memory_bytes_per_ns, engines: [{engine, engine_version, verdict, ..., call_ms, profiled_ms,
 * nodes_ms, unaccounted_ms, profiling_cost_percent, nodes: [...], by_op: [...], by_stage: [...]}]}}
 * Lines have the keys of rb_profile_columns; what is not known is null. context is the machine's,
 * not owned; may be NULL. Each file appears whole or not at all. */
rb_status rb_profile_write(const rb_profile *profile, const json_t *context, const char *directory,
                           const char *title, rb_error *err);

#endif
