/* Which processors are taken, on machines that hwloc makes up. */
#include "test_support.h"

#include <hwloc.h>

#include "bench/affinity.h"

/* Two packages, each a NUMA node with two L3 caches of two cores with two siblings. Processors are
 * numbered along the tree: core c has 2c and 2c + 1. */
#define SERVER "pack:2 [numa] l3:2 core:2 pu:2"

static hwloc_topology_t make_topology(const char *description) {
    hwloc_topology_t topology;
    assert_int_equal(hwloc_topology_init(&topology), 0);
    assert_int_equal(hwloc_topology_set_synthetic(topology, description), 0);
    assert_int_equal(hwloc_topology_load(topology), 0);
    return topology;
}

static rb_placement place(const char *machine, const char *allowed, const char *how,
                          int32_t threads) {
    rb_affinity affinity = {.kind = RB_AFFINITY_COMPACT};
    rb_placement placement;
    hwloc_topology_t topology = make_topology(machine);
    hwloc_bitmap_t usable = hwloc_bitmap_alloc();
    if (allowed)
        assert_int_equal(hwloc_bitmap_list_sscanf(usable, allowed), 0);
    assert_ok(rb_affinity_parse(how, &affinity, &err));
    rb_affinity_place_on(topology, allowed ? usable : NULL, &affinity, threads, &placement);
    hwloc_bitmap_free(usable);
    hwloc_topology_destroy(topology);
    return placement;
}

typedef struct placed {
    const char *how;
    int32_t threads;
    const char *processors;
    int32_t cores, numa_nodes;
} placed;

static void assert_placed(const char *machine, const char *allowed, const placed *cases,
                          size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[256];
        const rb_placement p = place(machine, allowed, cases[i].how, cases[i].threads);
        rb_processors_say(&p.set, text, sizeof text);
        if (strcmp(text, cases[i].processors) != 0)
            fail_msg("%s, %s, %d threads: %s, expected %s", machine, cases[i].how, cases[i].threads,
                     text, cases[i].processors);
        assert_int_equal(p.processors, CPU_COUNT(&p.set));
        assert_int_equal(p.cores, cases[i].cores);
        assert_int_equal(p.numa_nodes, cases[i].numa_nodes);
        assert_int_equal(p.kept, strcmp(cases[i].how, "none") != 0);
    }
}

static void compact_fills_one_node_first_and_siblings_last(void **state) {
    (void)state;
    static const placed cases[] = {
        {"compact", 1, "0", 1, 1},
        {"compact", 2, "0,2", 2, 1},
        {"compact", 4, "0,2,4,6", 4, 1},
        {"compact", 5, "0,2,4,6,8", 5, 2},
        {"compact", 8, "0,2,4,6,8,10,12,14", 8, 2},
        {"compact", 9, "0-2,4,6,8,10,12,14", 8, 2},
        {"compact", 16, "0-15", 8, 2},
        {"compact", 100, "0-15", 8, 2},
    };
    assert_placed(SERVER, NULL, cases, COUNT(cases));
}

static void scatter_spreads_over_packages_then_caches(void **state) {
    (void)state;
    static const placed cases[] = {
        {"scatter", 1, "0", 1, 1},
        {"scatter", 2, "0,8", 2, 2},      /* a package each */
        {"scatter", 4, "0,4,8,12", 4, 2}, /* a cache each */
        {"scatter", 5, "0,2,4,8,12", 5, 2},
        {"scatter", 8, "0,2,4,6,8,10,12,14", 8, 2},
        {"scatter", 10, "0-2,4,6,8-10,12,14", 8, 2}, /* siblings in the same order */
        {"scatter", 16, "0-15", 8, 2},
    };
    assert_placed(SERVER, NULL, cases, COUNT(cases));
}

static void none_is_everything(void **state) {
    (void)state;
    static const placed cases[] = {{"none", 1, "0-15", 8, 2}, {"none", 99, "0-15", 8, 2}};
    assert_placed(SERVER, NULL, cases, COUNT(cases));
}

/* A container's processors, numbered on: the second sibling of core 0, core 3, the last package. */
static void only_what_may_be_used_is_taken(void **state) {
    (void)state;
    static const placed cases[] = {
        {"compact", 1, "1", 1, 1},           {"compact", 2, "1,6", 2, 1},
        {"compact", 3, "1,6,12", 3, 2},      {"compact", 4, "1,6-7,12", 3, 2},
        {"compact", 9, "1,6-7,12-13", 3, 2}, {"scatter", 2, "1,12", 2, 2},
        {"scatter", 3, "1,6,12", 3, 2},      {"none", 1, "1,6-7,12-13", 3, 2},
    };
    assert_placed(SERVER, "1,6-7,12-13", cases, COUNT(cases));
}

