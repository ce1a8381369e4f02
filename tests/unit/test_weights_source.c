/* Which file goes with a network: a file, a directory, or synthetic weights made once. */
#include "test_support.h"

#include "bench/weights_source.h"

static const rb_network *network(const char *name) {
    const rb_network *found;
    assert_ok(rb_network_find(name, &found, &err));
    return found;
}

static int make_cache(void **state) {
    char path[PATH_SIZE];
    return make_directory(state) || setenv("RESBENCH_CACHE", path_of(state, "cache/own", path), 1);
}

static int remove_cache(void **state) {
    unsetenv("RESBENCH_CACHE");
    return remove_directory(state);
}

static void refuse(const char *given, const char *name, rb_status expected, const char *says) {
    char path[RB_PATH_CAPACITY];
    rb_weights_info info;
    rb_error why = {""};
    assert_int_equal(rb_weights_source(given, network(name), 1, path, &info, &why), expected);
    assert_sentence(why);
    assert_contains(why.message, says);
}

static void synthetic_weights_are_made_once(void **state) {
    char path[RB_PATH_CAPACITY], again[RB_PATH_CAPACITY], cache[PATH_SIZE], copy[PATH_SIZE];
    struct stat first, second;
    rb_weights_info info;
    path_of(state, "cache/own", cache);
    assert_ok(rb_weights_source(NULL, network("resnet18"), 7, path, &info, &err));
    assert_int_equal(strncmp(path, cache, strlen(cache)), 0);
    assert_string_equal(info.network, "resnet18");
    assert_string_equal(info.source, "synthetic, seed 7");
    assert_true(rb_weights_are_synthetic(&info));
    assert_int_equal(stat(path, &first), 0);
    assert_ok(rb_weights_source(NULL, network("resnet18"), 7, again, &info, &err));
    assert_string_equal(path, again);
    assert_int_equal(stat(path, &second), 0);
    assert_true(first.st_ino == second.st_ino && first.st_mtime == second.st_mtime);
    assert_int_equal(entries_of(cache), 1);

    /* The same file given by name, and in a directory. */
    assert_ok(rb_weights_source(path, network("resnet18"), 1, again, &info, &err));
    assert_string_equal(path, again);
    refuse(path, "resnet34", RB_ERR_INPUT, "weights of resnet18, expected resnet34");
    assert_int_equal(rename(path, path_of(state, "cache/own/resnet18.h5", copy)), 0);
    assert_ok(rb_weights_source(cache, network("resnet18"), 1, again, &info, &err));
    assert_string_equal(again, copy);
    refuse(cache, "resnet34", RB_ERR_INPUT, "resnet34.h5");
}

/* Half a file in the cache, as of a machine that was switched off. */
static void a_damaged_cache_is_made_again(void **state) {
    char path[PATH_SIZE], damaged[64];
    snprintf(damaged, sizeof damaged, "cache/own/resnet18-seed1-schema%d.h5", RB_WEIGHTS_SCHEMA);
    assert_int_equal(mkdir(path_of(state, "cache", path), 0700), 0);
    assert_int_equal(mkdir(path_of(state, "cache/own", path), 0700), 0);
    save(path_of(state, damaged, path), "\211HDF\r\n\032\n", 8);
    const rb_network *network;
    rb_weights_info info;
    char found[RB_PATH_CAPACITY];
    assert_ok(rb_network_find("resnet18", &network, &err));
    assert_ok(rb_weights_source(NULL, network, 1, found, &info, &err));
    assert_string_equal(found, path);
    assert_string_equal(info.source, "synthetic, seed 1");
}

static void what_is_not_there_is_refused(void **state) {
    char path[PATH_SIZE];
    path_of(state, "missing.h5", path);
    refuse(path, "resnet18", RB_ERR_INPUT, path);
    refuse(*state, "resnet50-v1", RB_ERR_INPUT, "/resnet50-v1.h5");
    refuse("", "resnet18", RB_ERR_INPUT, "no such file");
}

static void a_cache_that_cannot_be_made_is_refused(void **state) {
    char path[PATH_SIZE];
    save(path_of(state, "cache", path), "a file", 6);
    refuse(NULL, "resnet18", RB_ERR_OUTPUT, path);
}

#define with_cache(test) cmocka_unit_test_setup_teardown(test, make_cache, remove_cache)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_cache(synthetic_weights_are_made_once),
        with_cache(a_damaged_cache_is_made_again),
        with_cache(what_is_not_there_is_refused),
        with_cache(a_cache_that_cannot_be_made_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
