/* One tensor in a file: network inputs and logits. */
#include "test_support.h"

#include <hdf5.h>
#include <math.h>

#include "loaders/hdf5_access.h"
#include "loaders/tensor_file.h"

#define NAME "input"

static const int64_t shape[RB_MAX_DIMS] = {2, 3, 4, 5};

static void write_floats(const char *path, int32_t ndim, const int64_t dims[RB_MAX_DIMS],
                         const float *values) {
    assert_ok(rb_tensor_write(path, NAME, RB_F32, ndim, dims, values, NULL, 0, &err));
}

/* Reading must fail; message holds why. */
static void refuse(const char *path, const char *name, int32_t ndim, rb_status expected,
                   const char *says) {
    int64_t dims[RB_MAX_DIMS];
    float dummy, *values = &dummy;
    rb_error why = {""};
    assert_int_equal(rb_tensor_read(path, name, ndim, NULL, dims, &values, &why), expected);
    assert_null(values);
    assert_sentence(why);
    assert_contains(why.message, path);
    assert_contains(why.message, says);
    assert_int_equal(rb_tensor_read(path, name, ndim, NULL, dims, &values, NULL), expected);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void a_tensor_comes_back_as_it_was(void **state) {
    static const rb_text_attribute attributes[] = {{"source", "a test, \xC3\xBC"}, {"empty", ""}};
    char path[PATH_SIZE], text[32] = "";
    float written[120], *read;
    int64_t dims[RB_MAX_DIMS];
    for (int i = 0; i < 120; i++)
        written[i] = (float)i / 7 - 3;
    written[0] = 1e-42f, written[1] = -0.0f, written[2] = 3.4028235e38f;
    path_of(state, "x.h5", path);
    assert_ok(rb_tensor_write(path, NAME, RB_F32, 4, shape, written, attributes, 2, &err));
    assert_int_equal(entries_of(*state), 1);
    assert_ok(rb_tensor_read(path, NAME, 4, NULL, dims, &read, &err));
    assert_memory_equal(dims, shape, sizeof dims);
    assert_memory_equal(read, written, sizeof written);
    free(read);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t i = 0; i < COUNT(attributes); i++) {
        assert_ok(rb_hdf5_read_text(file, path, attributes[i].name, text, sizeof text, &err));
        assert_string_equal(text, attributes[i].text);
    }
    H5Fclose(file);
}

static void fewer_dimensions_are_padded_with_ones(void **state) {
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    const int64_t matrix[RB_MAX_DIMS] = {2, 3, 1, 1};
    char path[PATH_SIZE];
    int64_t dims[RB_MAX_DIMS];
    float *read;
    write_floats(path_of(state, "x.h5", path), 2, matrix, values);
    assert_ok(rb_tensor_read(path, NAME, 2, NULL, dims, &read, &err));
    assert_memory_equal(dims, matrix, sizeof dims);
    assert_memory_equal(read, values, sizeof values);
    free(read);
    refuse(path, NAME, 4, RB_ERR_INPUT, "2 dimensions, expected 4");
    refuse(path, "logits", 2, RB_ERR_INPUT, "tensor logits is missing");
}

/* The oracle's logits: the bits of a double survive. */
static void doubles_are_stored_as_doubles(void **state) {
    static const double values[2] = {0.1, -1e300};
    const int64_t two[RB_MAX_DIMS] = {2, 1, 1, 1};
    char path[PATH_SIZE];
    double read[2];
    path_of(state, "y.h5", path);
    assert_ok(rb_tensor_write(path, NAME, RB_F64, 1, two, values, NULL, 0, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, NAME, H5P_DEFAULT), type = H5Dget_type(dataset);
    assert_true(H5Tequal(type, H5T_IEEE_F64LE) > 0);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0);
    assert_memory_equal(read, values, sizeof read);
    H5Tclose(type);
    H5Dclose(dataset);
    H5Fclose(file);
    refuse(path, NAME, 1, RB_ERR_INPUT, "wrong type"); /* inputs are float32 */
}

static void non_finite_values_are_refused_with_their_place(void **state) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    char path[PATH_SIZE], place[32];
    path_of(state, "x.h5", path);
    for (size_t b = 0; b < COUNT(bad); b++)
        for (int at = 0; at < 120; at += 119) {
            float values[120] = {0};
            values[at] = bad[b];
            write_floats(path, 4, shape, values);
            snprintf(place, sizeof place, "at element %d", at);
            refuse(path, NAME, 4, RB_ERR_INPUT, place);
        }
}

