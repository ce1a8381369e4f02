/* A well-formed HDF5 file that is almost a weights file -> weights. */
#include "../unit/test_weights_tiny.h"

#include "fuzz_file.h"
#include "fuzz_memory.h"
#include "hdf5_alter.h"

static const char *const datasets[] = {"conv1.weight",     "bn1.weight",      "bn1.bias",
                                       "bn1.running_mean", "bn1.running_var", "fc.weight",
                                       "fc.bias"};
static const char *const attributes[] = {"schema_version", "network",   "variant", "source",
                                         "preprocessing",  "sha256",    "classes", "epsilon",
                                         "conv_bias",      "batch_norm"};
static const hdf5_names names = {datasets, COUNT(datasets), attributes, COUNT(attributes)};

/* The file that all others are made of. */
static const char *good_file(size_t *size) {
    static char *good;
    static size_t good_size;
    if (!good) {
        FUZZ_REQUIRE(write_tiny(fuzz_path(TINY_NAME), NULL) == RB_OK);
        good = load(fuzz_path(TINY_NAME), &good_size);
    }
    *size = good_size;
    return good;
}

static void read_file(const char *path) {
    rb_weights_info info;
    rb_weights_set *set = NULL;
    rb_error err = {""};
    rb_status status = rb_weights_read_info(path, &info, &err);
    if (status != RB_OK)
        fuzz_check_refusal(status, &err);
    else
        for (const char *at = info.source; *at; at++)
            FUZZ_REQUIRE(fuzz_is_shown(at));
    status = rb_weights_load(path, &tiny_graph, &set, &err);
    if (status == RB_OK) {
        FUZZ_REQUIRE(strcmp(set->info.network, tiny_graph.name) == 0);
        if (rb_weights_verify(path, &tiny_graph, set, &err) != RB_OK) /* reads every value */
            fuzz_check_refusal(RB_ERR_INPUT, &err);
    } else {
        FUZZ_REQUIRE(!set);
        fuzz_check_refusal(status, &err);
    }
    rb_weights_destroy(set);
    FUZZ_REQUIRE(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t good_size;
    fuzz_bytes bytes = {data, size};
    const char *good = good_file(&good_size);
    const char *path = fuzz_file(TINY_NAME, good, good_size);
    if (!hdf5_alter(path, &names, &bytes))
        return 0;
    fuzz_promise_memory((size_t)64 << 20);
    read_file(path);
    fuzz_promise_memory(0);
    return 0;
}
