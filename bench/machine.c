#include "bench/machine.h"

#include <hdf5.h>
#include <hwloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* First line of a file, without its end; false when there is none. */
static bool read_line(const char *path, char *line, size_t capacity) {
    FILE *file = fopen(path, "r");
    const bool read = file && fgets(line, (int)capacity, file);
    if (file)
        fclose(file);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

static hwloc_topology_t load_topology(void) {
    hwloc_topology_t topology;
    setenv("HWLOC_HIDE_ERRORS", "2", 0); /* it would say on stderr that there is no /sys */
    if (hwloc_topology_init(&topology) != 0)
        return NULL;
    /* Objects outside the process's own cpuset do not count. */
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM);
    if (hwloc_topology_load(topology) == 0)
        return topology;
    hwloc_topology_destroy(topology);
    return NULL;
}

/* Processors' worth of time per period that the cgroup allows (cgroup v2 cpu.max, v1 cfs
 * quota); infinity when there is no limit. */
static double cpu_quota(void) {
    char line[128];
    double quota, period;
    if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof line))
        return sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period
                                                                           : INFINITY;
    char period_line[128];
    if (read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line) &&
        read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_line, sizeof period_line) &&
        atof(line) > 0 && atof(period_line) > 0)
        return atof(line) / atof(period_line);
    return INFINITY;
}

/* The number behind a word that begins a line of a file of the kernel's; -1: there is none. */
static int64_t number_of(const char *path, const char *word) {
    char line[128];
    long long value = -1;
    FILE *file = fopen(path, "r");
    while (file && value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            sscanf(line + strlen(word), "%lld", &value);
    if (file)
        fclose(file);
    return value;
}

int64_t rb_machine_available_bytes(void) {
    const int64_t kib = number_of("/proc/meminfo", "MemAvailable:");
    const int64_t system = kib < 0 ? -1 : kib * 1024;
    const int64_t limit = number_of("/sys/fs/cgroup/memory.max", "");
    const int64_t used = number_of("/sys/fs/cgroup/memory.stat", "anon ");
    if (limit < 0 || used < 0)
        return system;
    const int64_t left = limit > used ? limit - used : 0;
    return system < 0 || left < system ? left : system;
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
    cpu_set_t allowed;
    hwloc_topology_t topology = load_topology();
    hwloc_obj_t core = NULL;
    int32_t found = 0;
    CPU_ZERO(processors);
    if (!topology || sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        if (topology)
            hwloc_topology_destroy(topology);
        return false;
    }
    while (found < threads && (core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core))) {
        int unit = hwloc_bitmap_first(core->cpuset);
        while (unit >= 0 && !(unit < CPU_SETSIZE && CPU_ISSET((size_t)unit, &allowed)))
            unit = hwloc_bitmap_next(core->cpuset, unit);
        if (unit >= 0) {
            CPU_SET((size_t)unit, processors);
            found++;
        }
    }
    hwloc_topology_destroy(topology);
    if (found < threads)
        *processors = allowed;
    return true;
}

static int sharers(hwloc_const_cpuset_t cpuset, const cpu_set_t *processors) {
    int count = 0;
    for (int unit = hwloc_bitmap_first(cpuset); unit >= 0; unit = hwloc_bitmap_next(cpuset, unit))
        count += unit < CPU_SETSIZE && CPU_ISSET((size_t)unit, processors);
    return count;
}

void rb_machine_cache_shares(const cpu_set_t *processors, int64_t *bytes) {
    const int64_t most = 512 << 20;
    hwloc_topology_t topology = load_topology();
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

int32_t rb_machine_processor_count(void) {
    cpu_set_t allowed;
    const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                          ? CPU_COUNT(&allowed)
                          : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count;
}

bool rb_machine_shows_cores(void) {
    return access("/sys/devices/system/cpu/cpu0/topology", R_OK) == 0;
}

int32_t rb_machine_threads(void) {
    hwloc_topology_t topology = load_topology();
    int cores = topology ? usable_cores(topology) : 0;
    if (topology)
        hwloc_topology_destroy(topology);
    if (cores < 1)
        cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const double quota = cpu_quota();
    if (quota < cores)
        cores = (int)ceil(quota);
    return cores < 1 ? 1 : cores;
}

static void set_text(json_t *context, const char *key, const char *text) {
    json_t *value = text ? json_string(text) : NULL;
    if (value)
        json_object_set_new(context, key, value);
}

static json_t *caches_of(hwloc_topology_t topology) {
    static const struct {
        hwloc_obj_type_t type;
        const char *name;
        int level;
    } kinds[] = {{HWLOC_OBJ_L1CACHE, "Data", 1},
                 {HWLOC_OBJ_L1ICACHE, "Instruction", 1},
                 {HWLOC_OBJ_L2CACHE, "Unified", 2},
                 {HWLOC_OBJ_L3CACHE, "Unified", 3}};
    json_t *caches = json_array();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const hwloc_obj_t cache = hwloc_get_obj_by_type(topology, kinds[i].type, 0);
        if (cache)
            json_array_append_new(
                caches, json_pack("{s:s, s:i, s:I, s:i}", "type", kinds[i].name, "level",
                                  kinds[i].level, "size", (json_int_t)cache->attr->cache.size,
                                  "num_sharing", hwloc_bitmap_weight(cache->cpuset)));
    }
    return caches;
}

