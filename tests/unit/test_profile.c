/* A profile's figures: the roofline, sums, the longest nodes, tables of 120 columns. */
#include "test_support.h"

#include <math.h>

#include "results/profile_tables.h"

/* 100 multiply-adds and 20 bytes a nanosecond: they meet at 5 multiply-adds a byte. */
static const rb_roof roof = {.peak_gmacs = 100, .bandwidth = 20};

#define assert_near(found, expected) assert_true(fabs((found) - (expected)) < 1e-12 * (expected))

static void a_node_with_much_work_a_byte_is_bound_by_the_peak(void **state) {
    (void)state;
    const rb_roofline of = rb_roofline_of(&roof, 1000000, 40000, 16000);
    assert_near(of.intensity, 25.0);
    assert_near(of.bound_ns, 10000.0);
    assert_false(of.memory_bound);
    assert_near(of.share_of_peak, 0.625);
    assert_near(of.share_of_bandwidth, 0.125);
    assert_near(of.share_of_bound, 0.625);
}

static void a_node_with_little_is_bound_by_the_memory(void **state) {
    (void)state;
    const rb_roofline of = rb_roofline_of(&roof, 1000000, 1000000, 100000);
    assert_near(of.intensity, 1.0);
    assert_near(of.bound_ns, 50000.0);
    assert_true(of.memory_bound);
    assert_near(of.share_of_peak, 0.1);
    assert_near(of.share_of_bandwidth, 0.5);
    assert_near(of.share_of_bound, 0.5);
}

static void bytes_from_a_cache_are_more_than_the_memory_gives(void **state) {
    (void)state;
    const rb_roofline of = rb_roofline_of(&roof, 0, 1000000, 25000);
    assert_near(of.share_of_bandwidth, 2.0);
    assert_near(of.share_of_bound, 2.0);
    assert_true(of.share_of_peak == 0 && of.intensity == 0);
}

static void what_is_not_known_stays_so(void **state) {
    (void)state;
    const rb_roof nothing = {.peak_gmacs = NAN, .bandwidth = 0};
    const rb_roofline of = rb_roofline_of(&nothing, 1000, 1000, 1000);
    assert_true(isnan(of.bound_ns) && isnan(of.share_of_peak));
    assert_true(isnan(of.share_of_bandwidth) && isnan(of.share_of_bound));
    const rb_roofline untimed = rb_roofline_of(&roof, 1000, 1000, NAN);
    assert_true(isnan(untimed.share_of_bound) && untimed.bound_ns == 50);
    assert_true(isnan(rb_roofline_of(&roof, 1000, 0, 1000).intensity));
}

static void fill(rb_profile_line *node, const char *name, const char *op, const char *stage,
                 double us, int64_t macs, int64_t bytes) {
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->op, sizeof node->op, "%s", op);
    snprintf(node->stage, sizeof node->stage, "%s", stage);
    snprintf(node->kernel, sizeof node->kernel, "jit:avx2");
    node->network_ns = us * 1e3;
    node->hot_ns = us * 0.9e3;
    node->cold_ns = us * 1.5e3;
    node->macs = macs;
    node->executed_macs = 2 * macs;
    node->weight_bytes = bytes / 2;
    node->dst_bytes = bytes - bytes / 2;
    node->alone = RB_VERDICT_PASS;
}

/* Five nodes of 40, 10, 30, 5 and 0.25 us, in a call of 100 us. */
static rb_profile made_up(void) {
    rb_profile p;
    assert_ok(rb_profile_create(1, 5, &p, &err));
    rb_profile_engine *e = &p.engines[0];
    snprintf(p.network, sizeof p.network, "resnet50");
    snprintf(e->name, sizeof e->name, "onednn");
    p.batch = 1;
    p.threads = 2;
    p.alone = true;
    e->verdict = RB_VERDICT_PASS;
    e->call_ns = 100e3;
    e->profiled_ns = 102e3;
    e->nodes_ns = 90e3;
    e->cost = 0.02;
    fill(&e->nodes[0], "conv1", "conv 7x7", "stem", 40, 1000000, 100000);
    fill(&e->nodes[1], "layer1.0.conv1", "conv 1x1", "layer1", 10, 200000, 50000);
    fill(&e->nodes[2], "layer1.0.downsample.0", "conv 1x1", "layer1", 30, 300000, 40000);
    fill(&e->nodes[3], "maxpool", "maxpool", "stem", 5, 0, 20000);
    fill(&e->nodes[4], "fc", "fc", "head", 0.25, 1000, 8000);
    rb_profile_finish(&p, &roof);
    return p;
}

static void sums_are_those_of_their_nodes(void **state) {
    (void)state;
    rb_profile p = made_up();
    rb_profile_line lines[5];
    assert_int_equal(rb_profile_groups(&p.engines[0], 5, RB_PROFILE_BY_OP, lines), 4);
    assert_string_equal(lines[1].name, "conv 1x1");
    assert_string_equal(lines[1].kernel, "jit:avx2");
    assert_int_equal(lines[1].nodes, 2);
    assert_int_equal(lines[1].macs, 500000);
    assert_int_equal(lines[1].executed_macs, 1000000);
    assert_int_equal(rb_profile_bytes(&lines[1]), 90000);
    assert_near(lines[1].network_ns, 40e3);
    assert_near(lines[1].hot_ns, 36e3);
    /* 50000 / 20 = 2500 ns for the one, 300000 / 100 = 3000 ns for the other: both count, although
     * of the sums, 90000 / 20, 500000 / 100, only 5000 ns would. */
    assert_near(lines[1].bound_ns, 5500.0);
    assert_int_equal(rb_profile_groups(&p.engines[0], 5, RB_PROFILE_BY_STAGE, lines), 3);
    assert_string_equal(lines[0].name, "stem");
    assert_int_equal(lines[0].nodes, 2);
    assert_near(lines[0].network_ns, 45e3);
    const rb_profile_line all = rb_profile_total(&p.engines[0], 5);
    assert_int_equal(all.nodes, 5);
    assert_near(all.network_ns, 85.25e3);
    assert_near(rb_profile_remainder_ns(&p.engines[0]), 10e3);
    rb_profile_release(&p);
}

