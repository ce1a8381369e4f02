#include "bench/software.h"

#include <hdf5.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>

static void set_text(json_t *context, const char *key, const char *text) {
    json_t *value = text ? json_string(text) : NULL;
    if (value)
        json_object_set_new(context, key, value);
}

static void add_openmp_settings(json_t *context) {
    static const char *const names[] = {"OMP_WAIT_POLICY",   "OMP_PROC_BIND",  "OMP_PLACES",
                                        "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "KMP_AFFINITY",
                                        "KMP_BLOCKTIME"};
    json_t *settings = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        set_text(settings, names[i], getenv(names[i]));
    json_object_set_new(context, "openmp_settings", settings);
}

/* Of the libraries that are loaded, which need not be those compiled against. */
static void add_libraries(json_t *context) {
    char text[64];
    unsigned major = 0, minor = 0, release = 0;
    if (H5get_libversion(&major, &minor, &release) >= 0) {
        snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
        set_text(context, "hdf5_version", text);
    }
    /* hwloc knows the version of its interface alone; the release is that of the headers. */
    set_text(context, "hwloc_version", HWLOC_VERSION);
    set_text(context, "jansson_version", jansson_version_str());
    set_text(context, "library_version", RB_BENCHMARK_VERSION);
}

void rb_software_add(json_t *context) {
    set_text(context, "executable", "resbench");
    set_text(context, "resbench_version", RB_VERSION);
    set_text(context, "compiler", __VERSION__);
#ifdef NDEBUG
    set_text(context, "library_build_type", "release");
#else
    set_text(context, "library_build_type", "debug");
#endif
    add_libraries(context);
    add_openmp_settings(context);
}
