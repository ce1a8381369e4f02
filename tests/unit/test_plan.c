/* Lists of networks, engines and batch sizes as people type them; how engines are found. */
#include "test_support.h"

#include <sched.h>

#include "bench/engine_loader.h"
#include "bench/plan.h"

static rb_plan plan; /* too large for a stack */

static int clear_plan(void **state) {
    (void)state;
    memset(&plan, 0, sizeof plan);
    return 0;
}

/* A directory of engines that are found, though nobody could load them. */
static int make_engines(void **state) {
    static const char *const names[] = {"alpha.so", "beta.so", "notes.txt"};
    char path[PATH_SIZE];
    if (make_directory(state) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(names); i++)
        save(path_of(state, names[i], path), "no ELF", 6);
    clear_plan(state);
    return setenv("RESBENCH_ENGINE_PATH", *state, 1);
}

static int remove_engines(void **state) {
    unsetenv("RESBENCH_ENGINE_PATH");
    return remove_directory(state);
}

static void networks_are_numbers_or_names(void **state) {
    (void)state;
    static const char *const expected[] = {"resnet18", "resnet50-v1", "resnet152", "resnet34"};
    assert_ok(rb_plan_add_networks(&plan, "18,50-v1,resnet152", &err));
    assert_ok(rb_plan_add_networks(&plan, "34", &err)); /* appends */
    assert_int_equal(plan.network_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(plan.networks[i]->name, expected[i]);
    clear_plan(NULL);
    assert_ok(rb_plan_add_networks(&plan, "", &err));
    assert_int_equal(plan.network_count, 0);
}

static void wrong_networks_are_named(void **state) {
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {
        {"19", "'resnet19'"},
        {"18,,34", "''"},
        {",18", "''"},
        {"18, 34", "' 34'"},
        {"18x", "'resnet18x'"},
        {"-18", "'-18'"},
        {"19-20", "'19-20'"},
        {"50-18", "from the smaller"},
        {"18-50:2", "no step"},
        {"18-,50", "'resnet18-'"},
        {"18,1-20", "twice"},
        {"All", "'All'"},
        {"vgg16", "'vgg16'"},
        {"18,18", "twice"},
        {"18,resnet18", "twice"},
        {"018", "'resnet018'"},
        {"1e2", "'resnet1e2'"},
        {"ResNet18", "'ResNet18'"},
        {"18;34", "'resnet18;34'"},
        {"18\n", "'resnet18 '"},
        {"99999999999999999999", "9999"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_error err = {""};
        clear_plan(NULL);
        if (rb_plan_add_networks(&plan, cases[i].list, &err) != RB_ERR_USAGE)
            fail_msg("'%s' is accepted", cases[i].list);
        assert_contains(err.message, cases[i].says);
    }
}

static void a_long_word_is_not_cut_into_a_network(void **state) {
    (void)state;
    char list[400] = "resnet18";
    memset(list + 8, 'x', sizeof list - 9);
    rb_error err = {""};
    assert_int_equal(rb_plan_add_networks(&plan, list, &err), RB_ERR_USAGE);
    assert_int_equal(plan.network_count, 0);
}

static void batches_are_counted_numbers(void **state) {
    (void)state;
    assert_ok(rb_plan_add_batches(&plan, "1,8,65536", &err));
    assert_int_equal(plan.batch_count, 3);
    assert_int_equal(plan.batches[0], 1);
    assert_int_equal(plan.batches[2], 65536);
}

static void wrong_batches_are_named(void **state) {
    (void)state;
    static const char *const lists[] = {
        "0",
        "-1",
        "65537",
        "1.5",
        "one",
        "8x",
        "0x8",
        "1,,8",
        ",1",
        "1 8",
        "1e3",
        "8,8",
        "8,+8",
        "nan",
        "١",
        " ",
        "99999999999999999999",
        "-9223372036854775808",
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        rb_error err = {""};
        clear_plan(NULL);
        if (rb_plan_add_batches(&plan, lists[i], &err) != RB_ERR_USAGE)
            fail_msg("'%s' is accepted", lists[i]);
        assert_sentence(err);
    }
}

static void depths_have_ranges(void **state) {
    (void)state;
    static const struct {
        const char *list, *names;
    } cases[] = {
        {"18-152", "resnet18 resnet34 resnet50 resnet101 resnet152 "},
        {"19-100", "resnet34 resnet50 "}, /* neither resnet50-v1 nor CIFAR's 20, 32, 56 */
        {"50-50,8", "resnet50 resnet8 "},
        {"101-100000,18-v1x", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char names[256] = "";
        rb_error why = {""};
        clear_plan(NULL);
        const rb_status status = rb_plan_add_networks(&plan, cases[i].list, &why);
        assert_int_equal(status, cases[i].names ? RB_OK : RB_ERR_USAGE);
        for (size_t n = 0; n < plan.network_count; n++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s ",
                     plan.networks[n]->name);
        if (cases[i].names)
            assert_string_equal(names, cases[i].names);
    }
    size_t all;
    rb_network_table(&all);
    clear_plan(NULL);
    assert_ok(rb_plan_add_networks(&plan, "all", &err));
    assert_int_equal(plan.network_count, all);
}

static void threads_are_counted(void **state) {
    (void)state;
    char text[RB_THREADS_TEXT_CAPACITY];
    assert_ok(rb_plan_add_threads(&plan, "4,1-2,1024", &err));
    rb_plan_say_threads(&plan, text);
    assert_string_equal(text, "4,1,2,1024");
    clear_plan(NULL);
    assert_ok(rb_plan_add_threads(&plan, "all", &err)); /* processors that this process may use */
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(plan.thread_count, CPU_COUNT(&allowed));
    clear_plan(NULL);
    assert_ok(rb_plan_add_threads(&plan, "961-1024", &err)); /* as many as there may be */
    rb_plan_say_threads(&plan, text);
    assert_int_equal(strlen(text), 39 * 4 + 25 * 5 - 1);
}

static void sizes_are_squares_or_sides(void **state) {
    (void)state;
    static const rb_plan_size expected[] = {{224, 224}, {160, 192}, {192, 160}, {64, 64},
                                            {96, 96},   {128, 128}, {32, 32},   {16384, 16384}};
    assert_ok(rb_plan_add_sizes(&plan, "224,160x192,192x160,64-128:32,32-32:x2,16384", &err));
    assert_int_equal(plan.size_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(plan.sizes[i].height, expected[i].height);
        assert_int_equal(plan.sizes[i].width, expected[i].width);
    }
}

static void wrong_sizes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {
        {"", "empty"},
        {"31", "32..16384"},
        {"16385", "32..16384"},
        {"224x", "'224x'"},
        {"x224", "'x224'"},
        {"224x224x3", "'224x224x3'"},
        {"224x31", "'224x31'"},
        {"224X224", "'224X224'"},
        {"64-96x64", "'64-96x64'"},
        {"64x64-96", "'64x64-96'"},
        {"224,,160", "''"},
        {"224,224x224", "224x224 is named twice"},
        {"32-96:32,64", "64x64 is named twice"},
        {"96-64", "from the smaller"},
        {"32-96", "more than 64 sizes"},
        {"all", "'all'"},
        {"4294967520", "32..16384"}, /* 224 in 32 bits */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_error why = {""};
        clear_plan(NULL);
        if (rb_plan_add_sizes(&plan, cases[i].list, &why) != RB_ERR_USAGE)
            fail_msg("'%s' is accepted", cases[i].list);
        assert_contains(why.message, cases[i].says);
    }
}

static void a_long_number_is_not_cut(void **state) {
    (void)state;
    rb_error err = {""};
    /* 32 digits and more; the first 31 alone would be 1 */
    assert_int_equal(rb_plan_add_batches(&plan, "0000000000000000000000000000001garbage", &err),
                     RB_ERR_USAGE);
    clear_plan(NULL);
    assert_int_equal(rb_plan_add_batches(&plan, "000000000000000000000000000000199999", &err),
                     RB_ERR_USAGE);
}

static void more_than_fits_is_refused(void **state) {
    (void)state;
    rb_error why = {""};
    char list[256] = "";
    for (int i = 0; i < RB_MAX_BATCHES; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", i ? "," : "", i + 1);
    assert_ok(rb_plan_add_batches(&plan, list, &err));
    assert_int_equal(plan.batch_count, RB_MAX_BATCHES);
    assert_int_equal(rb_plan_add_batches(&plan, "100", &why), RB_ERR_USAGE);
    assert_contains(why.message, "more than 64");
    assert_int_equal(plan.batch_count, RB_MAX_BATCHES);
}

static void engines_are_found_by_name_or_path(void **state) {
    char list[2 * PATH_SIZE], path[PATH_SIZE], copy[PATH_SIZE];
    save(path_of(state, "gamma.v2.so", copy), "no ELF", 6);
    snprintf(list, sizeof list, "beta,%s", copy);
    assert_ok(rb_plan_add_engines(&plan, list, &err));
    assert_int_equal(plan.engine_count, 2);
    assert_string_equal(plan.engines[0].label, "beta");
    assert_string_equal(plan.engines[0].path, path_of(state, "beta.so", path));
    assert_string_equal(plan.engines[1].label, "gamma.v2");
    assert_string_equal(plan.engines[1].path, copy);
}

static void wrong_engines_are_named(void **state) {
    static const struct {
        const char *list, *says;
    } cases[] = {{"delta", "'delta'"},
                 {"alpha,,beta", "''"},
                 {"alpha,alpha", "called alpha"},
                 {"./alpha", "./alpha: there is no such engine file"},
                 {"notes.txt", "'notes.txt'"}};
    char list[PATH_SIZE + 16];
    rb_error err = {""};
    for (size_t i = 0; i < COUNT(cases); i++) {
        clear_plan(NULL);
        if (rb_plan_add_engines(&plan, cases[i].list, &err) != RB_ERR_USAGE)
            fail_msg("'%s' is accepted", cases[i].list);
        assert_contains(err.message, cases[i].says);
    }
    clear_plan(NULL);
    snprintf(list, sizeof list, "alpha,%s/alpha.so", (const char *)*state);
    assert_int_equal(rb_plan_add_engines(&plan, list, &err),
                     RB_ERR_USAGE); /* one label, two rows */
}

/* The names that were visited, each with a space behind it. */
typedef struct visited {
    char names[256];
} visited;

static void note_engine(void *ctx, const char *name, const char *path) {
    visited *v = ctx;
    const size_t used = strlen(v->names);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(v->names + used, sizeof v->names - used, "%s ", name);
}

/* The engines of directory/first and directory/second; no second where it is NULL. */
static visited visit_path(const char *directory, const char *first, const char *second) {
    char list[2 * PATH_SIZE];
    visited v = {""};
    if (second)
        snprintf(list, sizeof list, "%s/%s::%s/%s", directory, first, directory, second);
    else
        snprintf(list, sizeof list, "%s/%s", directory, first);
    assert_int_equal(setenv("RESBENCH_ENGINE_PATH", list, 1), 0);
    assert_ok(rb_engine_each(note_engine, &v, &err));
    return v;
}

static int times(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static void each_engine_is_listed_once(void **state) {
    char path[PATH_SIZE];
    const visited one = visit_path(*state, "", NULL);
    assert_int_equal(strncmp(one.names, "alpha beta ", 11), 0);
    assert_null(strstr(one.names, "notes"));
    const visited twice = visit_path(*state, "", "");
    if (times(twice.names, "alpha ") != 1)
        fail_msg("one directory given twice lists: %s", twice.names);
    /* lib and lib2: the first name begins the second */
    assert_int_equal(mkdir(path_of(state, "lib", path), 0700), 0);
    assert_int_equal(mkdir(path_of(state, "lib2", path), 0700), 0);
    save(path_of(state, "lib/gamma.so", path), "no ELF", 6);
    save(path_of(state, "lib2/gamma.so", path), "no ELF", 6);
    const visited nested = visit_path(*state, "lib2", "lib");
    if (times(nested.names, "gamma ") != 1)
        fail_msg("two directories with one beginning list: %s", nested.names);
}

static void engines_are_sorted_over_directories(void **state) {
    char path[PATH_SIZE];
    assert_int_equal(mkdir(path_of(state, "first", path), 0700), 0);
    save(path_of(state, "first/zeta.so", path), "no ELF", 6);
    const visited v = visit_path(*state, "first", "");
    const char *alpha = strstr(v.names, "alpha "), *zeta = strstr(v.names, "zeta ");
    assert_true(alpha && zeta);
    if (alpha > zeta)
        fail_msg("not sorted: %s", v.names);
}

static void what_is_no_engine_is_not_loaded(void **state) {
    char path[PATH_SIZE];
    const rb_engine dummy = {0}, *engine = &dummy;
    rb_error err = {""};
    path_of(state, "alpha.so", path);
    assert_int_equal(rb_engine_load(path, &engine, &err), RB_ERR_ENGINE);
    assert_null(engine);
    assert_sentence(err);
    assert_contains(err.message, path);
}

static void labels_are_short_names(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"onednn", "onednn"},       {"./mine.so", "mine"},
        {"/a/b/c-1.2.so", "c-1.2"}, {"/a/b/libx.so.1", "libx.so.1"},
        {"odd.so", "odd.so"},       {"/a/.so", ".so"}};
    char label[64], small[5];
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_engine_label(cases[i][0], label, sizeof label);
        assert_string_equal(label, cases[i][1]);
    }
    rb_engine_label("/a/longer-than-that", small, sizeof small);
    assert_string_equal(small, "long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(networks_are_numbers_or_names, clear_plan),
        cmocka_unit_test_setup(wrong_networks_are_named, clear_plan),
        cmocka_unit_test_setup(a_long_word_is_not_cut_into_a_network, clear_plan),
        cmocka_unit_test_setup(batches_are_counted_numbers, clear_plan),
        cmocka_unit_test_setup(wrong_batches_are_named, clear_plan),
        cmocka_unit_test_setup(a_long_number_is_not_cut, clear_plan),
        cmocka_unit_test_setup(depths_have_ranges, clear_plan),
        cmocka_unit_test_setup(threads_are_counted, clear_plan),
        cmocka_unit_test_setup(sizes_are_squares_or_sides, clear_plan),
        cmocka_unit_test_setup(wrong_sizes_are_named, clear_plan),
        cmocka_unit_test_setup(more_than_fits_is_refused, clear_plan),
        cmocka_unit_test_setup_teardown(engines_are_found_by_name_or_path, make_engines,
                                        remove_engines),
        cmocka_unit_test_setup_teardown(wrong_engines_are_named, make_engines, remove_engines),
        cmocka_unit_test_setup_teardown(each_engine_is_listed_once, make_engines, remove_engines),
        cmocka_unit_test_setup_teardown(engines_are_sorted_over_directories, make_engines,
                                        remove_engines),
        cmocka_unit_test_setup_teardown(what_is_no_engine_is_not_loaded, make_engines,
                                        remove_engines),
        cmocka_unit_test(labels_are_short_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
