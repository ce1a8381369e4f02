/* Data sets of images: what is written is read, nothing half-written stays, and every file that
 * contradicts itself is refused. */
#include "test_support.h"

#include <hdf5.h>

#include "loaders/image_set.h"

enum { COUNT_ALL = 3500, HEIGHT = 12, WIDTH = 10, BYTES = HEIGHT * WIDTH * 3 };

static rb_image_set_info small_info(void) {
    rb_image_set_info info = {
        .height = HEIGHT, .width = WIDTH, .classes = 7, .name_bytes = 12, .source = "a test"};
    rb_preprocess_init(&info.preprocess, HEIGHT, WIDTH);
    return info;
}

static int32_t label_of(int64_t i) {
    return i % 8 == 7 ? RB_NO_LABEL : (int32_t)(i % 8);
}

static void pixels_of(int64_t i, uint8_t pixels[BYTES]) {
    uint64_t seed = (uint64_t)i + 1;
    for (int b = 0; b < BYTES; b++)
        pixels[b] = (uint8_t)random_bits(&seed);
}

static void name_of(int64_t i, char name[16]) {
    snprintf(name, 16, i % 3 == 0 ? "%s" : "%s%lld", i % 3 == 0 ? "" : "im/", (long long)i);
}

static void write_set(const char *path, const rb_image_set_info *info, int64_t count) {
    rb_image_set_writer *writer;
    uint8_t pixels[BYTES];
    char name[16], digits[RB_DIGEST_CAPACITY] = "";
    assert_ok(rb_image_set_create(path, info, &writer, &err));
    for (int64_t i = 0; i < count; i++) {
        pixels_of(i, pixels);
        name_of(i, name);
        assert_ok(
            rb_image_set_append(writer, pixels, label_of(i), info->name_bytes ? name : "", &err));
    }
    assert_ok(rb_image_set_finish(writer, digits, &err));
    assert_int_equal(strlen(digits), 64);
}

/* COUNT_ALL images need a second chunk of 1 MiB, which is not full. */
static void what_is_written_is_read(void **state) {
    char path[PATH_SIZE], name[16];
    const rb_image_set_info info = small_info();
    static uint8_t pixels[3 * BYTES], expected[BYTES];
    rb_image_set *set;
    path_of(state, "set.h5", path);
    write_set(path, &info, COUNT_ALL);
    assert_ok(rb_image_set_open(path, &set, &err));
    const rb_image_set_info *found = rb_image_set_info_of(set);
    assert_int_equal(found->count, COUNT_ALL);
    assert_int_equal(found->height, HEIGHT);
    assert_int_equal(found->width, WIDTH);
    assert_int_equal(found->classes, 7);
    assert_int_equal(found->name_bytes, 12);
    assert_string_equal(found->source, "a test");
    assert_memory_equal(&found->preprocess.mean, &info.preprocess.mean,
                        sizeof info.preprocess.mean);
    assert_int_equal(found->preprocess.crop_width, WIDTH);
    for (int64_t i = 0; i + 3 <= COUNT_ALL; i += 97) {
        assert_ok(rb_image_set_read(set, i, 3, pixels, &err));
        for (int64_t j = i; j < i + 3; j++) {
            pixels_of(j, expected);
            assert_memory_equal(pixels + (j - i) * BYTES, expected, BYTES);
            name_of(j, name);
            assert_string_equal(rb_image_set_name(set, j), name);
            assert_int_equal(rb_image_set_labels(set)[j], label_of(j));
        }
    }
    assert_string_equal(rb_image_set_name(set, -1), "");
    assert_string_equal(rb_image_set_name(set, COUNT_ALL), "");
    assert_int_equal(rb_image_set_read(set, COUNT_ALL - 1, 2, pixels, NULL), RB_ERR_USAGE);
    assert_int_equal(rb_image_set_read(set, -1, 1, pixels, NULL), RB_ERR_USAGE);
    assert_int_equal(rb_image_set_read(set, INT64_MAX, INT64_MAX, pixels, NULL), RB_ERR_USAGE);
    assert_ok(rb_image_set_verify(set, &err));
    rb_image_set_close(set);
    rb_image_set_close(NULL);
    assert_int_equal(entries_of(*state), 1);
}

