/* A data set of three images, and all that one does with any of them. */
#ifndef SMALL_IMAGE_SET_H
#define SMALL_IMAGE_SET_H

#include "fuzz_support.h"
#include "loaders/hdf5_access.h"
#include "loaders/image_set.h"
#include "loaders/image_set_digest.h"

#define SMALL_COUNT 3
#define SMALL_SIDE 4
#define MAX_USED_BYTES ((int64_t)1 << 20) /* of pixels: a sparse file may claim any number */

static inline void small_image_set_put(hid_t file, const char *name, hid_t type, int rank,
                                       const void *values) {
    const hsize_t dims[4] = {SMALL_COUNT, SMALL_SIDE, SMALL_SIDE, 3};
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t dataset =
        H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    FUZZ_REQUIRE(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

/* Not by rb_image_set_create, whose chunks make a megabyte of it. */
static inline void small_image_set_write(const char *path) {
    static const uint8_t pixels[SMALL_COUNT][SMALL_SIDE * SMALL_SIDE * 3] = {{1, 2, 3}};
    static const int32_t labels[SMALL_COUNT] = {RB_NO_LABEL, 0, 4};
    static const char names[SMALL_COUNT][8] = {"", "a.jpg", "b/c.jpg"};
    char text[RB_PREPROCESS_CAPACITY], digits[RB_DIGEST_CAPACITY] = "";
    rb_preprocess preprocess;
    rb_preprocess_init(&preprocess, SMALL_SIDE, SMALL_SIDE);
    FUZZ_REQUIRE(rb_preprocess_format(&preprocess, text, sizeof text, NULL) == RB_OK);
    EVP_MD_CTX *digest = rb_image_set_digest_start(SMALL_SIDE, SMALL_SIDE);
    FUZZ_REQUIRE(digest);
    for (int i = 0; i < SMALL_COUNT; i++)
        FUZZ_REQUIRE(
            rb_image_set_digest_add(digest, pixels[i], sizeof pixels[i], labels[i], names[i]));
    FUZZ_REQUIRE(rb_image_set_digest_end(digest, digits));
    EVP_MD_CTX_free(digest);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t name_type = H5Tcopy(H5T_C_S1);
    H5Tset_size(name_type, sizeof names[0]);
    small_image_set_put(file, "images", H5T_STD_U8LE, 4, pixels);
    small_image_set_put(file, "labels", H5T_STD_I32LE, 1, labels);
    small_image_set_put(file, "names", name_type, 1, names);
    FUZZ_REQUIRE(rb_hdf5_write_text(file, "kind", "images") &&
                 rb_hdf5_write_int(file, "schema_version", RB_IMAGE_SET_SCHEMA) &&
                 rb_hdf5_write_text(file, "source", "fuzz") &&
                 rb_hdf5_write_int(file, "classes", 5) &&
                 rb_hdf5_write_text(file, "preprocessing", text) &&
                 rb_hdf5_write_text(file, "sha256", digits));
    H5Tclose(name_type);
    FUZZ_REQUIRE(H5Fclose(file) >= 0);
}

/* Holds an open set to its promises, the first images and names of it. */
static inline void small_image_set_use(rb_image_set *set) {
    const rb_image_set_info *info = rb_image_set_info_of(set);
    const int32_t *labels = rb_image_set_labels(set);
    rb_error err = {""};
    FUZZ_REQUIRE(info->count >= 1 && info->height >= 1 && info->width >= 1);
    for (int64_t i = 0; i < info->count; i++)
        FUZZ_REQUIRE(labels[i] >= RB_NO_LABEL &&
                     (labels[i] < info->classes || labels[i] == RB_NO_LABEL));
    const int64_t bytes = info->height * info->width * 3;
    for (int64_t i = 0; i < info->count && i < 8; i++) {
        for (const char *at = rb_image_set_name(set, i); *at; at++)
            FUZZ_REQUIRE((unsigned char)*at >= 0x20 && *at != 0x7F);
        if (bytes > MAX_USED_BYTES)
            break;
        uint8_t *pixels = malloc((size_t)bytes);
        FUZZ_REQUIRE(pixels);
        const rb_status status = rb_image_set_read(set, i, 1, pixels, &err);
        if (status != RB_OK)
            fuzz_check_refusal(status, &err);
        free(pixels);
    }
    if (bytes <= MAX_USED_BYTES && info->count <= MAX_USED_BYTES / bytes &&
        rb_image_set_verify(set, &err) != RB_OK)
        fuzz_check_refusal(RB_ERR_INPUT, &err);
}

#endif
