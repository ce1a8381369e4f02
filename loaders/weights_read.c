#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "loaders/hdf5_access.h"
#include "loaders/weights_file.h"
#include "model/graph_cost.h"

#define ADVICE "'resbench import' makes weights files from those of other programs"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are used as they lie in files");

/* The set comes first, so that a pointer to it is a pointer to its storage. A tensor that lies
 * in one piece in the file is used where it lies: copying a quarter of a gigabyte into fresh
 * pages costs three times as much as reading it. */
typedef struct weights_storage {
    rb_weights_set set;
    const float **tensors;
    float **copies; /* of tensors that are compact or chunked; NULL for the others */
    int32_t tensor_count;
    const void *map; /* NULL: everything is copied */
    size_t map_bytes;
} weights_storage;

static rb_status read_flag(hid_t file, const char *path, const char *name, bool *flag,
                           rb_error *err) {
    int64_t value;
    const rb_status status = rb_hdf5_read_int(file, path, name, &value, err);
    if (status == RB_OK && value != 0 && value != 1)
        return rb_fail(err, RB_ERR_INPUT, "%s: attribute %s is %lld, expected 0 or 1", path, name,
                       (long long)value);
    *flag = status == RB_OK && value == 1;
    return status;
}

static rb_status read_info(hid_t file, const char *path, rb_weights_info *info, rb_error *err) {
    const struct {
        const char *name;
        char *text;
        size_t capacity;
    } texts[] = {
        {"network", info->network, sizeof info->network},
        {"variant", info->variant, sizeof info->variant},
        {"source", info->source, sizeof info->source},
        {"preprocessing", info->preprocessing, sizeof info->preprocessing},
        {"sha256", info->sha256, sizeof info->sha256},
    };
    rb_status status = rb_hdf5_read_int(file, path, "schema_version", &info->schema_version, err);
    if (status != RB_OK)
        return rb_fail(err, status,
                       "%s: is not a weights file of resbench (no schema_version); " ADVICE, path);
    if (H5Aexists(file, "kind") > 0) /* as in data sets of images */
        return rb_fail(err, RB_ERR_INPUT, "%s: is a data set of images, weights were expected",
                       path);
    if (info->schema_version != RB_WEIGHTS_SCHEMA)
        return rb_fail(err, RB_ERR_INPUT, "%s: schema version %lld, expected %d", path,
                       (long long)info->schema_version, RB_WEIGHTS_SCHEMA);
    for (size_t i = 0; status == RB_OK && i < sizeof texts / sizeof texts[0]; i++)
        status =
            rb_hdf5_read_text(file, path, texts[i].name, texts[i].text, texts[i].capacity, err);
    if (status == RB_OK)
        status = rb_hdf5_read_int(file, path, "classes", &info->classes, err);
    if (status == RB_OK)
        status = rb_hdf5_read_double(file, path, "epsilon", &info->epsilon, err);
    if (status == RB_OK)
        status = read_flag(file, path, "conv_bias", &info->conv_bias, err);
    if (status == RB_OK)
        status = read_flag(file, path, "batch_norm", &info->batch_norm, err);
    if (status != RB_OK)
        return status;
    if (!info->batch_norm && !info->conv_bias)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: has batch norm folded (batch_norm 0), but no biases "
                       "to hold it (conv_bias 0), expected 1",
                       path);
    if (!(info->epsilon > 0 && info->epsilon < 1))
        return rb_fail(err, RB_ERR_INPUT, "%s: epsilon is %g, expected a value between 0 and 1",
                       path, info->epsilon);
    const rb_network *network;
    rb_error unknown;
    if (rb_network_find(info->network, &network, &unknown) != RB_OK)
        return rb_fail(err, RB_ERR_INPUT, "%s: %.800s", path, unknown.message);
    if (strcmp(info->variant, rb_network_variant(network)) != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: is variant %s, expected %s for %s", path,
                       info->variant, rb_network_variant(network), network->name);
    return RB_OK;
}

