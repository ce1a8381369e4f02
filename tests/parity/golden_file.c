#include "golden_file.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"

#define TABLE_NAME 64 /* module names of the table layout are shorter */

static void *alloc_zeroed(int64_t count, size_t size) {
    void *memory = calloc((size_t)count, size);
    assert_non_null(memory);
    return memory;
}

static void read_attribute(hid_t object, const char *name, hid_t type, void *value) {
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0 || H5Aread(attribute, type, value) < 0)
        fail_msg("the golden file has no readable attribute %s", name);
    H5Aclose(attribute);
}

/* A text of fixed length, shorter than RB_GOLDEN_NAME. */
static void read_text(hid_t object, const char *name, char text[RB_GOLDEN_NAME]) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0 || H5Tset_size(type, RB_GOLDEN_NAME) < 0)
        fail_msg("HDF5 has no text of %d bytes", RB_GOLDEN_NAME);
    read_attribute(object, name, type, text);
    H5Tclose(type);
}

/* Reads a whole data set, which must hold `count` elements. */
static void read_dataset(hid_t group, const char *name, hid_t type, int64_t count, void *dst) {
    const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    const hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
    if (space < 0 || H5Sget_simple_extent_npoints(space) != count ||
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, dst) < 0)
        fail_msg("the golden file has no readable %s of %lld values", name, (long long)count);
    H5Sclose(space);
    H5Dclose(dataset);
}

