#include "bench/machine_hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/system_file.h"
#include "bench/topology.h"

static void set_text(char *text, size_t capacity, const char *value) {
    if (!value)
        return;
    snprintf(text, capacity, "%s", value);
    rb_text_clean(text);
}

/* Of the first package, or of the whole machine; NULL: unknown. */
static const char *info(hwloc_topology_t topology, const char *name) {
    const hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const char *text = package ? hwloc_obj_get_info_by_name(package, name) : NULL;
    return text ? text : hwloc_obj_get_info_by_name(hwloc_get_root_obj(topology), name);
}

static int32_t info_number(hwloc_topology_t topology, const char *name) {
    const char *text = info(topology, name);
    return text ? atoi(text) : -1;
}

/* Arm's 64-bit processors have numbers (MIDR_EL1) where others have a name, and hwloc none for
 * them. */
static void name_arm(const char *root_path, rb_machine_facts *f) {
    char maker[16], part[16];
    if (!f->cpu_model[0] &&
        rb_system_value(root_path, "/proc/cpuinfo", "CPU implementer", maker, sizeof maker) &&
        rb_system_value(root_path, "/proc/cpuinfo", "CPU part", part, sizeof part))
        snprintf(f->cpu_model, sizeof f->cpu_model, "Arm, implementer %s, part %s", maker, part);
}

/* Without /sys hwloc counts the processors of the system that this runs on. */
static int32_t count_processors(const char *root_path) {
    char path[4096], line[64];
    int32_t count = 0;
    snprintf(path, sizeof path, "%s/proc/cpuinfo", root_path);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        count += strncmp(line, "processor\t", 10) == 0;
    if (file)
        fclose(file);
    return count;
}

static void read_processor(const char *root_path, hwloc_topology_t topology, rb_machine_facts *f) {
    set_text(f->cpu_model, sizeof f->cpu_model, info(topology, "CPUModel"));
    if (!f->cpu_model[0])
        rb_system_value(root_path, "/proc/cpuinfo", "model name", f->cpu_model,
                        sizeof f->cpu_model);
    name_arm(root_path, f);
    set_text(f->cpu_vendor, sizeof f->cpu_vendor, info(topology, "CPUVendor"));
    f->cpu_family = info_number(topology, "CPUFamilyNumber");
    f->cpu_model_number = info_number(topology, "CPUModelNumber");
    f->cpu_stepping = info_number(topology, "CPUStepping");
    f->packages = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    f->cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    f->processors = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    if (root_path[0] && !f->shows_cores) {
        f->packages = -1;
        f->cores = f->processors = count_processors(root_path);
    }
    if (f->cores < 1)
        f->cores = f->processors;
    if (f->shows_cores)
        f->smt = f->processors > f->cores;
    const int kinds = hwloc_cpukinds_get_nr(topology, 0);
    f->core_kinds = kinds > 0 ? kinds : 1;
}

static void read_usable(const char *root, hwloc_topology_t topology, rb_machine_facts *f) {
    char list[4096];
    hwloc_obj_t core = NULL;
    hwloc_bitmap_t mask = hwloc_bitmap_alloc();
    f->usable_processors = f->processors;
    f->usable_cores = f->cores;
    if (mask && f->shows_cores &&
        rb_system_value(root, "/proc/self/status", "Cpus_allowed_list", list, sizeof list) &&
        hwloc_bitmap_list_sscanf(mask, list) == 0) {
        hwloc_bitmap_and(mask, mask, hwloc_topology_get_topology_cpuset(topology));
        f->usable_processors = hwloc_bitmap_weight(mask);
        f->usable_cores = 0;
        while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)))
            f->usable_cores += hwloc_bitmap_intersects(core->cpuset, mask);
    }
    if (f->usable_cores < 1)
        f->usable_cores = f->usable_processors;
    hwloc_bitmap_free(mask);
}