static void a_sum_does_not_know_what_one_of_its_nodes_does_not(void **state) {
    (void)state;
    rb_profile p = made_up();
    p.engines[0].nodes[1].executed_macs = -1;
    p.engines[0].nodes[2].cold_ns = NAN;
    snprintf(p.engines[0].nodes[2].kernel, sizeof p.engines[0].nodes[2].kernel, "gemm");
    rb_profile_line lines[5];
    rb_profile_groups(&p.engines[0], 5, RB_PROFILE_BY_OP, lines);
    assert_int_equal(lines[1].executed_macs, -1);
    assert_true(isnan(lines[1].cold_ns) && isfinite(lines[1].hot_ns));
    assert_string_equal(lines[1].kernel, "");
    assert_int_equal(lines[0].executed_macs, 2000000);
    rb_profile_release(&p);
}

static void the_longest_nodes_come_first(void **state) {
    (void)state;
    rb_profile p = made_up();
    rb_profile_line lines[5];
    assert_int_equal(rb_profile_longest(&p.engines[0], 5, 3, lines), 3);
    assert_string_equal(lines[0].name, "conv1");
    assert_string_equal(lines[1].name, "layer1.0.downsample.0");
    assert_string_equal(lines[2].name, "layer1.0.conv1");
    assert_int_equal(rb_profile_longest(&p.engines[0], 5, 5, lines), 5);
    assert_string_equal(lines[4].name, "fc");
    p.engines[0].nodes[0].network_ns = NAN; /* was not measured */
    assert_int_equal(rb_profile_longest(&p.engines[0], 5, 5, lines), 4);
    rb_profile_release(&p);
}

static void a_wrong_node_or_network_is_no_right_profile(void **state) {
    (void)state;
    rb_profile p = made_up();
    assert_true(rb_profile_is_right(&p));
    p.engines[0].nodes[3].alone = RB_VERDICT_UNSUPPORTED; /* a plug-in that is partial */
    assert_true(rb_profile_is_right(&p));
    p.engines[0].nodes[3].alone = RB_VERDICT_MARGINAL;
    assert_false(rb_profile_is_right(&p));
    p.engines[0].nodes[3].alone = RB_VERDICT_PASS;
    p.engines[0].verdict = RB_VERDICT_MISTRUSTED;
    assert_false(rb_profile_is_right(&p));
    rb_profile_release(&p);
}

static char *terminal(const rb_profile *p) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rb_profile_terminal(p, true, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_terminal_has_120_columns(void **state) {
    (void)state;
    rb_profile p = made_up();
    for (int i = 0; i < 5; i++) { /* as large as a slow engine at batch 64 makes them */
        rb_profile_line *node = &p.engines[0].nodes[i];
        node->network_ns *= 12345;
        node->hot_ns *= 12345;
        node->cold_ns *= 12345;
        node->macs *= 12345;
        node->weight_bytes *= 1234;
        snprintf(node->kernel, sizeof node->kernel, "brgconv_1x1:avx512_core_amx:and_more");
    }
    p.engines[0].call_ns *= 12345;
    rb_profile_finish(&p, &roof);
    char *text = terminal(&p);
    assert_contains(text, "layer1.0.downsample.0");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > RB_TERMINAL_WIDTH)
            fail_msg("%zu columns: %s", strlen(line), line);
    free(text);
    rb_profile_release(&p);
}

static void the_parts_of_a_call_add_up_to_it(void **state) {
    (void)state;
    rb_profile p = made_up();
    char *text = terminal(&p);
    assert_contains(text, "nodes of a call                 0.090    90.0");
    assert_contains(text, "unaccounted                     0.010    10.0");
    assert_contains(text, "ordinary call                   0.100   100.0");
    assert_contains(text, "looking costs +2.00 %");
    assert_contains(text, "medians of nodes                0.085    85.2");
    free(text);
    rb_profile_release(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_with_much_work_a_byte_is_bound_by_the_peak),
        cmocka_unit_test(a_node_with_little_is_bound_by_the_memory),
        cmocka_unit_test(bytes_from_a_cache_are_more_than_the_memory_gives),
        cmocka_unit_test(what_is_not_known_stays_so),
        cmocka_unit_test(sums_are_those_of_their_nodes),
        cmocka_unit_test(a_sum_does_not_know_what_one_of_its_nodes_does_not),
        cmocka_unit_test(the_longest_nodes_come_first),
        cmocka_unit_test(a_wrong_node_or_network_is_no_right_profile),
        cmocka_unit_test(the_terminal_has_120_columns),
        cmocka_unit_test(the_parts_of_a_call_add_up_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
