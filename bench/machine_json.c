#include "bench/machine_json.h"

#include <math.h>
#include <string.h>

static void set_text(json_t *object, const char *key, const char *text) {
    if (text && text[0])
        json_object_set_new(object, key, json_string(text));
}

static void set_integer(json_t *object, const char *key, int64_t value) {
    if (value >= 0)
        json_object_set_new(object, key, json_integer(value));
}

static void set_switch(json_t *object, const char *key, int32_t value) {
    if (value >= 0)
        json_object_set_new(object, key, json_boolean(value));
}

static json_t *caches_to_json(const rb_machine_facts *f) {
    json_t *caches = json_array();
    for (size_t i = 0; i < f->cache_count; i++) {
        const rb_cache_facts *c = &f->caches[i];
        json_array_append_new(
            caches, json_pack("{s:s, s:i, s:I, s:i, s:i, s:i, s:i}", "type", c->type, "level",
                              c->level, "size", (json_int_t)c->bytes, "num_sharing", c->shared_by,
                              "count", c->count, "line_bytes", c->line_bytes, "ways", c->ways));
    }
    return caches;
}

static void add_processor(json_t *object, const rb_machine_facts *f) {
    json_t *isas = json_array();
    set_text(object, "cpu_model", f->cpu_model);
    set_text(object, "cpu_vendor", f->cpu_vendor);
    set_integer(object, "cpu_family", f->cpu_family);
    set_integer(object, "cpu_model_number", f->cpu_model_number);
    set_integer(object, "cpu_stepping", f->cpu_stepping);
    set_text(object, "architecture", f->architecture);
    json_object_set_new(object, "shows_cores", json_boolean(f->shows_cores));
    set_integer(object, "packages", f->packages);
    set_integer(object, "cores", f->cores);
    set_integer(object, "num_cpus", f->processors);
    set_integer(object, "usable_cores", f->usable_cores);
    set_integer(object, "usable_cpus", f->usable_processors);
    set_integer(object, "core_kinds", f->core_kinds);
    set_switch(object, "smt", f->smt);
    json_object_set_new(object, "caches", caches_to_json(f));
    for (size_t i = 0; i < f->isa_count; i++)
        json_array_append_new(isas, json_string(f->isas[i]));
    json_object_set_new(object, "isas", isas);
    if (f->x86_64_level > 0)
        json_object_set_new(object, "x86_64_level", json_integer(f->x86_64_level));
}

static void add_memory(json_t *object, const rb_machine_facts *f) {
    json_t *nodes = json_array();
    set_integer(object, "memory_bytes", f->memory_bytes);
    set_integer(object, "available_bytes", f->available_bytes);
    set_integer(object, "swap_bytes", f->swap_bytes);
    set_integer(object, "swap_used_bytes", f->swap_used_bytes);
    for (int32_t i = 0; i < f->nodes; i++)
        json_array_append_new(nodes, json_integer(f->node_bytes[i]));
    json_object_set_new(object, "numa_node_bytes", nodes);
    set_text(object, "transparent_huge_pages", f->huge_pages);
}

static void add_frequency(json_t *object, const rb_machine_facts *f) {
    set_integer(object, "mhz_per_cpu", f->mhz);
    set_integer(object, "mhz_most", f->mhz_most);
    json_object_set_new(object, "cpu_scaling_enabled",
                        json_boolean(f->governor[0] && strcmp(f->governor, "performance") != 0));
    set_text(object, "governor", f->governor);
    set_text(object, "scaling_driver", f->scaling_driver);
    set_switch(object, "turbo", f->turbo);
}

static void add_system(json_t *object, const rb_machine_facts *f) {
    const rb_cgroup *groups = &f->cgroup;
    set_text(object, "host_name", f->host_name);
    set_text(object, "kernel", f->kernel);
    set_text(object, "clock_source", f->clock_source);
    set_integer(object, "aslr", f->aslr);
    if (f->load[0] >= 0)
        json_object_set_new(object, "load_avg",
                            json_pack("[f, f, f]", f->load[0], f->load[1], f->load[2]));
    if (f->steal_since_boot >= 0)
        json_object_set_new(object, "steal_since_boot", json_real(f->steal_since_boot));
    set_text(object, "hypervisor", f->hypervisor);
    set_text(object, "container", f->container);
    if (groups->version > 0)
        json_object_set_new(object, "cgroup_version", json_integer(groups->version));
    if (isfinite(groups->cpu_quota))
        json_object_set_new(object, "cpu_quota", json_real(groups->cpu_quota));
    set_integer(object, "memory_limit_bytes", groups->memory_limit);
}

json_t *rb_machine_facts_to_json(const rb_machine_facts *facts) {
    json_t *object = json_object();
    add_processor(object, facts);
    add_memory(object, facts);
    add_frequency(object, facts);
    add_system(object, facts);
    return object;
}
