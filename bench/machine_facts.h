/* What a machine is and in which state: read, not measured. */
#ifndef BENCH_MACHINE_FACTS_H
#define BENCH_MACHINE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/cgroup.h"

#define RB_MAX_CACHES 8
#define RB_MAX_NODES 64
#define RB_MAX_ISAS 32

typedef struct rb_cache_facts {
    int32_t level;
    const char *type;  /* "Data", "Instruction", "Unified" */
    int64_t bytes;     /* of one */
    int32_t count;     /* of such caches in the machine */
    int32_t shared_by; /* processors */
    int32_t line_bytes;
    int32_t ways; /* 0: unknown */
} rb_cache_facts;

/* Texts are "" and numbers -1 where the system does not tell. */
typedef struct rb_machine_facts {
    /* processor */
    char cpu_model[128], cpu_vendor[64], architecture[32];
    int32_t cpu_family, cpu_model_number, cpu_stepping;
    bool shows_cores; /* false: /sys hides them; then every processor counts as a core */
    int32_t packages, cores, processors; /* that are on line and not closed to this process */
    int32_t usable_processors;           /* of the process's affinity mask */
    int32_t usable_cores;                /* with at least one of them */
    int32_t core_kinds;                  /* 2 and more: cores differ in speed */
    int32_t smt;                         /* 1: some core has several processors; 0: none */
    rb_cache_facts caches[RB_MAX_CACHES];
    size_t cache_count;
    const char *isas[RB_MAX_ISAS]; /* as Linux spells them: "avx2", "asimd" */
    size_t isa_count;
    int32_t
        x86_64_level; /* 1..4 of the psABI's micro-architecture levels; 0: another architecture */

    /* memory */
    int64_t memory_bytes, available_bytes; /* available: to this process, its cgroup considered */
    int64_t swap_bytes, swap_used_bytes;
    int64_t node_bytes[RB_MAX_NODES]; /* of each NUMA node */
    int32_t nodes;

    /* system */
    char kernel[192], host_name[72];
    char governor[32]; /* "mixed": not the same for all processors */
    char scaling_driver[32];
    int32_t turbo;           /* 1: on; 0: off */
    int64_t mhz, mhz_most;   /* of the first processor: now, at most */
    char clock_source[32];   /* of the kernel: "tsc", "hpet" */
    char huge_pages[16];     /* transparent: "always", "madvise", "never" */
    int32_t aslr;            /* randomize_va_space: 0 off, 1, 2 */
    double load[3];          /* average of the last 1, 5, 15 minutes */
    double steal_since_boot; /* share of processor time */
    rb_cgroup cgroup;
    char hypervisor[64]; /* "KVM", "VMware", ...; "unknown" where there is one without a name */
    char container[32];  /* "docker", "podman", "lxc", ... */
} rb_machine_facts;

/* Load average of the last 1, 5, 15 minutes; -1: unknown. root: see bench/system_file.h. */
void rb_machine_load_read(const char *root, double load[3]);

/* root: see bench/system_file.h. Never fails: what cannot be read is unknown. */
void rb_machine_facts_read(const char *root, rb_machine_facts *facts);

#endif
