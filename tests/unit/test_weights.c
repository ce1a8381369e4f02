/* Weights files: what goes in comes out, and a file that cannot be written leaves nothing. */
#include "test_weights_tiny.h"

#include <sys/wait.h>

#include "loaders/synth.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"
#include "resbench/engine.h"

static void a_file_comes_back_as_it_was(void **state) {
    char path[PATH_SIZE];
    rb_weights_info info;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    assert_int_equal(entries_of(*state), 1); /* no temporary file */
    accept(path);
    assert_ok(rb_weights_read_info(path, &info, &err));
    assert_string_equal(info.network, "resnet18");
    assert_string_equal(info.variant, "v1");
    assert_string_equal(info.source, "a unit test, \xC3\xBC");
    assert_string_equal(info.preprocessing, "none");
    assert_int_equal(info.schema_version, RB_WEIGHTS_SCHEMA);
    assert_int_equal(info.classes, 5);
    assert_true(info.epsilon == 1e-5);
    assert_int_equal(strlen(info.sha256), 64);
    assert_ok(write_tiny(path, &err)); /* over the old one */
    accept(path);
    rb_weights_destroy(NULL);
}

/* Used where they lie in the file, so a file of ours must place them well. */
static void tensors_of_a_cache_line_are_aligned(void **state) {
    char path[PATH_SIZE];
    rb_weights_set *set;
    assert_ok(write_tiny(path_of(state, TINY_NAME, path), &err));
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    for (int32_t t = 0; t < TINY_TENSORS; t++)
        if (rb_tensor_elements(&tiny_graph.tensors[t]) * (int64_t)sizeof(float) >= RB_ALIGNMENT)
            assert_int_equal((uintptr_t)set->tensors[t] % RB_ALIGNMENT, 0);
    rb_weights_destroy(set);
}

/* The whole of ResNet-18, as `resbench weights synth` writes it. */
static void synthetic_weights_are_the_synthetic_tensors(void **state) {
    char path[PATH_SIZE];
    const rb_network *network;
    rb_graph *graph;
    rb_weights_set *set;
    path_of(state, "resnet18.h5", path);
    assert_ok(rb_network_find("resnet18", &network, &err));
    assert_ok(rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, &err));
    assert_ok(rb_weights_synthesize(path, network, graph, 1, &err));
    assert_ok(rb_weights_load(path, graph, &set, &err));
    assert_string_equal(set->info.source, "synthetic, seed 1");
    assert_string_equal(set->info.variant, "v1");
    assert_true(set->info.epsilon == RB_SYNTH_EPSILON);
    assert_int_equal(set->info.classes, 1000);
    float *expected = malloc((size_t)rb_graph_weight_bytes(graph));
    assert_non_null(expected);
    for (int32_t t = 0; t < graph->tensor_count; t++) {
        rb_synth_tensor(graph, t, 1, expected);
        assert_memory_equal(set->tensors[t], expected,
                            (size_t)rb_tensor_elements(&graph->tensors[t]) * sizeof *expected);
    }
    free(expected);
    assert_ok(rb_weights_verify(path, graph, set, &err));
    rb_weights_destroy(set);
    rb_graph_destroy(graph);
    assert_int_equal(entries_of(*state), 1);
}

/* One bit of one value, without the library noticing. */
static void verify_sees_a_changed_value(void **state) {
    char path[PATH_SIZE];
    rb_weights_set *set;
    rb_error why = {""};
    const float old = tiny_value(5, 7);
    float changed = old;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    size_t size, found = 0;
    char *bytes = load(path, &size);
    for (size_t i = 0; i + sizeof old <= size; i++)
        if (memcmp(bytes + i, &old, sizeof old) == 0) {
            bytes[i] ^= 1;
            memcpy(&changed, bytes + i, sizeof changed);
            found++;
        }
    assert_int_equal(found, 1);
    save(path, bytes, size);
    free(bytes);
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err)); /* loading does not look */
    assert_true(set->tensors[5][7] == changed && changed != old);
    assert_int_equal(rb_weights_verify(path, &tiny_graph, set, &why), RB_ERR_INPUT);
    assert_contains(why.message, path);
    assert_contains(why.message, "SHA-256");
    rb_weights_destroy(set);
}

static void verify_sees_a_changed_epsilon(void **state) {
    char path[PATH_SIZE];
    rb_weights_set *set;
    assert_ok(write_tiny(path_of(state, TINY_NAME, path), &err));
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    set->info.epsilon = 1e-3;
    assert_int_equal(rb_weights_verify(path, &tiny_graph, set, NULL), RB_ERR_INPUT);
    rb_weights_destroy(set);
}