/* Rows and columns of a data set of one or two dimensions. */
static void dataset_shape(hid_t group, const char *name, int64_t shape[2]) {
    const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    const hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
    const int ndim = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    hsize_t dims[2] = {1, 1};
    if (ndim < 1 || ndim > 2 || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        fail_msg("the golden file has no table %s", name);
    shape[0] = (int64_t)dims[0];
    shape[1] = (int64_t)dims[1];
    H5Sclose(space);
    H5Dclose(dataset);
}

/* One module of the layout with a group for each. */
static herr_t read_module_group(hid_t activations, const char *name, const H5L_info_t *info,
                                void *ctx) {
    (void)info;
    rb_golden *golden = ctx;
    rb_golden_module *m = &golden->modules[golden->module_count++];
    const hid_t group = H5Gopen2(activations, name, H5P_DEFAULT);
    const hid_t shape = group >= 0 ? H5Aopen(group, "shape", H5P_DEFAULT) : -1;
    const hid_t space = shape >= 0 ? H5Aget_space(shape) : -1;
    const hssize_t ndim = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    if (ndim < 1 || ndim > 4 || strlen(name) >= sizeof m->name)
        fail_msg("the golden file's module %s has no shape", name);
    snprintf(m->name, sizeof m->name, "%s", name);
    for (int d = 0; d < 4; d++)
        m->dims[d] = 1;
    if (H5Aread(shape, H5T_NATIVE_INT64, m->dims) < 0)
        fail_msg("the golden file's module %s has a shape that cannot be read", name);
    read_attribute(group, "mean", H5T_NATIVE_DOUBLE, &m->mean);
    read_attribute(group, "std", H5T_NATIVE_DOUBLE, &m->std);
    read_attribute(group, "l2", H5T_NATIVE_DOUBLE, &m->l2);
    read_attribute(group, "absmax", H5T_NATIVE_DOUBLE, &m->absmax);
    read_dataset(group, "index", H5T_NATIVE_INT64, RB_GOLDEN_PROBES, m->index);
    read_dataset(group, "value", H5T_NATIVE_DOUBLE, RB_GOLDEN_PROBES, m->value);
    H5Sclose(space);
    H5Aclose(shape);
    H5Gclose(group);
    return 0;
}

static void read_module_groups(hid_t group, rb_golden *golden) {
    const hid_t activations = H5Gopen2(group, "activations", H5P_DEFAULT);
    H5G_info_t info;
    if (activations < 0 || H5Gget_info(activations, &info) < 0)
        fail_msg("the golden file's group of activations cannot be read");
    golden->modules = alloc_zeroed((int64_t)info.nlinks, sizeof *golden->modules);
    if (H5Literate(activations, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, read_module_group, golden) < 0)
        fail_msg("the golden file's group of activations cannot be walked through");
    assert_int_equal(golden->module_count, info.nlinks);
    H5Gclose(activations);
}

static void read_module_table(hid_t group, rb_golden *golden) {
    int64_t shape[2];
    dataset_shape(group, "module", shape);
    const int64_t count = shape[0];
    char *names = alloc_zeroed(count, TABLE_NAME);
    int64_t *dims = alloc_zeroed(count * 4, sizeof *dims);
    double *stats = alloc_zeroed(count * 4, sizeof *stats);
    int64_t *index = alloc_zeroed(count * RB_GOLDEN_PROBES, sizeof *index);
    double *value = alloc_zeroed(count * RB_GOLDEN_PROBES, sizeof *value);
    const hid_t text = H5Tcopy(H5T_C_S1);
    if (text < 0 || H5Tset_size(text, TABLE_NAME) < 0)
        fail_msg("HDF5 has no text of %d bytes", TABLE_NAME);
    read_dataset(group, "module", text, count, names);
    H5Tclose(text);
    read_dataset(group, "shape", H5T_NATIVE_INT64, count * 4, dims);
    read_dataset(group, "stats", H5T_NATIVE_DOUBLE, count * 4, stats);
    read_dataset(group, "index", H5T_NATIVE_INT64, count * RB_GOLDEN_PROBES, index);
    read_dataset(group, "value", H5T_NATIVE_DOUBLE, count * RB_GOLDEN_PROBES, value);
    golden->module_count = count;
    golden->modules = alloc_zeroed(count, sizeof *golden->modules);
    for (int64_t i = 0; i < count; i++) {
        rb_golden_module *m = &golden->modules[i];
        snprintf(m->name, sizeof m->name, "%s", names + i * TABLE_NAME);
        memcpy(m->dims, dims + i * 4, sizeof m->dims);
        m->mean = stats[i * 4];
        m->std = stats[i * 4 + 1];
        m->l2 = stats[i * 4 + 2];
        m->absmax = stats[i * 4 + 3];
        memcpy(m->index, index + i * RB_GOLDEN_PROBES, sizeof m->index);
        memcpy(m->value, value + i * RB_GOLDEN_PROBES, sizeof m->value);
    }
    free(names);
    free(dims);
    free(stats);
    free(index);
    free(value);
}

rb_golden *rb_golden_read(const char *path, const char *name) {
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t group = file >= 0 ? H5Gopen2(file, name, H5P_DEFAULT) : -1;
    if (group < 0)
        fail_msg("%s has no case %s", path, name);
    rb_golden *golden = alloc_zeroed(1, sizeof *golden);
    const int is_table = H5Lexists(group, "module", H5P_DEFAULT) > 0;
    const hid_t root = is_table ? group : file; /* where the input's shape is noted */
    if (is_table)
        read_text(group, "network", golden->network);
    else /* torchvision.h5 calls its cases by their networks */
        snprintf(golden->network, sizeof golden->network, "%s", name);
    read_attribute(file, "seed", H5T_NATIVE_INT64, &golden->seed);
    read_attribute(root, "batch", H5T_NATIVE_INT64, &golden->batch);
    read_attribute(root, "height", H5T_NATIVE_INT64, &golden->height);
    read_attribute(root, "width", H5T_NATIVE_INT64, &golden->width);
    read_attribute(group, "parameters", H5T_NATIVE_INT64, &golden->parameters);
    read_attribute(group, "f32_rel_l2_error", H5T_NATIVE_DOUBLE, &golden->f32_rel_l2_error);
    int64_t conv_bias = 0; /* resnet.h5 and torchvision.h5 do not say: they have none */
    if (H5Aexists(group, "conv_bias") > 0)
        read_attribute(group, "conv_bias", H5T_NATIVE_INT64, &conv_bias);
    golden->conv_bias = conv_bias != 0;
    int64_t shape[2];
    dataset_shape(group, "logits", shape);
    assert_int_equal(shape[0], golden->batch);
    golden->classes = shape[1];
    golden->logits = alloc_zeroed(shape[0] * shape[1], sizeof *golden->logits);
    read_dataset(group, "logits", H5T_NATIVE_DOUBLE, shape[0] * shape[1], golden->logits);
    if (is_table)
        read_module_table(group, golden);
    else
        read_module_groups(group, golden);
    H5Gclose(group);
    H5Fclose(file);
    return golden;
}

void rb_golden_destroy(rb_golden *golden) {
    if (!golden)
        return;
    free(golden->logits);
    free(golden->modules);
    free(golden);
}
