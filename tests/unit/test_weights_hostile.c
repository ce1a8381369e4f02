/* Files that are HDF5 but not weights: each is refused with one sentence that names the file and
 * the tensor. Every one is a good file but for one thing, and the good file is accepted. */
#include "test_weights_tiny.h"

static const hsize_t five[] = {5}, two[] = {2};

static void drop_fc_bias(hid_t file) {
    H5Ldelete(file, "fc.bias", H5P_DEFAULT);
}

static void add_tensor(hid_t file) {
    replace(file, "fc.extra", H5T_IEEE_F32LE, 1, five, H5P_DEFAULT, H5T_NATIVE_FLOAT,
            tiny_values(6));
}

static void add_group(hid_t file) {
    H5Gclose(H5Gcreate2(file, "optimizer", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void rename_fc_bias(hid_t file) {
    H5Lmove(file, "fc.bias", file, "fc.Bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void nest_fc_bias(hid_t file) {
    H5Gclose(H5Gcreate2(file, "fc", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Lmove(file, "fc.bias", file, "fc/bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void shape_fc_weight(hid_t file, int rank, const hsize_t dims[]) {
    replace(file, "fc.weight", H5T_IEEE_F32LE, rank, dims, H5P_DEFAULT, H5T_NATIVE_FLOAT,
            tiny_values(5));
}

static void transpose(hid_t file) {
    shape_fc_weight(file, 2, (const hsize_t[]){2, 5});
}

static void flatten(hid_t file) {
    shape_fc_weight(file, 1, (const hsize_t[]){10});
}

static void shorten(hid_t file) {
    shape_fc_weight(file, 2, (const hsize_t[]){4, 2});
}

static void add_dimension(hid_t file) {
    shape_fc_weight(file, 3, (const hsize_t[]){5, 2, 1});
}

static void five_dimensions(hid_t file) {
    shape_fc_weight(file, 5, (const hsize_t[]){5, 2, 1, 1, 1});
}

static void scalar(hid_t file) {
    shape_fc_weight(file, 0, NULL);
}

static void no_values(hid_t file) {
    shape_fc_weight(file, 2, (const hsize_t[]){0, 2});
}

static void no_space(hid_t file) {
    H5Ldelete(file, "fc.bias", H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_NULL);
    H5Dclose(
        H5Dcreate2(file, "fc.bias", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
}

/* 2^60 values, none of them stored. */
static void astronomic(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, (const hsize_t[]){1024, 1024});
    replace(file, "fc.weight", H5T_IEEE_F32LE, 2,
            (const hsize_t[]){(hsize_t)1 << 30, (hsize_t)1 << 30}, properties, 0, NULL);
}

static void type_fc_bias(hid_t file, hid_t type) {
    replace(file, "fc.bias", type, 1, five, H5P_DEFAULT, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void as_float64(hid_t file) {
    type_fc_bias(file, H5T_IEEE_F64LE);
}

static void as_big_endian(hid_t file) {
    type_fc_bias(file, H5T_IEEE_F32BE);
}

static void as_int32(hid_t file) {
    type_fc_bias(file, H5T_STD_I32LE);
}

static void as_uint8(hid_t file) {
    type_fc_bias(file, H5T_STD_U8LE);
}

/* IEEE half: sign 15, exponent 10..14, bias 15, mantissa 0..9. */
static void as_float16(hid_t file) {
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    type_fc_bias(file, half);
    H5Tclose(half);
}

/* Four bytes, but with another exponent bias: every value would be another. */
static void as_odd_float32(hid_t file) {
    const hid_t odd = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_ebias(odd, 120);
    type_fc_bias(file, odd);
    H5Tclose(odd);
}

static void as_text(hid_t file) {
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 4);
    replace(file, "fc.bias", text, 1, five, H5P_DEFAULT, text, "abcdefghijklmnopqrst");
    H5Tclose(text);
}

static void as_pairs(hid_t file) {
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(pair, "re", 0, H5T_IEEE_F32LE);
    H5Tinsert(pair, "im", 4, H5T_IEEE_F32LE);
    replace(file, "fc.bias", pair, 1, five, H5P_DEFAULT, pair, tiny_values(6));
    H5Tclose(pair);
}

static void as_arrays(hid_t file) {
    const hid_t array = H5Tarray_create2(H5T_IEEE_F32LE, 1, five);
    replace(file, "fc.bias", array, 1, (const hsize_t[]){1}, H5P_DEFAULT, array, tiny_values(6));
    H5Tclose(array);
}

static void group_for_tensor(hid_t file) {
    H5Ldelete(file, "fc.bias", H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, "fc.bias", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void type_for_tensor(hid_t file) {
    H5Ldelete(file, "fc.bias", H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tcommit2(file, "fc.bias", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(type);
}

static void soft_link(hid_t file) {
    H5Lmove(file, "bn1.bias", file, "hidden", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/hidden", file, "bn1.bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void dangling_link(hid_t file) {
    H5Ldelete(file, "bn1.bias", H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "bn1.bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void circular_link(hid_t file) {
    H5Ldelete(file, "bn1.bias", H5P_DEFAULT);
    H5Lcreate_soft("/bn1.bias", file, "bn1.bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void external_link(hid_t file) {
    H5Ldelete(file, "bn1.bias", H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/bn1.bias", file, "bn1.bias", H5P_DEFAULT, H5P_DEFAULT);
}

static void external_storage(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, "/etc/passwd", 0, 8);
    replace(file, "bn1.bias", H5T_IEEE_F32LE, 1, two, properties, 0, NULL);
}

static void virtual_data_set(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, two, NULL);
    H5Pset_virtual(properties, space, "other.h5", "/bn1.bias", space);
    replace(file, "bn1.bias", H5T_IEEE_F32LE, 1, two, properties, 0, NULL);
    H5Sclose(space);
}

/* A virtual data set of this very file: the values are there and right. */
static void virtual_of_itself(hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, two, NULL);
    H5Pset_virtual(properties, space, ".", "/bn1.weight", space);
    replace(file, "bn1.bias", H5T_IEEE_F32LE, 1, two, properties, 0, NULL);
    H5Sclose(space);
}

static hid_t chunked(hsize_t length) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(properties, 1, &length) >= 0);
    return properties;
}

static void with_nbit(hid_t file) {
    const hid_t properties = chunked(5);
    assert_true(H5Pset_nbit(properties) >= 0);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void with_scaleoffset(hid_t file) {
    const hid_t properties = chunked(5);
    assert_true(H5Pset_scaleoffset(properties, H5Z_SO_FLOAT_DSCALE, 1) >= 0);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

/* Number 32004 is LZ4, a plug-in; optional, so that the library stores the data without it. */
static void with_plugin_filter(hid_t file) {
    const hid_t properties = chunked(5);
    H5Pset_filter(properties, 32004, H5Z_FLAG_OPTIONAL, 0, NULL);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void never_written(hid_t file) {
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, H5P_DEFAULT, 0, NULL);
}

static void chunks_never_written(hid_t file) {
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, chunked(2), 0, NULL);
}

/* Three chunks, of which only the first is there: the rest would read as zeros. */
static void chunks_half_written(hid_t file) {
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, chunked(2), 0, NULL);
    const hid_t dataset = H5Dopen2(file, "fc.bias", H5P_DEFAULT);
    const hsize_t offset = 0;
    assert_true(
        H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, 2 * sizeof(float), tiny_values(6)) >= 0);
    H5Dclose(dataset);
}

/* Bytes that deflate cannot have written. */
static void corrupt_chunk(hid_t file) {
    const hid_t properties = chunked(5);
    H5Pset_deflate(properties, 6);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, 0, NULL);
    const hid_t dataset = H5Dopen2(file, "fc.bias", H5P_DEFAULT);
    const hsize_t offset = 0;
    assert_true(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, 16, "not deflated at all") >= 0);
    H5Dclose(dataset);
}

static const struct {
    alteration alter;
    const char *tensor, *says;
} hostile[] = {
    {drop_fc_bias, "fc.bias", "missing"},
    {add_tensor, "fc.extra", "not part of resnet18"},
    {add_group, "optimizer", "not part of resnet18"},
    {rename_fc_bias, "fc.bias", "missing"},
    {nest_fc_bias, "fc.bias", "missing"},
    {transpose, "fc.weight", "shape (2, 5), expected (5, 2)"},
    {flatten, "fc.weight", "shape (10), expected (5, 2)"},
    {shorten, "fc.weight", "shape (4, 2), expected (5, 2)"},
    {add_dimension, "fc.weight", "shape (5, 2, 1), expected (5, 2)"},
    {five_dimensions, "fc.weight", "1 to 4 dimensions"},
    {scalar, "fc.weight", ""},
    {no_values, "fc.weight", ""},
    {no_space, "fc.bias", ""},
    {astronomic, "fc.weight", ""},
    {as_float64, "fc.bias", "float32, found floats of 8 bytes"},
    {as_big_endian, "fc.bias", "wrong type"},
    {as_int32, "fc.bias", "float32, found integers of 4 bytes"},
    {as_uint8, "fc.bias", "wrong type"},
    {as_float16, "fc.bias", "wrong type"},
    {as_odd_float32, "fc.bias", "wrong type"},
    {as_text, "fc.bias", "wrong type"},
    {as_pairs, "fc.bias", "wrong type"},
    {as_arrays, "fc.bias", "wrong type"},
    {group_for_tensor, "fc.bias", "not a readable data set"},
    {type_for_tensor, "fc.bias", "not a readable data set"},
    {soft_link, "bn1.bias", "link"},
    {dangling_link, "bn1.bias", "link"},
    {circular_link, "bn1.bias", "link"},
    {external_link, "bn1.bias", "link"},
    {external_storage, "bn1.bias", "another file"},
    {virtual_data_set, "bn1.bias", "virtual"},
    {virtual_of_itself, "bn1.bias", "virtual"},
    {with_nbit, "fc.bias", "other than deflate"},
    {with_scaleoffset, "fc.bias", "other than deflate"},
    {with_plugin_filter, "fc.bias", "other than deflate"},
    {never_written, "fc.bias", "no data"},
    {chunks_never_written, "fc.bias", "no data"},
    {corrupt_chunk, "fc.bias", "cannot be read"},
};

static void each_hostile_file_is_refused(void **state) {
    char path[PATH_SIZE], tensor[128];
    for (size_t i = 0; i < COUNT(hostile); i++) {
        rb_error why;
        write_altered(path_of(state, TINY_NAME, path), hostile[i].alter);
        refuse(path, &tiny_graph, &why);
        snprintf(tensor, sizeof tensor, "tensor %s ", hostile[i].tensor);
        assert_contains(why.message, tensor);
        assert_contains(why.message, hostile[i].says);
    }
}

static void chunks_that_are_missing_are_refused(void **state) {
    char path[PATH_SIZE];
    rb_error why;
    write_altered(path_of(state, TINY_NAME, path), chunks_half_written);
    refuse(path, &tiny_graph, &why);
    assert_contains(why.message, "tensor fc.bias ");
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(each_hostile_file_is_refused),
        in_directory(chunks_that_are_missing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