/* Two NUMA nodes in a package (sub-NUMA clustering) are spread over as well. */
static void nodes_within_a_package_count(void **state) {
    (void)state;
    static const placed cases[] = {{"compact", 2, "0-1", 2, 1},
                                   {"compact", 3, "0-2", 3, 2},
                                   {"scatter", 2, "0,2", 2, 2},
                                   {"scatter", 3, "0-2", 3, 2}};
    assert_placed("pack:1 group:2 [numa] core:2 pu:1", NULL, cases, COUNT(cases));
}

static void a_flat_machine_has_one_order(void **state) {
    (void)state;
    static const placed cases[] = {{"compact", 2, "0-1", 2, 1}, {"scatter", 2, "0-1", 2, 1}};
    assert_placed("core:2 pu:1", NULL, cases, COUNT(cases));
}

static void a_list_is_taken_in_its_order(void **state) {
    (void)state;
    rb_affinity affinity = {.kind = RB_AFFINITY_LIST, .count = 3, .processors = {12, 1, 3}};
    static const char *const expected[] = {"12", "1,12", "1,3,12", "1,3,12"};
    hwloc_topology_t topology = make_topology(SERVER);
    for (int32_t threads = 1; threads <= 4; threads++) {
        char text[64];
        rb_placement p;
        rb_affinity_place_on(topology, NULL, &affinity, threads, &p);
        rb_processors_say(&p.set, text, sizeof text);
        assert_string_equal(text, expected[threads - 1]);
        assert_true(p.kept);
    }
    hwloc_topology_destroy(topology);
}

static void what_is_no_affinity_is_refused(void **state) {
    (void)state;
    cpu_set_t before, one;
    static const struct {
        const char *text, *says;
    } cases[] = {{"", "''"},
                 {"close", "'close'"},
                 {"Compact", "'Compact'"},
                 {"-1", "'-1'"},
                 {"0-", "'0-'"},
                 {"0,0", "0 is named twice"},
                 {"99999", "(0..1023)"},
                 {"1023", "processor 1023 is none that this process may use"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_affinity affinity;
        rb_error why = {""};
        assert_int_equal(rb_affinity_parse(cases[i].text, &affinity, &why), RB_ERR_USAGE);
        assert_contains(why.message, cases[i].says);
    }
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t unit = 0; unit < CPU_SETSIZE && CPU_COUNT(&one) == 0; unit++)
        if (CPU_ISSET(unit, &before))
            CPU_SET(unit, &one);
    char text[64];
    rb_affinity affinity;
    rb_processors_say(&one, text, sizeof text);
    assert_ok(rb_affinity_parse(text, &affinity, &err));
    assert_int_equal(affinity.count, 1);
}

static void long_sets_are_cut(void **state) {
    (void)state;
    cpu_set_t set;
    char text[16];
    CPU_ZERO(&set);
    rb_processors_say(&set, text, sizeof text);
    assert_string_equal(text, "");
    for (size_t unit = 0; unit < 100; unit += 2)
        CPU_SET(unit, &set);
    rb_processors_say(&set, text, sizeof text);
    assert_string_equal(text, "0,2,4,6,8,10...");
}

/* Of this machine: as many as there are threads, all of them usable. */
static void this_machine_has_room(void **state) {
    (void)state;
    static const rb_affinity compact = {.kind = RB_AFFINITY_COMPACT};
    cpu_set_t usable, both;
    rb_placement one, many;
    assert_int_equal(sched_getaffinity(0, sizeof usable, &usable), 0);
    rb_affinity_place(&compact, 1, &one);
    rb_affinity_place(&compact, 100000, &many);
    assert_int_equal(one.processors, 1);
    assert_true(CPU_EQUAL(&many.set, &usable));
    CPU_AND(&both, &one.set, &usable);
    assert_int_equal(CPU_COUNT(&both), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_fills_one_node_first_and_siblings_last),
        cmocka_unit_test(scatter_spreads_over_packages_then_caches),
        cmocka_unit_test(none_is_everything),
        cmocka_unit_test(only_what_may_be_used_is_taken),
        cmocka_unit_test(nodes_within_a_package_count),
        cmocka_unit_test(a_flat_machine_has_one_order),
        cmocka_unit_test(a_list_is_taken_in_its_order),
        cmocka_unit_test(what_is_no_affinity_is_refused),
        cmocka_unit_test(long_sets_are_cut),
        cmocka_unit_test(this_machine_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
