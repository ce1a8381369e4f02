/* A well-formed HDF5 file that is almost a file of network inputs -> a tensor. */
#include "fuzz_file.h"
#include "fuzz_memory.h"
#include "hdf5_alter.h"
#include "loaders/hdf5_access.h"
#include "loaders/tensor_file.h"

static const char *const datasets[] = {"input"};
static const char *const attributes[] = {"network"};
static const hdf5_names names = {datasets, 1, attributes, 1};

/* As of bench/inputs.c, but for the number of images. */
static const rb_dims_range range = {.low = {1, 3, 1, 1}, .high = {1000, 3, 100, 100}};

static void write_good(hid_t file) {
    static const float values[2 * 3 * 2 * 2];
    static const int64_t dims[RB_MAX_DIMS] = {2, 3, 2, 2};
    FUZZ_REQUIRE(rb_hdf5_write_dataset(file, "input", RB_F32, 4, dims, values));
    FUZZ_REQUIRE(rb_hdf5_write_text(file, "network", "resnet18"));
}

static void read_file(const char *path) {
    int64_t dims[RB_MAX_DIMS], count = 1;
    float *values;
    double sum = 0;
    rb_error err = {""};
    const rb_status status = rb_tensor_read(path, "input", 4, &range, dims, &values, &err);
    if (status == RB_OK) {
        for (int d = 0; d < RB_MAX_DIMS; d++) {
            FUZZ_REQUIRE(dims[d] >= range.low[d] && dims[d] <= range.high[d]);
            count *= dims[d];
        }
        for (int64_t i = 0; i < count; i++)
            sum += (double)values[i];
        FUZZ_REQUIRE(sum - sum == 0); /* finite, every one of them */
    } else {
        FUZZ_REQUIRE(!values);
        fuzz_check_refusal(status, &err);
    }
    free(values);
    FUZZ_REQUIRE(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    hid_t file;
    const char *path = fuzz_path("input.h5");
    FUZZ_REQUIRE(rb_hdf5_create(path, &file, NULL) == RB_OK);
    write_good(file);
    H5Fclose(file);
    if (!hdf5_alter(path, &names, &bytes))
        return 0;
    fuzz_promise_memory((size_t)256 << 20);
    read_file(path);
    fuzz_promise_memory(0);
    return 0;
}