static void read_caches(hwloc_topology_t topology, rb_machine_facts *f) {
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE,
                                             HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE,
                                             HWLOC_OBJ_L4CACHE};
    static const char *const names[] = {[HWLOC_OBJ_CACHE_UNIFIED] = "Unified",
                                        [HWLOC_OBJ_CACHE_DATA] = "Data",
                                        [HWLOC_OBJ_CACHE_INSTRUCTION] = "Instruction"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const hwloc_obj_t cache = hwloc_get_obj_by_type(topology, types[i], 0);
        if (!cache)
            continue;
        const struct hwloc_cache_attr_s *a = &cache->attr->cache;
        f->caches[f->cache_count++] =
            (rb_cache_facts){.level = (int32_t)a->depth,
                             .type = names[a->type],
                             .bytes = (int64_t)a->size,
                             .count = hwloc_get_nbobjs_by_type(topology, types[i]),
                             .shared_by = hwloc_bitmap_weight(cache->cpuset),
                             .line_bytes = (int32_t)a->linesize,
                             .ways = a->associativity > 0 ? a->associativity : 0};
    }
}

static void read_nodes(hwloc_topology_t topology, rb_machine_facts *f) {
    hwloc_obj_t node = NULL;
    while (f->nodes < RB_MAX_NODES &&
           (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)))
        if (node->attr->numanode.local_memory > 0) /* some have processors alone */
            f->node_bytes[f->nodes++] = (int64_t)node->attr->numanode.local_memory;
}

/* Which of the flags in /proc/cpuinfo are told, in this order (Linux: arch/x86/include/asm/
 * cpufeatures.h, Documentation/arch/arm64/elf_hwcaps.rst). */
static const char *const known_isas[] = {
    "sse2",        "ssse3",    "sse4_1",   "sse4_2",   "avx",      "f16c",        "fma",
    "avx2",        "avx_vnni", "avx512f",  "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd",    "asimdhp",     "asimddp",
    "i8mm",        "bf16",     "sve",      "sve2",     "sme",      "neon"};
_Static_assert(sizeof known_isas / sizeof known_isas[0] <= RB_MAX_ISAS, "room for all");

/* System V ABI, AMD64 supplement, "Micro-Architecture Levels"; Linux calls LZCNT abm, and xsave is
 * shown only where OSXSAVE is. */
static int32_t level_of(const char *flags) {
    static const char *const needed[][9] = {
        {"lm", "sse2"},
        {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
        {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
        {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}};
    int32_t level = 0;
    for (; level < 4; level++)
        for (size_t i = 0; i < 9 && needed[level][i]; i++)
            if (!rb_system_has_word(flags, needed[level][i]))
                return level;
    return level;
}

static void read_isas(const char *root, rb_machine_facts *f) {
    char flags[8192];
    const bool x86 = rb_system_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags);
    if (!x86 && !rb_system_value(root, "/proc/cpuinfo", "Features", flags, sizeof flags))
        return;
    for (size_t i = 0; i < sizeof known_isas / sizeof known_isas[0]; i++)
        if (rb_system_has_word(flags, known_isas[i]))
            f->isas[f->isa_count++] = known_isas[i];
    f->x86_64_level = level_of(flags);
    if (!f->architecture[0])
        set_text(f->architecture, sizeof f->architecture,
                 f->x86_64_level > 0                  ? "x86_64"
                 : rb_system_has_word(flags, "asimd") ? "aarch64"
                                                      : "");
}

void rb_machine_hardware_read(const char *root, rb_machine_facts *f) {
    f->shows_cores = rb_system_exists(root, "/sys/devices/system/cpu/cpu0/topology");
    f->smt = -1;
    read_isas(root, f);
    hwloc_topology_t topology = rb_topology_load(root);
    if (!topology)
        return;
    read_processor(root, topology, f);
    read_usable(root, topology, f);
    read_caches(topology, f);
    read_nodes(topology, f);
    hwloc_topology_destroy(topology);
}
