/* The child that a foreign file is first read in: whatever happens to it is one sentence, and it
 * cannot take the machine with it. */
#include "test_support.h"

#include <hdf5.h>
#include <zlib.h>

#include "bench/trial.h"
#include "loaders/tensor_file.h"

static rb_status succeed(void *ctx, rb_error *err) {
    (void)err;
    *(int *)ctx = 1; /* in the child's memory only */
    return RB_OK;
}

static rb_status complain(void *ctx, rb_error *err) {
    return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: is not to my taste", (const char *)ctx);
}

static rb_status die(void *ctx, rb_error *err) {
    (void)err;
    raise(*(int *)ctx);
    return RB_OK;
}

static void a_status_and_its_sentence_come_back(void **state) {
    char path[PATH_SIZE];
    int touched = 0;
    rb_error why = {""};
    path_of(state, "f", path);
    assert_ok(rb_trial(path, succeed, &touched, &err));
    assert_int_equal(touched, 0);
    assert_int_equal(rb_trial(path, complain, path, &why), RB_ERR_UNSUPPORTED);
    assert_contains(why.message, path);
    assert_contains(why.message, "is not to my taste");
    assert_int_equal(rb_trial(path, complain, path, NULL), RB_ERR_UNSUPPORTED);
}

static void a_child_that_dies_is_a_sentence(void **state) {
    static const struct {
        int signal;
        const char *says;
    } deaths[] = {{SIGSEGV, "crash of libhdf5"},
                  {SIGKILL, "crash of libhdf5"},
                  {SIGALRM, "took more than 60 s"}};
    char path[PATH_SIZE];
    path_of(state, "f", path);
    for (size_t i = 0; i < COUNT(deaths); i++) {
        rb_error why = {""};
        int number = deaths[i].signal;
        assert_int_equal(rb_trial(path, die, &number, &why), RB_ERR_INPUT);
        assert_sentence(why);
        assert_contains(why.message, path);
        assert_contains(why.message, deaths[i].says);
    }
}

/* A sanitizer's shadow takes terabytes: nothing is limited under it. */
static void skip_when_sanitized(void) {
#if defined(RB_SANITIZED)
    skip();
#endif
}

/* A pledge for size bytes, not used: address space is what is limited. volatile, for clang leaves
 * out a malloc that is only freed. */
static rb_status take(void *ctx, rb_error *err) {
    void *volatile block = malloc(*(size_t *)ctx);
    const bool taken = block != NULL;
    free(block);
    return taken ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "no memory");
}

static void memory_is_limited_by_the_size_of_the_file(void **state) {
    char path[PATH_SIZE];
    skip_when_sanitized();
    path_of(state, "f", path);
    save(path, "small", 5);
    size_t size = RB_TRIAL_BYTES / 2;
    assert_ok(rb_trial(path, take, &size, &err));
    size = RB_TRIAL_BYTES + ((size_t)64 << 20);
    assert_int_equal(rb_trial(path, take, &size, NULL), RB_ERR_MEMORY);
    assert_int_equal(truncate(path, 32 << 20), 0); /* sparse */
    assert_ok(rb_trial(path, take, &size, &err));
}

/* A data set (1, 3, 16, 16) whose one chunk inflates to a gigabyte of zeros. */
static void write_bomb(const char *path) {
    enum { SEGMENT = 16 << 20, SEGMENTS = 64 };
    static const hsize_t dims[4] = {1, 3, 16, 16}, origin[4] = {0};
    z_stream stream = {0};
    uint8_t *zeros = calloc(1, SEGMENT), *chunk = malloc(SEGMENT);
    assert_non_null(zeros);
    assert_non_null(chunk);
    /* Segments that end in a full flush can be repeated. */
    assert_int_equal(deflateInit(&stream, 1), Z_OK);
    size_t begin = 0, used = 0;
    for (int i = 0; i < 2; i++) {
        begin = used;
        stream.next_in = zeros;
        stream.avail_in = SEGMENT;
        stream.next_out = chunk + used;
        stream.avail_out = SEGMENT - (uInt)used;
        assert_int_equal(deflate(&stream, Z_FULL_FLUSH), Z_OK);
        used = SEGMENT - stream.avail_out;
    }
    deflateEnd(&stream);
    const size_t segment = used - begin;
    for (int i = 2; i < SEGMENTS; i++, used += segment) {
        assert_true(used + segment <= SEGMENT);
        memcpy(chunk + used, chunk + begin, segment);
    }
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(4, dims, NULL);
    H5Pset_chunk(properties, 4, dims);
    H5Pset_deflate(properties, 6);
    const hid_t dataset =
        H5Dcreate2(file, "input", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, origin, used, chunk) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(properties);
    assert_true(H5Fclose(file) >= 0);
    free(zeros);
    free(chunk);
}

/* As libhdf5 does it when nobody has looked at the chunks before. */
static rb_status read_bomb(void *ctx, rb_error *err) {
    static float values[3 * 16 * 16];
    const hid_t file = H5Fopen(ctx, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "input", H5P_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const bool read =
        H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    H5Dclose(dataset);
    H5Fclose(file);
    return read ? RB_OK : rb_fail(err, RB_ERR_INPUT, "libhdf5 gave up");
}

static void a_bomb_takes_no_more_than_it_may(void **state) {
    char path[PATH_SIZE];
    rb_error why = {""};
    struct rusage usage;
    struct stat info;
    skip_when_sanitized();
    write_bomb(path_of(state, "bomb.h5", path));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(rb_trial(path, read_bomb, path, &why), RB_ERR_INPUT);
    assert_contains(why.message, "libhdf5 gave up");
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    assert_true(usage.ru_maxrss < (long)((RB_TRIAL_BYTES + RB_TRIAL_FILES * (size_t)info.st_size +
                                          ((size_t)64 << 20)) >>
                                         10));
}

/* Our readers look at the chunk before, in constant memory. */
static void a_bomb_is_refused(void **state) {
    char path[PATH_SIZE];
    int64_t dims[RB_MAX_DIMS];
    float *values;
    struct rusage before, after;
    rb_error why = {""};
    write_bomb(path_of(state, "bomb.h5", path));
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    assert_int_equal(rb_tensor_read(path, "input", 4, NULL, dims, &values, &why), RB_ERR_INPUT);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_null(values);
    assert_contains(why.message, path);
    assert_contains(why.message, "tensor input has a chunk that");
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(a_status_and_its_sentence_come_back),
        in_directory(a_child_that_dies_is_a_sentence),
        in_directory(memory_is_limited_by_the_size_of_the_file),
        in_directory(a_bomb_takes_no_more_than_it_may),
        in_directory(a_bomb_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
