/* Sentences of errors, checked products, and files that are whole or not there. */
#include "test_support.h"

#include <sys/wait.h>

#include "base/atomic_file.h"
#include "resbench/checked.h"

static void a_failure_says_its_sentence(void **state) {
    (void)state;
    rb_error err = {""};
    assert_int_equal(rb_fail(&err, RB_ERR_INPUT, "%s: %d", "file", 7), RB_ERR_INPUT);
    assert_string_equal(err.message, "file: 7");
    rb_fail(&err, RB_ERR_INPUT, "a tensor called '%s'", "\x1B[31m\r\nred\x7F");
    assert_string_equal(err.message, "a tensor called ' [31m  red '");
    assert_int_equal(rb_fail(NULL, RB_ERR_MEMORY, "%s", "unheard"), RB_ERR_MEMORY);
    char *long_text = malloc(5000);
    assert_non_null(long_text);
    memset(long_text, 'x', 4999);
    long_text[4999] = '\0';
    rb_fail(&err, RB_ERR_INPUT, "%s", long_text);
    assert_int_equal(strlen(err.message), RB_ERROR_CAPACITY - 1);
    free(long_text);
}

static void products_do_not_overflow(void **state) {
    (void)state;
    int64_t product = 5;
    assert_true(rb_mul_i64(3, 4, &product) && product == 12);
    assert_true(rb_mul_i64(0, INT64_MAX, &product) && product == 0);
    assert_true(rb_mul_i64(INT64_MAX, 1, &product) && product == INT64_MAX);
    product = 5;
    assert_false(rb_mul_i64(INT64_MAX, 2, &product));
    assert_false(rb_mul_i64((int64_t)1 << 32, (int64_t)1 << 31, &product));
    assert_false(rb_mul_i64(-1, 4, &product));
    assert_false(rb_mul_i64(4, -1, &product));
    assert_false(rb_product_i64((const int64_t[]){1 << 30, 1 << 30, 1 << 30}, 3, &product));
    assert_false(rb_product_i64((const int64_t[]){2, -2, -2}, 3, &product));
    assert_int_equal(product, 5);
    assert_true(rb_product_i64(NULL, 0, &product) && product == 1);
    assert_true(rb_product_i64((const int64_t[]){2, 3, 7}, 3, &product) && product == 42);
}

static void a_file_is_written_and_replaced(void **state) {
    char path[PATH_SIZE];
    size_t size;
    path_of(state, "file", path);
    assert_ok(rb_write_file(path, "first\0text", 10, &err));
    char *text = load(path, &size);
    assert_int_equal(size, 10);
    assert_memory_equal(text, "first\0text", 10);
    free(text);
    assert_ok(rb_write_file(path, "", 0, &err));
    free(load(path, &size));
    assert_int_equal(size, 0);
    assert_int_equal(entries_of(*state), 1); /* no temporary file */
}

static void assert_old_file(void **state, const char *name) {
    char path[PATH_SIZE];
    char *text = load(path_of(state, name, path), NULL);
    assert_string_equal(text, "old");
    free(text);
}

static void a_file_in_no_directory_is_refused(void **state) {
    char path[PATH_SIZE];
    rb_error err = {""};
    path_of(state, "missing/file", path);
    assert_int_equal(rb_write_file(path, "x", 1, &err), RB_ERR_OUTPUT);
    assert_sentence(err);
    assert_contains(err.message, path);
    save(path_of(state, "plain", path), "old", 3);
    path_of(state, "plain/file", path);
    assert_int_equal(rb_write_file(path, "x", 1, &err), RB_ERR_OUTPUT);
    assert_old_file(state, "plain");
    assert_int_equal(entries_of(*state), 1);
}

static void a_directory_is_not_replaced(void **state) {
    char path[PATH_SIZE];
    rb_error err = {""};
    assert_int_equal(mkdir(path_of(state, "taken", path), 0700), 0);
    assert_int_equal(rb_write_file(path, "x", 1, &err), RB_ERR_OUTPUT);
    assert_contains(err.message, path);
    assert_int_equal(entries_of(*state), 1);
    assert_int_equal(entries_of(path), 0);
}

