/* Energy meters: a hand-made tree of powercap, which counts, wraps, hides and lies. */
#include "test_support.h"

#include <math.h>

#include "bench/energy.h"

#define RANGE 262143328850 /* uJ, as an Intel Xeon has it */

static void write_number(const char *root, const char *zone, const char *name, long long value) {
    char path[PATH_SIZE], text[32];
    const int length = snprintf(text, sizeof text, "%lld\n", value);
    snprintf(path, sizeof path, "%s/sys/class/powercap/%s/%s", root, zone, name);
    save(path, text, (size_t)length);
}

static void make_zone(const char *root, const char *zone, const char *name, long long microjoules) {
    char path[PATH_SIZE];
    static const char *const parts[] = {"sys", "sys/class", "sys/class/powercap"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        snprintf(path, sizeof path, "%s/%s", root, parts[i]);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/sys/class/powercap/%s", root, zone);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/sys/class/powercap/%s/name", root, zone);
    char text[64];
    save(path, text, (size_t)snprintf(text, sizeof text, "%s\n", name));
    write_number(root, zone, "max_energy_range_uj", RANGE);
    write_number(root, zone, "energy_uj", microjoules);
}

static void packages_and_memory_are_added_up(void **state) {
    const char *root = *state;
    rb_energy energy;
    make_zone(root, "intel-rapl:0", "package-0", 1000000);
    make_zone(root, "intel-rapl:0:0", "core", 900000);
    make_zone(root, "intel-rapl:0:1", "dram", 5000000);
    make_zone(root, "intel-rapl:1", "package-1", 2000000);
    make_zone(root, "intel-rapl:1:0", "dram", 6000000);
    make_zone(root, "intel-rapl:2", "psys", 7000000);
    make_zone(root, "intel-rapl-mmio:0", "package-0", 1000000);
    rb_energy_open(root, &energy);
    assert_string_equal(energy.why, "");
    assert_int_equal(energy.count, 4);
    rb_energy_start(&energy);
    assert_true(energy.joules[RB_ENERGY_PACKAGE] == 0 && energy.joules[RB_ENERGY_DRAM] == 0);
    write_number(root, "intel-rapl:0", "energy_uj", 1500000);
    write_number(root, "intel-rapl:1", "energy_uj", 2250000);
    write_number(root, "intel-rapl:0:1", "energy_uj", 5125000);
    write_number(root, "intel-rapl:0:0", "energy_uj", 99000000);
    write_number(root, "intel-rapl:2", "energy_uj", 99000000);
    write_number(root, "intel-rapl-mmio:0", "energy_uj", 99000000);
    rb_energy_update(&energy);
    rb_energy_update(&energy); /* nothing more has come */
    assert_true(fabs(energy.joules[RB_ENERGY_PACKAGE] - 0.75) < 1e-9);
    assert_true(fabs(energy.joules[RB_ENERGY_DRAM] - 0.125) < 1e-9);
    rb_energy_start(&energy); /* from 0 again */
    write_number(root, "intel-rapl:0", "energy_uj", 1600000);
    rb_energy_update(&energy);
    assert_true(fabs(energy.joules[RB_ENERGY_PACKAGE] - 0.1) < 1e-9);
    rb_energy_close(&energy);
}

static void a_meter_that_wraps_goes_on(void **state) {
    const char *root = *state;
    rb_energy energy;
    make_zone(root, "intel-rapl:0", "package-0", RANGE - 3000000);
    rb_energy_open(root, &energy);
    rb_energy_start(&energy);
    write_number(root, "intel-rapl:0", "energy_uj", 1000000);
    rb_energy_update(&energy);
    assert_true(fabs(energy.joules[RB_ENERGY_PACKAGE] - 4.000001) < 1e-9);
    write_number(root, "intel-rapl:0", "energy_uj", 2000000);
    rb_energy_update(&energy);
    assert_true(fabs(energy.joules[RB_ENERGY_PACKAGE] - 5.000001) < 1e-9);
    assert_true(isnan(energy.joules[RB_ENERGY_DRAM]));
    rb_energy_close(&energy);
}

