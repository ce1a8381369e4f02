/* What the control groups of this process allow it (Linux: Documentation/admin-guide/cgroup-v2.rst,
 * cgroup-v1/). */
#ifndef BENCH_CGROUP_H
#define BENCH_CGROUP_H

#include <stdint.h>

typedef struct rb_cgroup {
    int version;          /* of the hierarchy that limits processors: 1, 2; 0: there is none */
    double cpu_quota;     /* processors' worth of time in each period; infinity: no limit */
    int64_t memory_limit; /* bytes; -1: none */
    int64_t memory_left; /* bytes until a limit is met, caches of files not counted; -1: no limit */
} rb_cgroup;

/* root: see bench/system_file.h. Limits of all groups from the process's own up to the first count,
 * the tightest of each kind. */
rb_cgroup rb_cgroup_read(const char *root);

/* Memory that this process could still have: the system's estimate, no more than the groups' limits
 * leave. -1: unknown. */
int64_t rb_cgroup_available_bytes(const char *root, const rb_cgroup *groups);

#endif
