/* A weights file small enough to be ruined a hundred times: a graph of three nodes that claims to
 * be resnet18 with five classes, and the tools to alter its file with the HDF5 library itself. */
#ifndef TEST_WEIGHTS_TINY_H
#define TEST_WEIGHTS_TINY_H

#include "test_support.h"

#include <hdf5.h>

#include "loaders/weights_file.h"
#include "model/graph_cost.h"

#define TINY_TENSORS 7
#define TINY_VALUES 64
#define TINY_NAME "w.h5"

static const rb_tensor_desc tiny_tensors[TINY_TENSORS] = {
    {.name = "conv1.weight", .ndim = 4, .dims = {2, 3, 3, 3}},
    {.name = "bn1.weight", .ndim = 1, .dims = {2, 1, 1, 1}},
    {.name = "bn1.bias", .ndim = 1, .dims = {2, 1, 1, 1}},
    {.name = "bn1.running_mean", .ndim = 1, .dims = {2, 1, 1, 1}},
    {.name = "bn1.running_var", .ndim = 1, .dims = {2, 1, 1, 1}},
    {.name = "fc.weight", .ndim = 2, .dims = {5, 2, 1, 1}},
    {.name = "fc.bias", .ndim = 1, .dims = {5, 1, 1, 1}},
};

static const rb_node tiny_nodes[3] = {
    {.name = "conv1",
     .value_name = "relu",
     .op = RB_OP_CONV,
     .src = RB_VALUE_INPUT,
     .add = RB_NONE,
     .relu = 1,
     .ic = 3,
     .ih = 32,
     .iw = 32,
     .oc = 2,
     .oh = 32,
     .ow = 32,
     .kh = 3,
     .kw = 3,
     .stride_h = 1,
     .stride_w = 1,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1,
     .wei = 0,
     .bia = RB_NONE,
     .bn_weight = 1,
     .bn_bias = 2,
     .bn_mean = 3,
     .bn_var = 4},
    {.name = "avgpool",
     .value_name = "avgpool",
     .op = RB_OP_AVGPOOL,
     .src = 0,
     .add = RB_NONE,
     .ic = 2,
     .ih = 32,
     .iw = 32,
     .oc = 2,
     .oh = 1,
     .ow = 1,
     .kh = 32,
     .kw = 32,
     .stride_h = 1,
     .stride_w = 1,
     .wei = RB_NONE,
     .bia = RB_NONE,
     .bn_weight = RB_NONE,
     .bn_bias = RB_NONE,
     .bn_mean = RB_NONE,
     .bn_var = RB_NONE},
    {.name = "fc",
     .value_name = "fc",
     .op = RB_OP_FC,
     .src = 1,
     .add = RB_NONE,
     .ic = 2,
     .ih = 1,
     .iw = 1,
     .oc = 5,
     .oh = 1,
     .ow = 1,
     .kh = 1,
     .kw = 1,
     .stride_h = 1,
     .stride_w = 1,
     .wei = 5,
     .bia = 6,
     .bn_weight = RB_NONE,
     .bn_bias = RB_NONE,
     .bn_mean = RB_NONE,
     .bn_var = RB_NONE},
};

static const rb_graph tiny_graph = {.name = "resnet18",
                                    .batch = 1,
                                    .channels = 3,
                                    .height = 32,
                                    .width = 32,
                                    .classes = 5,
                                    .node_count = 3,
                                    .tensor_count = TINY_TENSORS,
                                    .nodes = tiny_nodes,
                                    .tensors = tiny_tensors};

/* Value i of tensor t: positive, so that a variance may be any of them. */
static inline float tiny_value(int32_t t, int64_t i) {
    return (float)(t + 1) + (float)i / 128;
}

static inline rb_status write_tiny(const char *path, rb_error *err) {
    static float values[TINY_TENSORS][TINY_VALUES];
    const float *tensors[TINY_TENSORS];
    const rb_weights_info info = {.network = "resnet18",
                                  .variant = "v1",
                                  .source = "a unit test, \xC3\xBC",
                                  .preprocessing = "none",
                                  .epsilon = 1e-5};
    for (int32_t t = 0; t < TINY_TENSORS; t++) {
        for (int64_t i = 0; i < TINY_VALUES; i++)
            values[t][i] = tiny_value(t, i);
        tensors[t] = values[t];
    }
    return rb_weights_write(path, &tiny_graph, &info, tensors, err);
}

/* The file at path must be refused; why says the reason. */
static inline void refuse(const char *path, const rb_graph *graph, rb_error *why) {
    rb_weights_set dummy, *set = &dummy;
    why->message[0] = '\0';
    if (rb_weights_load(path, graph, &set, why) == RB_OK) {
        rb_weights_destroy(set);
        fail_msg("%s is accepted", path);
    }
    assert_null(set);
    assert_sentence(*why);
    assert_contains(why->message, path);
    assert_int_equal(rb_weights_load(path, graph, &set, NULL), RB_ERR_INPUT);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0); /* nothing left open */
}

/* The file at path must load and hold the values of write_tiny. */
static inline void accept(const char *path) {
    rb_weights_set *set;
    assert_ok(rb_weights_load(path, &tiny_graph, &set, &err));
    for (int32_t t = 0; t < TINY_TENSORS; t++)
        for (int64_t i = 0; i < rb_tensor_elements(&tiny_tensors[t]); i++)
            assert_true(set->tensors[t][i] == tiny_value(t, i));
    assert_ok(rb_weights_verify(path, &tiny_graph, set, &err));
    rb_weights_destroy(set);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

/* A way to ruin (or not) the open file. */
typedef void (*alteration)(hid_t file);

/* A good file at path, then altered. */
static inline void write_altered(const char *path, alteration alter) {
    assert_ok(write_tiny(path, &err));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    alter(file);
    assert_true(H5Fclose(file) >= 0);
}

static inline float *tiny_values(int32_t t) {
    static float values[TINY_VALUES];
    for (int64_t i = 0; i < TINY_VALUES; i++)
        values[i] = tiny_value(t, i);
    return values;
}

/* Puts a data set of this type and shape in place of name; memory NULL: nothing is written.
 * Takes properties (H5P_DEFAULT is fine). */
static inline void replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t dims[],
                           hid_t properties, hid_t memory_type, const void *memory) {
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    const hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(space >= 0 && dataset >= 0);
    if (memory)
        assert_true(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    if (properties != H5P_DEFAULT)
        H5Pclose(properties);
}

#endif