static void a_meter_that_goes_dumb_is_unknown(void **state) {
    const char *root = *state;
    rb_energy energy;
    make_zone(root, "intel-rapl:0", "package-0", 1000000);
    make_zone(root, "intel-rapl:0:0", "dram", 1000000);
    rb_energy_open(root, &energy);
    rb_energy_start(&energy);
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/energy_uj", root);
    save(path, "", 0);
    write_number(root, "intel-rapl:0:0", "energy_uj", 3000000);
    rb_energy_update(&energy);
    assert_true(isnan(energy.joules[RB_ENERGY_PACKAGE]));
    assert_true(energy.joules[RB_ENERGY_DRAM] == 2);
    rb_energy_close(&energy);
}

/* Half of a machine's energy is not the machine's. */
static void a_package_that_is_silent_makes_the_sum_unknown(void **state) {
    const char *root = *state;
    rb_energy energy;
    char path[PATH_SIZE];
    make_zone(root, "intel-rapl:0", "package-0", 1000000);
    make_zone(root, "intel-rapl:1", "package-1", 1000000);
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:1/energy_uj", root);
    assert_int_equal(remove(path), 0);
    rb_energy_open(root, &energy);
    assert_contains(energy.why, "intel-rapl:1/energy_uj: No such file");
    rb_energy_start(&energy);
    write_number(root, "intel-rapl:0", "energy_uj", 3000000);
    rb_energy_update(&energy);
    assert_true(isnan(energy.joules[RB_ENERGY_PACKAGE]));
    rb_energy_close(&energy);
}

static void a_memory_that_is_silent_leaves_the_packages(void **state) {
    const char *root = *state;
    rb_energy energy;
    make_zone(root, "intel-rapl:0", "package-0", 1000000);
    make_zone(root, "intel-rapl:0:0", "dram", 1000000);
    make_zone(root, "intel-rapl:1:0", "dram", 1000000);
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:1:0/energy_uj", root);
    save(path, "", 0);
    rb_energy_open(root, &energy);
    assert_string_equal(energy.why, "");
    rb_energy_start(&energy);
    write_number(root, "intel-rapl:0", "energy_uj", 3000000);
    write_number(root, "intel-rapl:0:0", "energy_uj", 3000000);
    rb_energy_update(&energy);
    assert_true(energy.joules[RB_ENERGY_PACKAGE] == 2);
    assert_true(isnan(energy.joules[RB_ENERGY_DRAM]));
    rb_energy_close(&energy);
}

/* The reason names the file. perf is asked as well, below the same root, where it is not. */
static void what_is_missing_is_said(void **state) {
    const char *root = *state;
    rb_energy energy;
    char path[PATH_SIZE];
    rb_energy_open(root, &energy);
    assert_int_equal(energy.count, 0);
    assert_contains(energy.why, "/sys/class/powercap: No such file or directory");
    assert_true(isnan(energy.joules[RB_ENERGY_PACKAGE]));
    rb_energy_start(&energy);
    rb_energy_update(&energy);
    assert_true(isnan(energy.joules[RB_ENERGY_PACKAGE]));

    make_zone(root, "intel-rapl:0", "psys", 1);
    rb_energy_open(root, &energy);
    assert_contains(energy.why, "/sys/class/powercap: no package");
    make_zone(root, "intel-rapl:1", "package-0", 1);
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:1/energy_uj", root);
    assert_int_equal(remove(path), 0);
    rb_energy_open(root, &energy);
    assert_contains(energy.why, "intel-rapl:1/energy_uj: No such file");
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:1/max_energy_range_uj", root);
    save(path, "zero\n", 5);
    rb_energy_open(root, &energy);
    assert_int_equal(energy.count, 0);
    rb_energy_close(&energy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packages_and_memory_are_added_up, empty_directory),
        cmocka_unit_test_setup(a_meter_that_wraps_goes_on, empty_directory),
        cmocka_unit_test_setup(a_meter_that_goes_dumb_is_unknown, empty_directory),
        cmocka_unit_test_setup(a_package_that_is_silent_makes_the_sum_unknown, empty_directory),
        cmocka_unit_test_setup(a_memory_that_is_silent_leaves_the_packages, empty_directory),
        cmocka_unit_test_setup(what_is_missing_is_said, empty_directory),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