static void what_is_no_tensor_file_is_refused(void **state) {
    float values[120] = {0};
    char path[PATH_SIZE];
    size_t size;
    refuse(*state, NAME, 4, RB_ERR_INPUT, "not a regular file");
    refuse(path_of(state, "missing.h5", path), NAME, 4, RB_ERR_INPUT, "no such file");
    save(path_of(state, "text.h5", path), "P6 224 224 255\n", 15);
    refuse(path, NAME, 4, RB_ERR_INPUT, "not an HDF5 file");
    path_of(state, "x.h5", path);
    write_floats(path, 4, shape, values);
    char *bytes = load(path, &size);
    for (size_t length = 0; length < size; length += size / 9) {
        save(path, bytes, length);
        refuse(path, NAME, 4, RB_ERR_INPUT, "");
    }
    free(bytes);
}

static void store(const char *path, hid_t type, int rank, const hsize_t *dims, hid_t properties) {
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t dataset = H5Dcreate2(file, NAME, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(dataset >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fclose(file);
}

static void empty_and_astronomic_shapes_are_refused(void **state) {
    char path[PATH_SIZE];
    const hsize_t none[] = {0, 3, 4, 5}, huge[] = {(hsize_t)1 << 20, 3, 1 << 14, 1 << 14};
    const hsize_t overflow[] = {(hsize_t)1 << 31, 1 << 16, 1 << 15, 1 << 15};
    const hsize_t chunk[] = {1, 3, 16, 16};
    path_of(state, "x.h5", path);
    store(path, H5T_IEEE_F32LE, 4, none, H5P_DEFAULT);
    refuse(path, NAME, 4, RB_ERR_INPUT, NAME);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 4, chunk);
    store(path, H5T_IEEE_F32LE, 4, huge, properties);
    refuse(path, NAME, 4, RB_ERR_INPUT, NAME);
    store(path, H5T_IEEE_F32LE, 4, overflow, properties);
    refuse(path, NAME, 4, RB_ERR_INPUT, NAME);
    H5Pclose(properties);
}

static void a_tensor_elsewhere_is_refused(void **state) {
    char path[PATH_SIZE];
    const hsize_t dims[] = {1, 3, 2, 2};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, "/etc/passwd", 0, H5F_UNLIMITED);
    store(path_of(state, "x.h5", path), H5T_IEEE_F32LE, 4, dims, properties);
    refuse(path, NAME, 4, RB_ERR_INPUT, "another file");
    H5Pclose(properties);
}

static void a_file_that_cannot_be_written_is_refused(void **state) {
    char path[PATH_SIZE];
    static const float values[120];
    rb_error why = {""};
    path_of(state, "missing/x.h5", path);
    assert_int_equal(rb_tensor_write(path, NAME, RB_F32, 4, shape, values, NULL, 0, &why),
                     RB_ERR_OUTPUT);
    assert_sentence(why);
    assert_contains(why.message, path);
    assert_int_equal(entries_of(*state), 0);
    write_floats(path_of(state, "x.h5", path), 4, shape, values);
    assert_int_equal(rb_tensor_write(path, "no/group", RB_F32, 4, shape, values, NULL, 0, &why),
                     RB_ERR_OUTPUT);
    assert_int_equal(entries_of(*state), 1); /* the old file alone, and whole */
    int64_t dims[RB_MAX_DIMS];
    float *read;
    assert_ok(rb_tensor_read(path, NAME, 4, NULL, dims, &read, &err));
    free(read);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void a_shape_out_of_range_is_refused(void **state) {
    char path[PATH_SIZE];
    int64_t dims[RB_MAX_DIMS];
    float values[120] = {0}, *read;
    rb_error why = {""};
    rb_dims_range range = {.low = {1, 3, 1, 1}, .high = {2, 3, 4, 5}};
    write_floats(path_of(state, "x.h5", path), 4, shape, values);
    assert_ok(rb_tensor_read(path, NAME, 4, &range, dims, &read, &err));
    free(read);
    range.high[3] = 4;
    assert_int_equal(rb_tensor_read(path, NAME, 4, &range, dims, &read, &why), RB_ERR_INPUT);
    assert_null(read);
    assert_contains(why.message, "(2, 3, 4, 5), expected (1, 3, 1, 1) to (2, 3, 4, 4)");
    range.high[3] = 5;
    range.low[0] = 3;
    assert_int_equal(rb_tensor_read(path, NAME, 4, &range, dims, &read, &why), RB_ERR_INPUT);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(a_tensor_comes_back_as_it_was),
        in_directory(fewer_dimensions_are_padded_with_ones),
        in_directory(doubles_are_stored_as_doubles),
        in_directory(non_finite_values_are_refused_with_their_place),
        in_directory(what_is_no_tensor_file_is_refused),
        in_directory(empty_and_astronomic_shapes_are_refused),
        in_directory(a_shape_out_of_range_is_refused),
        in_directory(a_tensor_elsewhere_is_refused),
        in_directory(a_file_that_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
