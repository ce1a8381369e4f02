#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "loaders/hdf5_access.h"
#include "loaders/synth.h"
#include "loaders/weights_file.h"
#include "model/graph_cost.h"

static bool write_attributes(hid_t file, const rb_weights_info *info) {
    return rb_hdf5_write_int(file, "schema_version", info->schema_version) &&
           rb_hdf5_write_text(file, "network", info->network) &&
           rb_hdf5_write_text(file, "variant", info->variant) &&
           rb_hdf5_write_text(file, "source", info->source) &&
           rb_hdf5_write_text(file, "preprocessing", info->preprocessing) &&
           rb_hdf5_write_text(file, "sha256", info->sha256) &&
           rb_hdf5_write_int(file, "classes", info->classes) &&
           rb_hdf5_write_double(file, "epsilon", info->epsilon) &&
           rb_hdf5_write_int(file, "conv_bias", info->conv_bias) &&
           rb_hdf5_write_int(file, "batch_norm", info->batch_norm);
}

rb_status rb_weights_write(const char *path, const rb_graph *graph, const rb_weights_info *info,
                           const float *const *tensors, rb_error *err) {
    rb_weights_info full = *info;
    char temporary[RB_PATH_CAPACITY];
    hid_t file;
    full.schema_version = RB_WEIGHTS_SCHEMA;
    full.classes = graph->classes;
    full.conv_bias = graph->nodes[0].bia != RB_NONE; /* the stem is like all the others */
    full.batch_norm = graph->nodes[0].bn_weight != RB_NONE;
    rb_status status = rb_digest_tensors(graph, tensors, info->epsilon, full.sha256, err);
    if (status == RB_OK)
        status = rb_temporary_path(path, temporary, err);
    if (status == RB_OK)
        status = rb_hdf5_create(temporary, &file, err);
    if (status != RB_OK)
        return status;
    bool fine = write_attributes(file, &full);
    for (int32_t i = 0; fine && i < graph->tensor_count; i++) {
        const rb_tensor_desc *tensor = &graph->tensors[i];
        fine = rb_hdf5_write_dataset(file, tensor->name, RB_F32, tensor->ndim, tensor->dims,
                                     tensors[i]);
    }
    if (H5Fclose(file) < 0 || !fine) {
        unlink(temporary);
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written (is the disk full?)", path);
    }
    return rb_commit_file(temporary, path, err);
}

rb_status rb_weights_synthesize(const char *path, const rb_network *network, const rb_graph *graph,
                                uint64_t seed, rb_error *err) {
    rb_weights_info info = {.epsilon = RB_SYNTH_EPSILON};
    snprintf(info.network, sizeof info.network, "%s", network->name);
    snprintf(info.variant, sizeof info.variant, "%s", rb_network_variant(network));
    snprintf(info.source, sizeof info.source, "synthetic, seed %llu", (unsigned long long)seed);
    snprintf(info.preprocessing, sizeof info.preprocessing, "none");
    rb_status status = RB_OK;
    float **tensors = calloc((size_t)graph->tensor_count, sizeof *tensors);
    for (int32_t i = 0; tensors && i < graph->tensor_count; i++) {
        tensors[i] = malloc((size_t)rb_tensor_elements(&graph->tensors[i]) * sizeof **tensors);
        if (!tensors[i]) {
            status = rb_fail(err, RB_ERR_MEMORY, "no memory for the weights of %s", network->name);
            break;
        }
        rb_synth_tensor(graph, i, seed, tensors[i]);
    }
    if (!tensors)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the weights of %s", network->name);
    if (status == RB_OK)
        status = rb_weights_write(path, graph, &info, (const float *const *)tensors, err);
    for (int32_t i = 0; tensors && i < graph->tensor_count; i++)
        free(tensors[i]);
    free(tensors);
    return status;
}