static void add_hardware(json_t *context) {
    hwloc_topology_t topology = load_topology();
    if (!topology)
        return;
    const hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const hwloc_obj_t root = hwloc_get_root_obj(topology);
    const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    set_text(context, "cpu_model", model ? model : hwloc_obj_get_info_by_name(root, "CPUModel"));
    json_object_set_new(context, "num_cpus",
                        json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU)));
    json_object_set_new(context, "cores",
                        json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE)));
    json_object_set_new(context, "memory_bytes", json_integer((json_int_t)root->total_memory));
    json_object_set_new(context, "caches", caches_of(topology));
    hwloc_topology_destroy(topology);
}

/* Of the first processor, now; 0 unknown. Virtual machines often have /proc/cpuinfo alone. */
static long long megahertz(void) {
    char line[256];
    double mhz = 0;
    if (read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", line, sizeof line))
        return atoll(line) / 1000;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "cpu MHz : %lf", &mhz) == 1)
            break;
    if (file)
        fclose(file);
    return (long long)mhz;
}

static void add_state(json_t *context) {
    char line[256];
    double load[3];
    struct utsname system;
    if (getloadavg(load, 3) == 3)
        json_object_set_new(context, "load_avg", json_pack("[f, f, f]", load[0], load[1], load[2]));
    if (uname(&system) == 0) {
        set_text(context, "host_name", system.nodename);
        snprintf(line, sizeof line, "%.60s %.100s %.60s", system.sysname, system.release,
                 system.machine);
        set_text(context, "kernel", line);
    }
    const bool scaling =
        read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", line, sizeof line);
    json_object_set_new(context, "cpu_scaling_enabled",
                        json_boolean(scaling && strcmp(line, "performance") != 0));
    if (scaling)
        set_text(context, "governor", line);
    json_object_set_new(context, "mhz_per_cpu", json_integer(megahertz()));
    const double quota = cpu_quota();
    if (isfinite(quota))
        json_object_set_new(context, "cpu_quota", json_real(quota));
}

/* What the user tells the OpenMP runtimes of the engines: it decides how threads wait and where. */
static void add_openmp_settings(json_t *context) {
    static const char *const names[] = {"OMP_WAIT_POLICY",   "OMP_PROC_BIND",  "OMP_PLACES",
                                        "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "KMP_AFFINITY",
                                        "KMP_BLOCKTIME"};
    json_t *settings = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        set_text(settings, names[i], getenv(names[i]));
    json_object_set_new(context, "openmp_settings", settings);
}

static void add_software(json_t *context) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    set_text(context, "hdf5_version", text);
    set_text(context, "resbench_version", RB_VERSION);
    set_text(context, "compiler", __VERSION__);
    set_text(context, "executable", "resbench");
#ifdef NDEBUG
    set_text(context, "library_build_type", "release");
#else
    set_text(context, "library_build_type", "debug");
#endif
}

json_t *rb_machine_context(void) {
    char date[64];
    const time_t now = time(NULL);
    struct tm parts;
    json_t *context = json_object();
    localtime_r(&now, &parts);
    const size_t length = strftime(date, sizeof date - 1, "%Y-%m-%dT%H:%M:%S%z", &parts);
    if (length > 2) { /* RFC 3339 wants +01:00 where strftime gives +0100 */
        memmove(date + length - 1, date + length - 2, 3);
        date[length - 2] = ':';
    }
    set_text(context, "date", date);
    add_hardware(context);
    add_state(context);
    add_software(context);
    add_openmp_settings(context);
    return context;
}

rb_machine_ticks rb_machine_ticks_now(void) {
    char line[512];
    unsigned long long value[8];
    rb_machine_ticks ticks = {0, 0};
    if (read_line("/proc/stat", line, sizeof line) &&
        sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &value[0], &value[1], &value[2],
               &value[3], &value[4], &value[5], &value[6], &value[7]) == 8) {
        ticks.steal = value[7];
        for (int i = 0; i < 8; i++)
            ticks.all += value[i];
    }
    return ticks;
}

double rb_machine_steal_share(rb_machine_ticks from, rb_machine_ticks to) {
    if (to.all <= from.all || to.steal < from.steal)
        return -1;
    return (double)(to.steal - from.steal) / (double)(to.all - from.all);
}