static void a_truncated_file_is_refused(void **state) {
    char path[PATH_SIZE];
    size_t size;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    char *bytes = load(path, &size);
    const size_t lengths[] = {0,   1,        7,        8,        9,        48,      96,
                              512, size / 4, size / 2, size - 9, size - 8, size - 1};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        rb_error why;
        rb_weights_info info;
        assert_in_range(lengths[i], 0, size - 1);
        save(path, bytes, lengths[i]);
        refuse(path, &tiny_graph, &why);
        assert_int_equal(rb_weights_read_info(path, &info, &why), RB_ERR_INPUT);
    }
    save(path, bytes, size); /* and whole again it is fine */
    accept(path);
    free(bytes);
}

/* Loads and verifies in a child, within its limits. 0: as it was written; 1: refused; 2: loaded
 * with other values that only verifying sees; 3: anything else; 4: the library crashed or hung. */
static int try_in_child(const char *path) {
    int outcome;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rb_weights_set *set;
        rb_error why = {""};
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL); /* cmocka's would report and go on */
        alarm(2);
        const rb_status status = rb_weights_load(path, &tiny_graph, &set, &why);
        if (status != RB_OK)
            _exit(!set && strstr(why.message, path) ? 1 : 3);
        _exit(rb_weights_verify(path, &tiny_graph, set, NULL) == RB_OK ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    return WIFEXITED(outcome) && WEXITSTATUS(outcome) < 4 ? WEXITSTATUS(outcome) : 4;
}

/* Bytes turned over, one at a time. libhdf5 1.10 dies of a few of them, which is why a run opens
 * files in workers; ours is that no other damage goes unnoticed. */
static void a_damaged_file_is_refused_or_verified(void **state) {
    char path[PATH_SIZE];
    size_t size, counts[5] = {0};
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    char *bytes = load(path, &size);
    for (size_t i = 0; i < size; i += i < 300 ? 3 : 29) {
        bytes[i] = (char)~bytes[i];
        save(path, bytes, size);
        bytes[i] = (char)~bytes[i];
        counts[try_in_child(path)]++;
    }
    free(bytes);
    print_message("intact %zu, refused %zu, seen by verify %zu, libhdf5 crashed %zu\n", counts[0],
                  counts[1], counts[2], counts[4]);
    assert_int_equal(counts[3], 0);
    assert_true(counts[1] > 0 && counts[2] > 0);
    assert_true(counts[4] < counts[1]);
}

static void what_is_no_hdf5_file_is_refused(void **state) {
    char path[PATH_SIZE];
    rb_error why;
    path_of(state, "missing.h5", path);
    refuse(path, &tiny_graph, &why);
    assert_contains(why.message, "no such file");
    save(path_of(state, "text.h5", path), "conv1.weight: 1 2 3\n", 20);
    refuse(path, &tiny_graph, &why);
    assert_contains(why.message, "not an HDF5 file");
    save(path_of(state, "empty.h5", path), "", 0);
    refuse(path, &tiny_graph, &why);
    assert_contains(why.message, "not an HDF5 file");
    refuse(*state, &tiny_graph, &why);
    assert_contains(why.message, "not a regular file");
    assert_int_equal(mkfifo(path_of(state, "pipe.h5", path), 0600), 0);
    refuse(path, &tiny_graph, &why); /* and does not wait for a writer */
    assert_contains(why.message, "not a regular file");
    refuse("", &tiny_graph, &why);
}

static void a_file_in_no_directory_is_not_written(void **state) {
    char path[PATH_SIZE];
    rb_error why = {""};
    path_of(state, "missing/w.h5", path);
    assert_int_equal(write_tiny(path, &why), RB_ERR_OUTPUT);
    assert_sentence(why);
    assert_contains(why.message, path);
    assert_int_equal(entries_of(*state), 0);
    assert_int_equal(mkdir(path_of(state, "taken", path), 0700), 0);
    assert_int_equal(write_tiny(path, &why), RB_ERR_OUTPUT);
    assert_contains(why.message, path);
    assert_int_equal(entries_of(*state), 1); /* the directory alone */
    assert_int_equal(entries_of(path), 0);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

/* In a child: libhdf5 does not forgive a disk that is full. */
static void a_full_disk_leaves_the_old_file(void **state) {
    char path[PATH_SIZE];
    int outcome;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rb_error why = {""};
        struct rlimit limit = {2048, 2048};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        const rb_status status = write_tiny(path, &why);
        _exit(status == RB_ERR_OUTPUT && strstr(why.message, path) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    accept(path);
    assert_int_equal(entries_of(*state), 1);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(a_file_comes_back_as_it_was),
        in_directory(tensors_of_a_cache_line_are_aligned),
        in_directory(synthetic_weights_are_the_synthetic_tensors),
        in_directory(verify_sees_a_changed_value),
        in_directory(verify_sees_a_changed_epsilon),
        in_directory(a_truncated_file_is_refused),
        in_directory(a_damaged_file_is_refused_or_verified),
        in_directory(what_is_no_hdf5_file_is_refused),
        in_directory(a_file_in_no_directory_is_not_written),
        in_directory(a_full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