rb_graph_shape rb_weights_graph_shape(const rb_weights_info *info, int64_t batch, int64_t height,
                                      int64_t width) {
    return (rb_graph_shape){.batch = batch,
                            .height = height,
                            .width = width,
                            .classes = info->classes,
                            .conv_bias = info->conv_bias,
                            .folded = !info->batch_norm};
}

rb_status rb_weights_read_info(const char *path, rb_weights_info *info, rb_error *err) {
    hid_t file;
    rb_status status = rb_hdf5_open(path, ADVICE, &file, err);
    if (status != RB_OK)
        return status;
    status = read_info(file, path, info, err);
    H5Fclose(file);
    return status;
}

/* A value that no trained network has. One pass, no branch, so that it costs less than
 * reading the file did. */
static bool has_non_finite(const float *values, int64_t count) {
    uint32_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        found |= (uint32_t)((bits & 0x7F800000u) == 0x7F800000u);
    }
    return found != 0;
}

static rb_status check_values(const char *path, const rb_tensor_desc *tensor, const float *values,
                              rb_error *err) {
    const int64_t count = rb_tensor_elements(tensor);
    const char *suffix = strrchr(tensor->name, '.');
    if (has_non_finite(values, count))
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s holds a NaN or an infinity", path,
                       tensor->name);
    if (suffix && strcmp(suffix, ".running_var") == 0)
        for (int64_t i = 0; i < count; i++)
            if (values[i] < 0)
                return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s holds a negative variance, %g",
                               path, tensor->name, (double)values[i]);
    return RB_OK;
}

static rb_status check_shape(hid_t dataset, const char *path, const rb_tensor_desc *tensor,
                             rb_error *err) {
    int32_t ndim;
    int64_t dims[RB_MAX_DIMS];
    char expected[96], found[96];
    const rb_status status = rb_hdf5_dataset_dims(dataset, path, tensor->name, &ndim, dims, err);
    if (status != RB_OK)
        return status;
    if (ndim == tensor->ndim && memcmp(dims, tensor->dims, sizeof dims) == 0)
        return RB_OK;
    rb_format_dims(tensor->ndim, tensor->dims, expected, sizeof expected);
    rb_format_dims(ndim, dims, found, sizeof found);
    return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s has shape %s, expected %s", path, tensor->name,
                   found, expected);
}

/* Points at the values in the map, or copies them. */
static rb_status take_values(weights_storage *s, int32_t index, hid_t dataset, const char *path,
                             const rb_tensor_desc *tensor, rb_error *err) {
    const size_t bytes = (size_t)rb_tensor_elements(tensor) * sizeof(float);
    size_t offset;
    if (s->map && rb_hdf5_offset(dataset, bytes, s->map_bytes, &offset) &&
        offset % sizeof(float) == 0) {
        s->tensors[index] = (const void *)((const char *)s->map + offset);
        return RB_OK;
    }
    s->tensors[index] = s->copies[index] = malloc(bytes);
    if (!s->copies[index])
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu bytes of weights", bytes);
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, s->copies[index]) < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s cannot be read", path, tensor->name);
    return RB_OK;
}

static rb_status read_tensor(weights_storage *s, int32_t index, hid_t file, const char *path,
                             const rb_tensor_desc *tensor, rb_error *err) {
    hid_t dataset;
    rb_status status =
        rb_hdf5_open_dataset(file, path, tensor->name, H5T_IEEE_F32LE, &dataset, err);
    if (status != RB_OK)
        return status;
    status = check_shape(dataset, path, tensor, err);
    if (status == RB_OK)
        status = take_values(s, index, dataset, path, tensor, err);
    if (status == RB_OK)
        status = check_values(path, tensor, s->tensors[index], err);
    H5Dclose(dataset);
    return status;
}

typedef struct extra_search {
    const rb_graph *graph;
    char name[128];
} extra_search;