static void sets_without_names_and_labels_are_fine(void **state) {
    char path[PATH_SIZE];
    rb_image_set_info info = small_info();
    rb_image_set_writer *writer;
    rb_image_set *set;
    const uint8_t pixels[BYTES] = {1};
    info.name_bytes = info.classes = 0;
    path_of(state, "set.h5", path);
    assert_ok(rb_image_set_create(path, &info, &writer, &err));
    assert_ok(rb_image_set_append(writer, pixels, RB_NO_LABEL, "", &err));
    assert_int_equal(rb_image_set_append(writer, pixels, 0, "", NULL), RB_ERR_USAGE);
    assert_int_equal(rb_image_set_append(writer, pixels, RB_NO_LABEL, "x", NULL), RB_ERR_USAGE);
    assert_ok(rb_image_set_finish(writer, NULL, &err));
    assert_ok(rb_image_set_open(path, &set, &err));
    assert_int_equal(rb_image_set_info_of(set)->count, 1);
    assert_string_equal(rb_image_set_name(set, 0), "");
    assert_ok(rb_image_set_verify(set, &err));
    rb_image_set_close(set);
}

/* Images of a chunk when so many are expected. */
static hsize_t chunk_of(const char *path, int64_t expected, int64_t name_bytes) {
    hsize_t chunk[4] = {0};
    rb_image_set_info info = small_info();
    rb_image_set_writer *writer;
    rb_image_set *set;
    const uint8_t pixels[BYTES] = {1};
    info.count = expected;
    info.name_bytes = name_bytes;
    assert_ok(rb_image_set_create(path, &info, &writer, &err));
    assert_ok(rb_image_set_append(writer, pixels, 1, "a", &err));
    assert_ok(rb_image_set_finish(writer, NULL, &err));
    assert_ok(rb_image_set_open(path, &set, &err));
    assert_int_equal(rb_image_set_info_of(set)->count, 1);
    rb_image_set_close(set);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t images = H5Dopen2(file, "images", H5P_DEFAULT);
    const hid_t properties = H5Dget_create_plist(images);
    assert_int_equal(H5Pget_chunk(properties, 4, chunk), 4);
    H5Pclose(properties);
    H5Dclose(images);
    H5Fclose(file);
    return chunk[0];
}

static void many_images_get_large_chunks(void **state) {
    char path[PATH_SIZE];
    path_of(state, "set.h5", path);
    assert_int_equal(chunk_of(path, 0, 12), (1 << 20) / BYTES);
    assert_int_equal(chunk_of(path, 100000, 12), (1 << 20) / BYTES);
    assert_int_equal(chunk_of(path, 2048 * INT64_C(4000), 12), 4000);
    assert_int_equal(chunk_of(path, 100000000, 4096), (32 << 20) / 4096); /* names count, too */
}

static void nothing_half_written_stays(void **state) {
    char path[PATH_SIZE];
    rb_image_set_info info = small_info();
    rb_image_set_writer *writer;
    rb_error error = {""};
    const uint8_t pixels[BYTES] = {1};
    path_of(state, "set.h5", path);
    assert_ok(rb_image_set_create(path, &info, &writer, &err));
    assert_ok(rb_image_set_append(writer, pixels, 1, "a", &err));
    assert_int_equal(entries_of(*state), 1);
    rb_image_set_discard(writer);
    rb_image_set_discard(NULL);
    assert_int_equal(entries_of(*state), 0);
    assert_ok(rb_image_set_create(path, &info, &writer, &err));
    assert_int_equal(rb_image_set_append(writer, pixels, 7, "a", &error), RB_ERR_USAGE);
    assert_contains(error.message, "label 7");
    assert_int_equal(rb_image_set_append(writer, pixels, -2, "a", &error), RB_ERR_USAGE);
    assert_int_equal(rb_image_set_append(writer, pixels, 0, "a name too long", &error),
                     RB_ERR_USAGE);
    assert_int_equal(rb_image_set_finish(writer, NULL, &error), RB_ERR_USAGE);
    assert_contains(error.message, "no image");
    assert_int_equal(entries_of(*state), 0);
    path_of(state, "nowhere/set.h5", path);
    assert_int_equal(rb_image_set_create(path, &info, &writer, &error), RB_ERR_OUTPUT);
    assert_null(writer);
    info.preprocess.std[0] = 0;
    assert_int_equal(rb_image_set_create(path, &info, &writer, &error), RB_ERR_USAGE);
}

/* A good file whose parts can be made bad one by one. */
typedef struct recipe {
    const char *named; /* in the sentence */
    int rank;          /* of images; 0: 4 */
    hsize_t images[4], labels, names;
    hid_t *image_type, *label_type;
    const char *missing; /* data set or attribute */
    const char *preprocessing, *kind, *sha256;
    int64_t schema, classes;
    int32_t label;
    bool variable_names, sparse, link;
    hsize_t name_bytes;
} recipe;

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PREPROCESSING                                                                              \
    "{\"order\":\"RGB\",\"divisor\":255,\"mean\":[0,0,0],\"std\":[1,1,1],\"resize\":null,"         \
    "\"crop\":[4,5]}"

static bool wanted(const recipe *r, const char *name) {
    return !r->missing || strcmp(r->missing, name) != 0;
}

