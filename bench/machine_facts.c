#include "bench/machine_facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "bench/machine_hardware.h"
#include "bench/machine_ticks.h"
#include "bench/system_file.h"
#include "bench/virtualisation.h"

static void read_memory(const char *root, rb_machine_facts *f) {
    static const char *const path = "/proc/meminfo";
    const int64_t swap = rb_system_kib(root, path, "SwapTotal");
    const int64_t swap_free = rb_system_kib(root, path, "SwapFree");
    f->memory_bytes = rb_system_kib(root, path, "MemTotal");
    f->available_bytes = rb_cgroup_available_bytes(root, &f->cgroup);
    f->swap_bytes = swap;
    f->swap_used_bytes = swap_free < 0 || swap < swap_free ? -1 : swap - swap_free;
}

/* "always [madvise] never": the word in brackets. */
static void read_huge_pages(const char *root, rb_machine_facts *f) {
    char line[128];
    rb_system_line(root, "/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line);
    const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    if (close)
        snprintf(f->huge_pages, sizeof f->huge_pages, "%.*s", (int)(close - open - 1), open + 1);
}

static void read_governor(const char *root, rb_machine_facts *f) {
    char path[128], governor[32];
    for (int32_t p = 0; p < f->processors; p++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", p);
        if (!rb_system_line(root, path, governor, sizeof governor))
            continue; /* numbers have gaps */
        if (!f->governor[0])
            strcpy(f->governor, governor);
        else if (strcmp(f->governor, governor) != 0)
            strcpy(f->governor, "mixed");
    }
}

static void read_frequency(const char *root, rb_machine_facts *f) {
    static const char *const cpufreq = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
    const int64_t no_turbo =
        rb_system_number(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", "");
    const int64_t boost = rb_system_number(root, "/sys/devices/system/cpu/cpufreq/boost", "");
    const int64_t most =
        rb_system_number(root, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "");
    const int64_t now = rb_system_number(root, cpufreq, "");
    f->turbo = no_turbo >= 0 ? no_turbo == 0 : boost >= 0 ? boost != 0 : -1;
    f->mhz = now >= 0 ? now / 1000 : rb_system_number(root, "/proc/cpuinfo", "cpu MHz");
    f->mhz_most = most >= 0 ? most / 1000 : -1;
    read_governor(root, f);
    rb_system_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", f->scaling_driver,
                   sizeof f->scaling_driver);
}

static void read_kernel(const char *root, rb_machine_facts *f) {
    char type[64], release[128];
    struct utsname system;
    if (!root[0] && uname(&system) == 0) {
        snprintf(f->kernel, sizeof f->kernel, "%.60s %.100s", system.sysname, system.release);
        snprintf(f->host_name, sizeof f->host_name, "%.70s", system.nodename);
        snprintf(f->architecture, sizeof f->architecture, "%.30s", system.machine);
        return;
    }
    if (rb_system_line(root, "/proc/sys/kernel/ostype", type, sizeof type) &&
        rb_system_line(root, "/proc/sys/kernel/osrelease", release, sizeof release))
        snprintf(f->kernel, sizeof f->kernel, "%s %s", type, release);
    rb_system_line(root, "/proc/sys/kernel/hostname", f->host_name, sizeof f->host_name);
    /* Linux has the first since 6.1; hwloc-gather-topology writes the second. */
    if (!rb_system_line(root, "/proc/sys/kernel/arch", f->architecture, sizeof f->architecture))
        rb_system_value(root, "/proc/hwloc-nofile-info", "Architecture", f->architecture,
                        sizeof f->architecture);
}

void rb_machine_load_read(const char *root, double load[3]) {
    char line[128];
    if (!rb_system_line(root, "/proc/loadavg", line, sizeof line) ||
        sscanf(line, "%lf %lf %lf", &load[0], &load[1], &load[2]) != 3)
        load[0] = load[1] = load[2] = -1;
}

static void read_state(const char *root, rb_machine_facts *f) {
    f->aslr = (int32_t)rb_system_number(root, "/proc/sys/kernel/randomize_va_space", "");
    rb_system_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                   f->clock_source, sizeof f->clock_source);
    rb_machine_load_read(root, f->load);
    f->steal_since_boot =
        rb_machine_steal_share((rb_machine_ticks){0, 0}, rb_machine_ticks_read(root));
}

void rb_machine_facts_read(const char *root, rb_machine_facts *f) {
    *f = (rb_machine_facts){.cpu_family = -1, .cpu_model_number = -1, .cpu_stepping = -1};
    f->cgroup = rb_cgroup_read(root);
    read_kernel(root, f);
    rb_machine_hardware_read(root, f);
    read_memory(root, f);
    read_frequency(root, f);
    read_huge_pages(root, f);
    read_state(root, f);
    rb_hypervisor_read(root, f->hypervisor, sizeof f->hypervisor);
    rb_container_read(root, f->container, sizeof f->container);
}
