/* Chunks that hold something else than their shape needs: libhdf5 would read past their end, or
 * take memory without bounds. */
#include "test_weights_tiny.h"

#include <zlib.h>

static const hsize_t five[] = {5};

static hid_t chunked(hsize_t length) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(properties, 1, &length) >= 0);
    return properties;
}

/* fc.bias in one chunk, stored as these bytes. */
static void write_chunk(hid_t file, bool deflated, const void *bytes, size_t size) {
    const hid_t properties = chunked(5);
    if (deflated)
        H5Pset_deflate(properties, 6);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, 0, NULL);
    const hid_t dataset = H5Dopen2(file, "fc.bias", H5P_DEFAULT);
    const hsize_t offset = 0;
    assert_true(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, size, bytes) >= 0);
    H5Dclose(dataset);
}

/* HDF5 would read what lies behind it in memory. */
static void short_chunk(hid_t file) {
    write_chunk(file, false, tiny_values(6), 4 * sizeof(float));
}

static void long_chunk(hid_t file) {
    write_chunk(file, false, tiny_values(6), 6 * sizeof(float));
}

static void deflate_to_chunk(hid_t file, size_t values) {
    Bytef packed[1024];
    uLongf size = sizeof packed;
    assert_int_equal(compress(packed, &size, (const Bytef *)tiny_values(6), values * sizeof(float)),
                     Z_OK);
    write_chunk(file, true, packed, size);
}

static void inflates_to_less(hid_t file) {
    deflate_to_chunk(file, 4);
}

static void inflates_to_more(hid_t file) {
    deflate_to_chunk(file, 6);
}

/* A megabyte becomes a gigabyte becomes a terabyte. */
static void deflated_twice(hid_t file) {
    const hid_t properties = chunked(5);
    H5Pset_deflate(properties, 6);
    H5Pset_deflate(properties, 6);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

/* One chunk of 2 GiB for five values, which HDF5 would take the memory for. */
static void huge_chunk(hid_t file) {
    const hsize_t limit = H5S_UNLIMITED, offset = 0;
    const hid_t space = H5Screate_simple(1, five, &limit), properties = chunked((hsize_t)1 << 29);
    H5Ldelete(file, "fc.bias", H5P_DEFAULT);
    const hid_t dataset =
        H5Dcreate2(file, "fc.bias", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(
        H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &offset, 5 * sizeof(float), tiny_values(6)) >= 0);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
}

/* Each is found in a time that grows with their number. */
static void too_many_chunks(hid_t file) {
    const hsize_t many[] = {40000};
    float *values = calloc(many[0], sizeof *values);
    assert_non_null(values);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, many, chunked(1), H5T_NATIVE_FLOAT, values);
    free(values);
}

static const struct {
    alteration alter;
    const char *says;
} hostile[] = {
    {short_chunk, "has a chunk that"},
    {long_chunk, "has a chunk that"},
    {inflates_to_less, "has a chunk that"},
    {inflates_to_more, "has a chunk that"},
    {deflated_twice, "compressed more than once"},
    {huge_chunk, "chunks far larger than itself"},
    {too_many_chunks, "more than 32768 chunks"},
};

static void each_hostile_chunk_is_refused(void **state) {
    char path[PATH_SIZE];
    for (size_t i = 0; i < COUNT(hostile); i++) {
        rb_error why;
        write_altered(path_of(state, TINY_NAME, path), hostile[i].alter);
        refuse(path, &tiny_graph, &why);
        assert_contains(why.message, "tensor fc.bias ");
        assert_contains(why.message, hostile[i].says);
    }
}

static void right_chunk(hid_t file) {
    write_chunk(file, false, tiny_values(6), 5 * sizeof(float));
}

static void inflates_to_enough(hid_t file) {
    deflate_to_chunk(file, 5);
}

/* The way deflate leaves it when nothing is gained: the chunk skips the filter, and says so. */
static void skips_deflate(hid_t file) {
    const hid_t properties = chunked(5);
    H5Pset_deflate(properties, 6);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, 0, NULL);
    const hid_t dataset = H5Dopen2(file, "fc.bias", H5P_DEFAULT);
    const hsize_t offset = 0;
    assert_true(
        H5Dwrite_chunk(dataset, H5P_DEFAULT, 1, &offset, 5 * sizeof(float), tiny_values(6)) >= 0);
    H5Dclose(dataset);
}

/* Every filter that is accepted, in an odd order. */
static void all_filters(hid_t file) {
    const hid_t properties = chunked(2);
    H5Pset_fletcher32(properties);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 6);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void checksum_last(hid_t file) {
    const hid_t properties = chunked(2);
    H5Pset_deflate(properties, 6);
    H5Pset_fletcher32(properties);
    replace(file, "fc.bias", H5T_IEEE_F32LE, 1, five, properties, H5T_NATIVE_FLOAT, tiny_values(6));
}

static void chunks_of_the_right_size_are_accepted(void **state) {
    static const alteration fine[] = {right_chunk, inflates_to_enough, skips_deflate, all_filters,
                                      checksum_last};
    char path[PATH_SIZE];
    for (size_t i = 0; i < COUNT(fine); i++) {
        write_altered(path_of(state, TINY_NAME, path), fine[i]);
        accept(path);
    }
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(each_hostile_chunk_is_refused),
        in_directory(chunks_of_the_right_size_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
