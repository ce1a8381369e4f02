/* Values, attributes and storage of a weights file: what is refused, and what is accepted. */
#include "test_weights_tiny.h"

#include <math.h>

static void put_value(hid_t file, const char *name, hsize_t at, float value) {
    const hsize_t one = 1;
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t dims[4], start[4] = {0}, count[4] = {1, 1, 1, 1};
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    for (int d = rank - 1; d >= 0; d--) {
        start[d] = at % dims[d];
        at /= dims[d];
    }
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    const hid_t memory = H5Screate_simple(1, &one, NULL);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void write_with_value(const char *path, int32_t tensor, int64_t at, float value) {
    assert_ok(write_tiny(path, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    put_value(file, tiny_tensors[tensor].name, (hsize_t)at, value);
    assert_true(H5Fclose(file) >= 0);
}

/* In every tensor, first and last element; every kind of NaN. */
static void non_finite_values_are_refused(void **state) {
    static const uint32_t bits[] = {0x7FC00000, 0xFFC00000, 0x7F800001,
                                    0xFFFFFFFF, 0x7F800000, 0xFF800000};
    char path[PATH_SIZE], expected[128];
    path_of(state, TINY_NAME, path);
    for (int32_t t = 0; t < TINY_TENSORS; t++)
        for (size_t b = 0; b < COUNT(bits); b++) {
            rb_error why;
            float value;
            memcpy(&value, &bits[b], sizeof value);
            const int64_t last = rb_tensor_elements(&tiny_tensors[t]) - 1;
            write_with_value(path, t, b % 2 ? last : 0, value);
            refuse(path, &tiny_graph, &why);
            snprintf(expected, sizeof expected, "tensor %s holds a NaN or an infinity",
                     tiny_tensors[t].name);
            assert_contains(why.message, expected);
        }
}

static void a_negative_variance_is_refused(void **state) {
    char path[PATH_SIZE];
    rb_error why;
    rb_weights_set *set;
    path_of(state, TINY_NAME, path);
    for (int64_t at = 0; at < 2; at++) {
        write_with_value(path, 4, at, -1e-30f);
        refuse(path, &tiny_graph, &why);
        assert_contains(why.message, "tensor bn1.running_var holds a negative variance");
    }
    write_with_value(path, 4, 0, -0.0f); /* zero is none, nor is a negative mean */
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    rb_weights_destroy(set);
    write_with_value(path, 3, 0, -2);
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    rb_weights_destroy(set);
    write_with_value(path, 0, 5, 3.4028235e38f); /* the largest float is finite */
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    rb_weights_destroy(set);
}

static void drop(hid_t file, const char *name) {
    assert_true(H5Adelete(file, name) >= 0);
}

/* Puts an attribute of count elements (0: scalar) in place of name. */
static void put_attribute(hid_t file, const char *name, hid_t type, hsize_t count,
                          const void *value) {
    const hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    if (H5Aexists(file, name) > 0)
        drop(file, name);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void put_int(hid_t file, const char *name, int64_t value) {
    put_attribute(file, name, H5T_NATIVE_INT64, 0, &value);
}

static void put_double(hid_t file, const char *name, double value) {
    put_attribute(file, name, H5T_NATIVE_DOUBLE, 0, &value);
}

/* size 0: of variable length. */
static void put_text(hid_t file, const char *name, const char *text, size_t size) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : H5T_VARIABLE);
    put_attribute(file, name, type, 0, size ? (const void *)text : (const void *)&text);
    H5Tclose(type);
}

/* Longer than any text attribute may be. */
static const char *long_text(void) {
    static char text[2048];
    memset(text, 'x', sizeof text - 1);
    return text;
}

typedef struct attribute_case {
    const char *name;
    enum { GONE, INT, DOUBLE, TEXT, FIXED_TEXT, PAIR } kind;
    double number;
    const char *text;
    const char *says;
} attribute_case;

static void apply(hid_t file, const attribute_case *c) {
    static const int64_t pair[] = {1, 1};
    switch (c->kind) {
    case GONE:
        drop(file, c->name);
        break;
    case INT:
        put_int(file, c->name, (int64_t)c->number);
        break;
    case DOUBLE:
        put_double(file, c->name, c->number);
        break;
    case TEXT:
        put_text(file, c->name, c->text ? c->text : long_text(), 0);
        break;
    case FIXED_TEXT:
        put_text(file, c->name, c->text ? c->text : long_text(),
                 c->text ? strlen(c->text) + 1 : 2047);
        break;
    case PAIR:
        put_attribute(file, c->name, H5T_NATIVE_INT64, 2, pair);
        break;
    }
}

static const attribute_case bad_attributes[] = {
    {"schema_version", GONE, 0, NULL, "not a weights file"},
    {"schema_version", INT, 1, NULL, "schema version 1, expected 2"},
    {"schema_version", INT, 3, NULL, "schema version 3, expected 2"},
    {"schema_version", INT, 0, NULL, "schema version 0"},
    {"schema_version", DOUBLE, 2, NULL, ""},
    {"schema_version", TEXT, 0, "1", ""},
    {"schema_version", PAIR, 0, NULL, ""},
    {"network", GONE, 0, NULL, "network"},
    {"network", INT, 18, NULL, "network"},
    {"network", PAIR, 0, NULL, "network"},
    {"network", TEXT, 0, NULL, "network"},
    {"network", FIXED_TEXT, 0, NULL, "network"},
    {"network", TEXT, 0, "", "no network is called ''"},
    {"network", TEXT, 0, "vgg16", "no network is called 'vgg16'"},
    {"network", TEXT, 0, "resnet34", "weights of resnet34, expected resnet18"},
    {"network", FIXED_TEXT, 0, "resnet34", "weights of resnet34, expected resnet18"},
    {"variant", GONE, 0, NULL, "variant"},
    {"variant", TEXT, 0, NULL, "variant"},
    {"variant", TEXT, 0, "v1.5", "is variant v1.5, expected v1"},
    {"source", GONE, 0, NULL, "source"},
    {"source", FIXED_TEXT, 0, NULL, "source"},
    {"preprocessing", GONE, 0, NULL, "preprocessing"},
    {"preprocessing", DOUBLE, 1, NULL, "preprocessing"},
    {"sha256", GONE, 0, NULL, "sha256"},
    {"sha256", TEXT, 0, NULL, "sha256"},
    {"classes", GONE, 0, NULL, "classes"},
    {"classes", INT, 6, NULL, "6 classes, expected 5"},
    {"classes", INT, -5, NULL, "classes"},
    {"classes", DOUBLE, 5, NULL, "classes"},
    {"classes", TEXT, 0, "5", "classes"},
    {"conv_bias", GONE, 0, NULL, "conv_bias"},
    {"conv_bias", INT, 2, NULL, "conv_bias is 2"},
    {"conv_bias", INT, -1, NULL, "conv_bias is -1"},
    {"conv_bias", DOUBLE, 1, NULL, "conv_bias"},
    {"conv_bias", TEXT, 0, "0", "conv_bias"},
    {"batch_norm", GONE, 0, NULL, "batch_norm"},
    {"batch_norm", INT, 0, NULL, "no biases to hold it (conv_bias 0)"},
    {"batch_norm", INT, 2, NULL, "batch_norm is 2"},
    {"batch_norm", INT, -1, NULL, "batch_norm is -1"},
    {"batch_norm", DOUBLE, 1, NULL, "batch_norm"},
    {"batch_norm", TEXT, 0, "1", "batch_norm"},
    {"epsilon", GONE, 0, NULL, "epsilon"},
    {"epsilon", INT, 1, NULL, "epsilon"},
    {"epsilon", TEXT, 0, "1e-5", "epsilon"},
    {"epsilon", DOUBLE, 0, NULL, "epsilon"},
    {"epsilon", DOUBLE, -1e-5, NULL, "epsilon"},
    {"epsilon", DOUBLE, 1, NULL, "epsilon"},
    {"epsilon", DOUBLE, (double)NAN, NULL, "epsilon"},
    {"epsilon", DOUBLE, (double)INFINITY, NULL, "epsilon"},
};

static void bad_attributes_are_refused(void **state) {
    char path[PATH_SIZE];
    path_of(state, TINY_NAME, path);
    for (size_t i = 0; i < COUNT(bad_attributes); i++) {
        rb_error why;
        assert_ok(write_tiny(path, &err));
        const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        apply(file, &bad_attributes[i]);
        assert_true(H5Fclose(file) >= 0);
        refuse(path, &tiny_graph, &why);
        assert_contains(why.message, bad_attributes[i].says);
    }
}

/* Whoever wrote the file: h5py stores text with variable length, others with a fixed one, and
 * integers of any width. */
static void texts_and_integers_of_others_are_accepted(void **state) {
    char path[PATH_SIZE];
    rb_weights_info info;
    const int16_t narrow = 5;
    const hsize_t one = 1;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    put_text(file, "network", "resnet18", strlen("resnet18")); /* no room for a zero */
    put_text(file, "source", "somewhere\0\0\0\0\0\0\0\0\0\0", 20);
    put_attribute(file, "classes", H5T_NATIVE_INT16, 0, &narrow);
    put_attribute(file, "schema_version", H5T_NATIVE_INT64, one, &(int64_t){RB_WEIGHTS_SCHEMA});
    put_attribute(file, "a_note_of_theirs", H5T_NATIVE_INT16, 0, &narrow);
    assert_true(H5Fclose(file) >= 0);
    accept(path);
    assert_ok(rb_weights_read_info(path, &info, &err));
    assert_string_equal(info.network, "resnet18");
    assert_string_equal(info.source, "somewhere");
    assert_int_equal(info.classes, 5);
}

/* Escapes of terminals, in ASCII and as U+009B, and bytes that are no UTF-8. */
static void texts_are_fit_to_be_shown(void **state) {
    char path[PATH_SIZE];
    rb_weights_info info;
    path_of(state, TINY_NAME, path);
    assert_ok(write_tiny(path, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    static const char source[] = "\xC3\xBC\x1B[31m\n\xC2\x9B\x33\x31m\xFF";
    put_text(file, "source", source, sizeof source);
    assert_true(H5Fclose(file) >= 0);
    assert_ok(rb_weights_read_info(path, &info, &err));
    assert_string_equal(info.source, "\xC3\xBC [31m   31m?");
}

static void another_graph_is_refused(void **state) {
    char path[PATH_SIZE];
    rb_error why;
    rb_graph other = tiny_graph;
    assert_ok(write_tiny(path_of(state, TINY_NAME, path), &err));
    other.name = "resnet34";
    refuse(path, &other, &why);
    assert_contains(why.message, "weights of resnet18, expected resnet34");
    other = tiny_graph;
    other.classes = 1000;
    refuse(path, &other, &why);
    assert_contains(why.message, "5 classes, expected 1000");
}

static void compress(hid_t file) {
    static const hsize_t odd[] = {2, 2, 2, 3}, dims[] = {2, 3, 3, 3};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(properties, 4, odd) >= 0 && H5Pset_shuffle(properties) >= 0 &&
                H5Pset_deflate(properties, 9) >= 0 && H5Pset_fletcher32(properties) >= 0);
    replace(file, "conv1.weight", H5T_IEEE_F32LE, 4, dims, properties, H5T_NATIVE_FLOAT,
            tiny_values(0));
}

static void chunk(hid_t file) {
    static const hsize_t three[] = {3}, five[] = {5};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(properties, 1, three) >= 0);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void make_compact(hid_t file) {
    static const hsize_t five[] = {5};
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_layout(properties, H5D_COMPACT) >= 0);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void leave(hid_t file) {
    (void)file;
}

static void plain_storage_is_accepted(void **state) {
    static const alteration harmless[] = {leave, compress, chunk, make_compact};
    char path[PATH_SIZE];
    path_of(state, TINY_NAME, path);
    for (size_t i = 0; i < COUNT(harmless); i++) {
        write_altered(path, harmless[i]);
        accept(path);
    }
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(non_finite_values_are_refused),
        in_directory(a_negative_variance_is_refused),
        in_directory(bad_attributes_are_refused),
        in_directory(texts_and_integers_of_others_are_accepted),
        in_directory(texts_are_fit_to_be_shown),
        in_directory(another_graph_is_refused),
        in_directory(plain_storage_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