static void put_text(hid_t file, const recipe *r, const char *name, const char *value) {
    if (!wanted(r, name))
        return;
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(value) + 1);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute), H5Sclose(space), H5Tclose(type);
}

static void put_integer(hid_t file, const recipe *r, const char *name, int64_t value) {
    if (!wanted(r, name))
        return;
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0);
    H5Aclose(attribute), H5Sclose(space);
}

static void put_values(hid_t file, const recipe *r, const char *name, hid_t type, int rank,
                       const hsize_t *dims, const void *data) {
    if (!wanted(r, name))
        return;
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (r->sparse && rank == 4)
        H5Pset_alloc_time(properties, H5D_ALLOC_TIME_LATE);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(dataset >= 0);
    if (data)
        assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset), H5Pclose(properties), H5Sclose(space);
}

static void cook(const char *path, const recipe *r) {
    static uint8_t zeros[1 << 16];
    const hsize_t good[4] = {3, 4, 5, 3};
    const hsize_t *dims = r->images[0] ? r->images : good;
    const hsize_t labels = r->labels ? r->labels : 3, names = r->names ? r->names : 3;
    const int32_t label_values[8] = {0, r->label, 1};
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put_text(file, r, "kind", r->kind ? r->kind : "images");
    put_text(file, r, "source", "a test");
    put_text(file, r, "sha256", r->sha256 ? r->sha256 : DIGITS);
    put_text(file, r, "preprocessing", r->preprocessing ? r->preprocessing : PREPROCESSING);
    put_integer(file, r, "schema_version", r->schema ? r->schema : 1);
    put_integer(file, r, "classes", r->classes ? r->classes : 2);
    if (r->link)
        H5Lcreate_external("other.h5", "images", file, "images", H5P_DEFAULT, H5P_DEFAULT);
    else
        put_values(file, r, "images", r->image_type ? *r->image_type : H5T_STD_U8LE,
                   r->rank ? r->rank : 4, dims, r->sparse ? NULL : zeros);
    put_values(file, r, "labels", r->label_type ? *r->label_type : H5T_STD_I32LE, 1, &labels,
               r->label_type ? (const void *)zeros : label_values);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, r->variable_names ? H5T_VARIABLE : r->name_bytes ? r->name_bytes : 4);
    put_values(file, r, "names", type, 1, &names, r->variable_names ? NULL : zeros);
    H5Tclose(type);
    assert_true(H5Fclose(file) >= 0);
}

static void contradictions_are_refused(void **state) {
    const recipe recipes[] = {
        {.named = "(kind)", .missing = "kind"},
        {.named = "(kind)", .kind = "weights"},
        {.named = "schema_version is missing", .missing = "schema_version"},
        {.named = "schema version 2, expected 1", .schema = 2},
        {.named = "classes is missing", .missing = "classes"},
        {.named = "-1 classes", .classes = -1, .label = 0},
        {.named = "classes, expected", .classes = INT64_MAX},
        {.named = "source is missing", .missing = "source"},
        {.named = "sha256 is missing", .missing = "sha256"},
        {.named = "64 hexadecimal", .sha256 = "0011"},
        {.named = "sha256", .sha256 = DIGITS "0"},
        {.named = "preprocessing is missing", .missing = "preprocessing"},
        {.named = "no JSON object", .preprocessing = "none"},
        {.named = "images are 4 x 5, but the crop",
         .images = {3, 4, 5, 3},
         .preprocessing = "{\"order\":\"RGB\",\"divisor\":1,\"mean\":[0,0,0],\"std\":[1,1,1],"
                          "\"resize\":null,\"crop\":[5,4]}"},
        {.named = "images are 4 x 5, but the crop",
         .preprocessing = "{\"order\":\"RGB\",\"divisor\":1,\"mean\":[0,0,0],\"std\":[1,1,1],"
                          "\"resize\":null,\"crop\":null}"},
        {.named = "images is missing", .missing = "images"},
        {.named = "labels is missing", .missing = "labels"},
        {.named = "images has 3 dimensions", .rank = 3},
        {.named = "(3, 4, 5, 4)", .images = {3, 4, 5, 4}},
        {.named = "expected uint8, found integers of 4", .image_type = &H5T_STD_I32LE_g},
        {.named = "wrong type", .image_type = &H5T_STD_I8LE_g},
        {.named = "expected little-endian int32, found integers of 8",
         .label_type = &H5T_STD_I64LE_g},
        {.named = "wrong type", .label_type = &H5T_STD_I32BE_g},
        {.named = "3 images, but labels has 2", .labels = 2},
        {.named = "3 images, but labels has 4", .labels = 4},
        {.named = "3 images, but names has 2", .names = 2},
        {.named = "text of fixed length, found text of variable", .variable_names = true},
        {.named = "names have 5000 bytes", .name_bytes = 5000},
        {.named = "label 2 of image 1", .label = 2},
        {.named = "label -2 of image 1", .label = -2},
        {.named = "no data, or not all", .sparse = true},
        {.named = "images is a link", .link = true},
    };
    char path[PATH_SIZE];
    rb_image_set *set;
    path_of(state, "set.h5", path);
    cook(path, &(recipe){0});
    assert_ok(rb_image_set_open(path, &set, &err));
    assert_int_equal(rb_image_set_info_of(set)->count, 3);
    rb_error error = {""};
    assert_int_equal(rb_image_set_verify(set, &error), RB_ERR_INPUT);
    assert_contains(error.message, DIGITS);
    rb_image_set_close(set);
    for (size_t i = 0; i < COUNT(recipes); i++) {
        error.message[0] = '\0';
        cook(path, &recipes[i]);
        if (rb_image_set_open(path, &set, &error) != RB_ERR_INPUT)
            fail_msg("recipe %zu is not refused: %s", i, recipes[i].named);
        assert_null(set);
        assert_sentence(error);
        assert_ptr_equal(strstr(error.message, path), error.message);
        assert_contains(error.message, recipes[i].named);
    }
}