static void a_pipe_is_not_replaced(void **state) {
    char path[PATH_SIZE];
    rb_error err = {""};
    struct stat info;
    assert_int_equal(mkfifo(path_of(state, "pipe", path), 0600), 0);
    assert_int_equal(rb_write_file(path, "x", 1, &err), RB_ERR_OUTPUT);
    assert_contains(err.message, path);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(entries_of(*state), 1);
}

/* In a child, whose limit on the size of files stands for a full disk. */
static void a_full_disk_leaves_the_old_file(void **state) {
    char path[PATH_SIZE];
    int outcome;
    save(path_of(state, "file", path), "old", 3);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static char data[100000];
        rb_error err = {""};
        struct rlimit limit = {4096, 4096};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        const rb_status status = rb_write_file(path, data, sizeof data, &err);
        _exit(status == RB_ERR_OUTPUT && strstr(err.message, path) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_int_equal(outcome, 0);
    assert_old_file(state, "file");
    assert_int_equal(entries_of(*state), 1);
}

static void the_temporary_file_is_beside_its_target(void **state) {
    char path[PATH_SIZE], temporary[RB_PATH_CAPACITY], *long_path;
    rb_error why = {""};
    path_of(state, "file", path);
    assert_ok(rb_temporary_path(path, temporary, &err));
    assert_int_equal(strncmp(temporary, path, strlen(path)), 0);
    assert_null(strchr(temporary + strlen(path), '/'));
    assert_string_not_equal(temporary, path);
    save(temporary, "new", 3);
    save(path, "old", 3);
    assert_ok(rb_commit_file(temporary, path, &err));
    char *text = load(path, NULL);
    assert_string_equal(text, "new");
    free(text);
    assert_int_equal(entries_of(*state), 1);
    assert_int_equal(rb_commit_file(temporary, path, &why), RB_ERR_OUTPUT); /* it is gone */
    long_path = calloc(1, RB_PATH_CAPACITY + 1);
    assert_non_null(long_path);
    memset(long_path, 'd', RB_PATH_CAPACITY - 2);
    assert_int_equal(rb_temporary_path(long_path, temporary, &why), RB_ERR_OUTPUT);
    assert_int_equal(rb_write_file(long_path, "x", 1, &why), RB_ERR_OUTPUT);
    assert_sentence(why);
    free(long_path);
}

static void directories_are_made_with_their_parents(void **state) {
    char path[PATH_SIZE];
    struct stat info;
    path_of(state, "a/b//c/", path);
    assert_ok(rb_make_directories(path, &err));
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_ok(rb_make_directories(path, &err)); /* again */
    assert_ok(rb_make_directories("/", &err));
    assert_ok(rb_make_directories(".", &err));
}

static void what_is_no_directory_is_refused(void **state) {
    char path[PATH_SIZE];
    rb_error err = {""};
    save(path_of(state, "file", path), "old", 3);
    assert_int_equal(rb_make_directories(path, &err), RB_ERR_OUTPUT);
    assert_contains(err.message, path);
    path_of(state, "file/below", path);
    assert_int_equal(rb_make_directories(path, &err), RB_ERR_OUTPUT);
    assert_sentence(err);
    assert_int_equal(rb_make_directories("", &err), RB_ERR_OUTPUT);
    memset(path, 'd', PATH_SIZE - 1);
    path[PATH_SIZE - 1] = '\0';
    assert_int_equal(rb_make_directories(path, NULL), RB_ERR_OUTPUT);
    assert_old_file(state, "file");
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_says_its_sentence),
        cmocka_unit_test(products_do_not_overflow),
        in_directory(a_file_is_written_and_replaced),
        in_directory(a_file_in_no_directory_is_refused),
        in_directory(a_directory_is_not_replaced),
        in_directory(a_pipe_is_not_replaced),
        in_directory(a_full_disk_leaves_the_old_file),
        in_directory(the_temporary_file_is_beside_its_target),
        in_directory(directories_are_made_with_their_parents),
        in_directory(what_is_no_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
