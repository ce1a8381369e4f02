/* A well-formed HDF5 file that is almost a data set of images -> images, labels and names. */
#include "fuzz_file.h"
#include "fuzz_memory.h"
#include "hdf5_alter.h"
#include "small_image_set.h"

static const char *const datasets[] = {"images", "labels", "names"};
static const char *const attributes[] = {"kind",    "schema_version", "source",
                                         "classes", "preprocessing",  "sha256"};
static const hdf5_names names = {datasets, 3, attributes, 6};

static void read_set(const char *path) {
    rb_image_set *set;
    rb_error err = {""};
    const rb_status status = rb_image_set_open(path, &set, &err);
    if (status == RB_OK) {
        small_image_set_use(set);
    } else {
        FUZZ_REQUIRE(!set);
        fuzz_check_refusal(status, &err);
    }
    rb_image_set_close(set);
    FUZZ_REQUIRE(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes bytes = {data, size};
    const char *path = fuzz_path("set.h5");
    small_image_set_write(path);
    if (!hdf5_alter(path, &names, &bytes))
        return 0;
    fuzz_promise_memory((size_t)512 << 20);
    read_set(path);
    fuzz_promise_memory(0);
    return 0;
}
