#include "bench/machine.h"

#include <hwloc.h>
#include <math.h>
#include <unistd.h>

#include "bench/affinity.h"
#include "bench/cgroup.h"
#include "bench/system_file.h"
#include "bench/topology.h"

int64_t rb_machine_available_bytes(void) {
    const rb_cgroup groups = rb_cgroup_read("");
    return rb_cgroup_available_bytes("", &groups);
}

rb_status rb_machine_check_memory(const char *what, double bytes, rb_error *err) {
    const int64_t available = rb_machine_available_bytes();
    if (available < 0 || bytes <= (double)available)
        return RB_OK;
    return rb_fail(err, RB_ERR_MEMORY, "%s needs %.0f MiB of memory, this machine has %.0f left",
                   what, ceil(bytes / (1 << 20)), floor((double)available / (1 << 20)));
}

/* Cores of which at least one processing unit is in the process's affinity mask. */
static int usable_cores(hwloc_topology_t topology) {
    int usable = 0;
    hwloc_cpuset_t mask = hwloc_bitmap_alloc();
    if (!mask || hwloc_get_cpubind(topology, mask, HWLOC_CPUBIND_PROCESS) != 0) {
        hwloc_bitmap_free(mask);
        return hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    }
    hwloc_obj_t core = NULL;
    while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)))
        usable += hwloc_bitmap_intersects(core->cpuset, mask);
    hwloc_bitmap_free(mask);
    return usable;
}

bool rb_machine_processors(int32_t threads, cpu_set_t *processors) {
    static const rb_affinity compact = {.kind = RB_AFFINITY_COMPACT};
    rb_placement placement;
    rb_affinity_place(&compact, threads, &placement);
    *processors = placement.set;
    return placement.kept;
}

static int sharers(hwloc_const_cpuset_t cpuset, const cpu_set_t *processors) {
    int count = 0;
    for (int unit = hwloc_bitmap_first(cpuset); unit >= 0; unit = hwloc_bitmap_next(cpuset, unit))
        count += unit < CPU_SETSIZE && CPU_ISSET((size_t)unit, processors);
    return count;
}

void rb_machine_cache_shares(const cpu_set_t *processors, int64_t *bytes) {
    const int64_t most = 512 << 20;
    hwloc_topology_t topology = rb_topology_load("");
    hwloc_obj_t unit = NULL;
    for (int i = 0; i < CPU_SETSIZE; i++)
        bytes[i] = 0;
    while (topology && (unit = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, unit))) {
        const unsigned processor = unit->os_index;
        if (processor >= CPU_SETSIZE || !CPU_ISSET(processor, processors))
            continue;
        for (hwloc_obj_t cache = unit; cache; cache = cache->parent) {
            if (!hwloc_obj_type_is_dcache(cache->type))
                continue;
            const int64_t size = (int64_t)cache->attr->cache.size;
            bytes[processor] += (size < most ? size : most) / sharers(cache->cpuset, processors);
        }
    }
    if (topology)
        hwloc_topology_destroy(topology);
}

double rb_machine_quota(void) {
    const double quota = rb_cgroup_read("").cpu_quota;
    return isfinite(quota) ? quota : NAN;
}

int32_t rb_machine_processor_count(void) {
    cpu_set_t allowed;
    const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                          ? CPU_COUNT(&allowed)
                          : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count;
}

bool rb_machine_shows_cores(void) {
    return rb_system_exists("", "/sys/devices/system/cpu/cpu0/topology");
}

int32_t rb_machine_threads(void) {
    hwloc_topology_t topology = rb_topology_load("");
    int cores = topology ? usable_cores(topology) : 0;
    if (topology)
        hwloc_topology_destroy(topology);
    if (cores < 1)
        cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const double quota = rb_cgroup_read("").cpu_quota;
    if (quota < cores)
        cores = (int)ceil(quota);
    return cores < 1 ? 1 : cores;
}