/* H5Literate callback: 1 stops at the first link that is no tensor of the graph. */
static herr_t find_extra(hid_t group, const char *name, const H5L_info_t *link, void *data) {
    extra_search *search = data;
    (void)group, (void)link;
    for (int32_t i = 0; i < search->graph->tensor_count; i++)
        if (strcmp(search->graph->tensors[i].name, name) == 0)
            return 0;
    snprintf(search->name, sizeof search->name, "%s", name);
    return 1;
}

static rb_status check_no_extra(hid_t file, const char *path, const rb_graph *graph,
                                rb_error *err) {
    H5G_info_t group;
    if (H5Gget_info(file, &group) < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: its root group cannot be read", path);
    if (group.nlinks == (hsize_t)graph->tensor_count) /* and all of them were found by name */
        return RB_OK;
    extra_search search = {.graph = graph};
    H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, find_extra, &search);
    return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is not part of %s", path, search.name,
                   graph->name);
}

static rb_status check_network(const char *path, const rb_graph *graph, const rb_weights_info *info,
                               rb_error *err) {
    if (strcmp(info->network, graph->name) != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: holds weights of %s, expected %s", path,
                       info->network, graph->name);
    if (info->classes != graph->classes)
        return rb_fail(err, RB_ERR_INPUT, "%s: has %lld classes, expected %lld", path,
                       (long long)info->classes, (long long)graph->classes);
    return RB_OK;
}

static rb_status allocate(const rb_graph *graph, weights_storage **storage, rb_error *err) {
    const size_t count = (size_t)graph->tensor_count;
    weights_storage *s = calloc(1, sizeof *s);
    *storage = s;
    if (s) {
        s->tensor_count = graph->tensor_count;
        s->tensors = calloc(count, sizeof *s->tensors);
        s->copies = calloc(count, sizeof *s->copies);
        s->set.tensors = s->tensors;
    }
    if (!s || !s->tensors || !s->copies)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu tensors", count);
    return RB_OK;
}

rb_status rb_weights_load(const char *path, const rb_graph *graph, rb_weights_set **set,
                          rb_error *err) {
    hid_t file;
    weights_storage *s = NULL;
    *set = NULL;
    rb_status status = rb_hdf5_open(path, ADVICE, &file, err);
    if (status != RB_OK)
        return status;
    status = allocate(graph, &s, err);
    if (status == RB_OK)
        status = read_info(file, path, &s->set.info, err);
    if (status == RB_OK)
        status = check_network(path, graph, &s->set.info, err);
    if (status == RB_OK)
        s->map = rb_hdf5_map(file, &s->map_bytes);
    for (int32_t i = 0; status == RB_OK && i < graph->tensor_count; i++)
        status = read_tensor(s, i, file, path, &graph->tensors[i], err);
    if (status == RB_OK)
        status = check_no_extra(file, path, graph, err);
    H5Fclose(file);
    if (status == RB_OK)
        *set = &s->set;
    else if (s)
        rb_weights_destroy(&s->set);
    return status;
}

void rb_weights_destroy(rb_weights_set *set) {
    if (!set)
        return;
    weights_storage *s = (weights_storage *)set;
    for (int32_t i = 0; s->copies && i < s->tensor_count; i++)
        free(s->copies[i]);
    if (s->map)
        munmap((void *)(uintptr_t)s->map, s->map_bytes);
    free(s->copies);
    free(s->tensors);
    free(s);
}

rb_status rb_weights_verify(const char *path, const rb_graph *graph, const rb_weights_set *set,
                            rb_error *err) {
    char digest[RB_DIGEST_CAPACITY];
    rb_status status = rb_digest_tensors(graph, set->tensors, set->info.epsilon, digest, err);
    if (status == RB_OK && strcmp(digest, set->info.sha256) != 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: SHA-256 of the tensors is %s, expected %s", path,
                         digest, set->info.sha256);
    return status;
}
