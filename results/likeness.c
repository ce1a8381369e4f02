#include "results/likeness.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const of_machine[] = {
    "cpu_model",
    "cpu_vendor",
    "cpu_family",
    "cpu_model_number",
    "cpu_stepping",
    "architecture",
    "cores",
    "num_cpus",
    "usable_cores",
    "usable_cpus",
    "smt",
    "caches",
    "isas",
    "hypervisor",
    "cpu_quota",
    "governor",
    "scaling_driver",
    "turbo",
    "transparent_huge_pages",
    "clock_source",
    "openmp_settings",
};
static const char *const of_method[] = {
    "tier", "scenario", "seed", "affinity", "in_process", "images_sha256",
};
static const char *const of_software[] = {
    "resbench_version",   "compiler",
    "library_build_type", "hdf5_version",
    "hwloc_version",      "jansson_version",
    "library_version",    "kernel",
    "container",          "aslr",
    "host_name",          "memory_bytes",
    "memory_limit_bytes", "grade",
};

/* The plan says what the run was asked for, the context what the machine was. */
static const json_t *member_of(const rb_report *report, const char *name) {
    const json_t *value = json_object_get(report->plan, name);
    return value ? value : json_object_get(report->context, name);
}

static void describe(const json_t *value, char text[160]) {
    char *dumped =
        value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    snprintf(text, 160, "%s", dumped ? dumped : "nothing");
    rb_text_clean(text);
    free(dumped);
}

static size_t find(const rb_report *a, const rb_report *b, const char *const *names, size_t count,
                   rb_difference differences[RB_MOST_DIFFERENCES]) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *of_a = member_of(a, names[i]), *of_b = member_of(b, names[i]);
        if ((!of_a && !of_b) || json_equal(of_a, of_b))
            continue;
        rb_difference *difference = &differences[found++];
        difference->member = names[i];
        describe(of_a, difference->a);
        describe(of_b, difference->b);
    }
    return found;
}

#define FIND(names, to) find(a, b, names, sizeof names / sizeof names[0], to)

void rb_likeness_find(const rb_report *a, const rb_report *b, rb_likeness *likeness) {
    *likeness = (rb_likeness){.machine_count = 0};
    likeness->machine_count = FIND(of_machine, likeness->machine);
    likeness->method_count = FIND(of_method, likeness->method);
    likeness->shown_count = FIND(of_software, likeness->shown);
}

static rb_status refuse(const char *what, const char *remedy, const rb_difference *differences,
                        size_t count, rb_error *err) {
    char text[900] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++) {
        const rb_difference *d = &differences[i];
        const int length = snprintf(text + used, sizeof text - used, "%s%s %s in A, %s in B",
                                    i ? "; " : "", d->member, d->a, d->b);
        used += length > 0 ? (size_t)length : 0;
    }
    return rb_fail(err, RB_ERR_NOT_COMPARABLE, "%s: %.800s%s", what, text, remedy);
}

rb_status rb_likeness_check(const rb_likeness *likeness, bool across, rb_error *err) {
    if (likeness->method_count > 0)
        return refuse("not measured in the same way", "", likeness->method, likeness->method_count,
                      err);
    if (likeness->machine_count > 0 && !across)
        return refuse("unlike machines", " (--across-machines compares ratios)", likeness->machine,
                      likeness->machine_count, err);
    return RB_OK;
}