/* A few hundred bytes that claim terabytes. */
static void claims_beyond_the_file_are_refused(void **state) {
    char path[PATH_SIZE];
    rb_image_set *set;
    rb_error err = {""};
    const hsize_t sizes[][4] = {
        {1ull << 40, 4, 5, 3}, {3, 1ull << 28, 1ull << 28, 3}, {1ull << 58, 1, 1, 3}};
    path_of(state, "set.h5", path);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        recipe r = {.sparse = true};
        memcpy(r.images, sizes[i], sizeof r.images);
        cook(path, &r);
        assert_int_equal(rb_image_set_open(path, &set, &err), RB_ERR_INPUT);
        assert_sentence(err);
    }
    /* one deflated chunk of 128 MiB, which HDF5 would unpack for a single image */
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const recipe r = {0};
    put_text(file, &r, "kind", "images");
    put_text(file, &r, "source", "a test");
    put_text(file, &r, "sha256", DIGITS);
    put_text(file, &r, "preprocessing", PREPROCESSING);
    put_integer(file, &r, "schema_version", 1);
    put_integer(file, &r, "classes", 2);
    const uint8_t zeros[180] = {0};
    const hsize_t dims[4] = {3, 4, 5, 3}, limit[4] = {H5S_UNLIMITED, 4, 5, 3};
    const hsize_t chunk[4] = {1 << 21, 4, 5, 3};
    const hid_t space = H5Screate_simple(4, dims, limit), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 4, chunk);
    H5Pset_deflate(list, 9);
    const hid_t images =
        H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    assert_true(H5Dwrite(images, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros) >= 0);
    H5Dclose(images), H5Pclose(list), H5Sclose(space), H5Fclose(file);
    assert_int_equal(rb_image_set_open(path, &set, &err), RB_ERR_INPUT);
    assert_contains(err.message, "chunks");
}

static void damage_is_a_sentence(void **state) {
    char path[PATH_SIZE];
    size_t size;
    rb_image_set *set;
    rb_error error = {""};
    const rb_image_set_info info = small_info();
    path_of(state, "set.h5", path);
    write_set(path, &info, 20);
    char *data = load(path, &size);
    for (size_t length = 0; length < size; length += 977) {
        save(path, data, length);
        assert_int_equal(rb_image_set_open(path, &set, &error), RB_ERR_INPUT);
        assert_sentence(error);
    }
    uint8_t pixels[BYTES];
    pixels_of(11, pixels);
    char *at = memmem(data, size, pixels, BYTES);
    assert_non_null(at);
    at[BYTES / 2] ^= 1;
    save(path, data, size);
    assert_ok(rb_image_set_open(path, &set, &err));
    assert_int_equal(rb_image_set_verify(set, &error), RB_ERR_INPUT);
    assert_contains(error.message, "SHA-256");
    rb_image_set_close(set);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read, empty_directory),
        cmocka_unit_test_setup(sets_without_names_and_labels_are_fine, empty_directory),
        cmocka_unit_test_setup(many_images_get_large_chunks, empty_directory),
        cmocka_unit_test_setup(nothing_half_written_stays, empty_directory),
        cmocka_unit_test_setup(contradictions_are_refused, empty_directory),
        cmocka_unit_test_setup(claims_beyond_the_file_are_refused, empty_directory),
        cmocka_unit_test_setup(damage_is_a_sentence, empty_directory),
    };
    return cmocka_run_group_tests_name("image_set", tests, make_directory, remove_directory);
}
