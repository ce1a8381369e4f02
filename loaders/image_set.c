#include "loaders/image_set.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "loaders/hdf5_access.h"
#include "loaders/image_set_digest.h"
#include "resbench/checked.h"

#define MAX_CHUNK_BYTES (64 << 20) /* HDF5 unpacks a whole one in memory; or one image's bytes */
#define BLOCK_BYTES (1 << 20)      /* read at a time when all is read */
#define MAX_DEFLATE_RATIO 1032     /* what deflate can make of a byte */

struct rb_image_set {
    rb_image_set_info info;
    char path[256]; /* for sentences */
    hid_t file, images, names, name_type;
    int32_t *labels;
    char *name;
};

/* Whether memory can hold the chunks of a data set: HDF5 unpacks whole ones. */
static bool chunks_are_small(hid_t dataset, int64_t entry_bytes) {
    hsize_t chunk[RB_MAX_DIMS];
    const hid_t stored = H5Dget_type(dataset), properties = H5Dget_create_plist(dataset);
    uint64_t bytes = H5Tget_size(stored); /* HDF5 has no chunks of 2^32 bytes or more */
    int rank = 0;
    if (H5Pget_layout(properties) == H5D_CHUNKED)
        rank = H5Pget_chunk(properties, RB_MAX_DIMS, chunk);
    for (int d = 0; d < rank; d++)
        bytes *= chunk[d];
    H5Tclose(stored);
    H5Pclose(properties);
    return rank >= 0 && (bytes <= MAX_CHUNK_BYTES || bytes <= (uint64_t)entry_bytes);
}

/* Opens a data set of the given rank whose size the file can hold. */
static rb_status open_checked(const rb_image_set *set, const char *name, hid_t type, int32_t rank,
                              hid_t *dataset, int64_t dims[RB_MAX_DIMS], rb_error *err) {
    int32_t found;
    int64_t bytes, room;
    hsize_t file_bytes = 0;
    rb_status status = rb_hdf5_open_dataset(set->file, set->path, name, type, dataset, err);
    if (status == RB_OK)
        status = rb_hdf5_dataset_dims(*dataset, set->path, name, &found, dims, err);
    if (status != RB_OK)
        return status;
    if (found != rank)
        return rb_fail(err, RB_ERR_INPUT, "%s: %s has %d dimensions, expected %d", set->path, name,
                       found, rank);
    const hid_t stored = H5Dget_type(*dataset);
    const int64_t value_bytes = (int64_t)H5Tget_size(stored);
    H5Tclose(stored);
    if (H5Fget_filesize(set->file, &file_bytes) < 0 ||
        !rb_mul_i64((int64_t)file_bytes, MAX_DEFLATE_RATIO, &room) ||
        !rb_product_i64(dims, RB_MAX_DIMS, &bytes) || !rb_mul_i64(bytes, value_bytes, &bytes) ||
        bytes == 0 || bytes > room)
        return rb_fail(err, RB_ERR_INPUT, "%s: %s is empty, or larger than the file can hold",
                       set->path, name);
    if (!chunks_are_small(*dataset, bytes / dims[0]))
        return rb_fail(err, RB_ERR_INPUT, "%s: %s is stored in chunks of more than %d bytes",
                       set->path, name, MAX_CHUNK_BYTES);
    return RB_OK;
}

static rb_status read_attributes(rb_image_set *set, rb_error *err) {
    char kind[32], text[RB_PREPROCESS_CAPACITY];
    int64_t schema;
    rb_image_set_info *info = &set->info;
    if (rb_hdf5_read_text(set->file, set->path, "kind", kind, sizeof kind, NULL) != RB_OK ||
        strcmp(kind, "images") != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: is not a data set of images of resbench (kind)",
                       set->path);
    rb_status status = rb_hdf5_read_int(set->file, set->path, "schema_version", &schema, err);
    if (status == RB_OK && schema != RB_IMAGE_SET_SCHEMA)
        status = rb_fail(err, RB_ERR_INPUT, "%s: schema version %lld, expected %d", set->path,
                         (long long)schema, RB_IMAGE_SET_SCHEMA);
    if (status == RB_OK)
        status = rb_hdf5_read_int(set->file, set->path, "classes", &info->classes, err);
    if (status == RB_OK && (info->classes < 0 || info->classes > RB_IMAGE_SET_MAX_CLASSES))
        status = rb_fail(err, RB_ERR_INPUT, "%s: has %lld classes, expected 0 to %lld", set->path,
                         (long long)info->classes, (long long)RB_IMAGE_SET_MAX_CLASSES);
    if (status == RB_OK)
        status = rb_hdf5_read_text(set->file, set->path, "source", info->source,
                                   sizeof info->source, err);
    if (status == RB_OK)
        status = rb_hdf5_read_text(set->file, set->path, "sha256", info->sha256,
                                   sizeof info->sha256, err);
    if (status == RB_OK && (strlen(info->sha256) != RB_DIGEST_CAPACITY - 1 ||
                            strspn(info->sha256, "0123456789abcdef") != RB_DIGEST_CAPACITY - 1))
        status = rb_fail(err, RB_ERR_INPUT, "%s: sha256 is not 64 hexadecimal digits", set->path);
    if (status == RB_OK)
        status = rb_hdf5_read_text(set->file, set->path, "preprocessing", text, sizeof text, err);
    if (status == RB_OK)
        status = rb_preprocess_parse(text, set->path, &info->preprocess, err);
    return status;
}

static rb_status open_images(rb_image_set *set, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    rb_image_set_info *info = &set->info;
    rb_status status = open_checked(set, "images", H5T_STD_U8LE, 4, &set->images, dims, err);
    if (status != RB_OK)
        return status;
    info->count = dims[0];
    info->height = dims[1];
    info->width = dims[2];
    if (info->count > RB_IMAGE_SET_MAX_COUNT || dims[3] != 3 ||
        info->height > RB_IMAGE_MAX_PIXELS || info->width > RB_IMAGE_MAX_PIXELS / info->height)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: images has shape (%lld, %lld, %lld, %lld), expected at most %lld RGB "
                       "images (N, H, W, 3) of at most %lld pixels",
                       set->path, (long long)dims[0], (long long)dims[1], (long long)dims[2],
                       (long long)dims[3], (long long)RB_IMAGE_SET_MAX_COUNT,
                       (long long)RB_IMAGE_MAX_PIXELS);
    if (info->preprocess.crop_height != info->height || info->preprocess.crop_width != info->width)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: images are %lld x %lld, but the crop of the preprocessing is %lld x "
                       "%lld",
                       set->path, (long long)info->height, (long long)info->width,
                       (long long)info->preprocess.crop_height,
                       (long long)info->preprocess.crop_width);
    return RB_OK;
}

/* `labels` and `names` have one entry for each image. */
static rb_status check_count(const rb_image_set *set, const char *name, int64_t found,
                             rb_error *err) {
    if (found == set->info.count)
        return RB_OK;
    return rb_fail(err, RB_ERR_INPUT, "%s: there are %lld images, but %s has %lld entries",
                   set->path, (long long)set->info.count, name, (long long)found);
}

static rb_status read_labels(rb_image_set *set, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    hid_t dataset;
    rb_status status = open_checked(set, "labels", H5T_STD_I32LE, 1, &dataset, dims, err);
    if (status == RB_OK)
        status = check_count(set, "labels", dims[0], err);
    if (status == RB_OK) {
        set->labels = malloc((size_t)dims[0] * sizeof *set->labels);
        if (!set->labels)
            status = rb_fail(err, RB_ERR_MEMORY, "%s: no memory for its labels", set->path);
        else if (H5Dread(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, set->labels) < 0)
            status = rb_fail(err, RB_ERR_INPUT, "%s: labels cannot be read", set->path);
    }
    for (int64_t i = 0; status == RB_OK && i < dims[0]; i++)
        if (set->labels[i] != RB_NO_LABEL &&
            (set->labels[i] < 0 || set->labels[i] >= set->info.classes))
            status =
                rb_fail(err, RB_ERR_INPUT, "%s: label %d of image %lld is not one of %lld classes",
                        set->path, set->labels[i], (long long)i, (long long)set->info.classes);
    if (dataset >= 0)
        H5Dclose(dataset);
    return status;
}

static rb_status open_names(rb_image_set *set, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    if (H5Lexists(set->file, "names", H5P_DEFAULT) <= 0)
        return RB_OK;
    rb_status status = open_checked(set, "names", H5T_C_S1, 1, &set->names, dims, err);
    if (status == RB_OK)
        status = check_count(set, "names", dims[0], err);
    if (status != RB_OK)
        return status;
    const hid_t stored = H5Dget_type(set->names);
    const size_t bytes = H5Tget_size(stored);
    if (bytes > RB_IMAGE_SET_MAX_NAME) {
        H5Tclose(stored);
        return rb_fail(err, RB_ERR_INPUT, "%s: names have %zu bytes, expected at most %d",
                       set->path, bytes, RB_IMAGE_SET_MAX_NAME);
    }
    set->info.name_bytes = (int64_t)bytes;
    set->name_type = H5Tcopy(stored);
    H5Tset_size(set->name_type, bytes + 1);
    H5Tset_strpad(set->name_type, H5T_STR_NULLTERM);
    H5Tclose(stored);
    set->name = calloc(1, bytes + 1);
    return set->name ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "%s: no memory for a name", set->path);
}

rb_status rb_image_set_open(const char *path, rb_image_set **set, rb_error *err) {
    *set = NULL;
    rb_image_set *made = malloc(sizeof *made);
    if (!made)
        return rb_fail(err, RB_ERR_MEMORY, "%s: no memory to open it", path);
    *made = (rb_image_set){.file = H5I_INVALID_HID,
                           .images = H5I_INVALID_HID,
                           .names = H5I_INVALID_HID,
                           .name_type = H5I_INVALID_HID};
    snprintf(made->path, sizeof made->path, "%s", path);
    rb_status status = rb_hdf5_open(path, &made->file, err);
    if (status == RB_OK)
        status = read_attributes(made, err);
    if (status == RB_OK)
        status = open_images(made, err);
    if (status == RB_OK)
        status = read_labels(made, err);
    if (status == RB_OK)
        status = open_names(made, err);
    if (status == RB_OK)
        *set = made;
    else
        rb_image_set_close(made);
    return status;
}

void rb_image_set_close(rb_image_set *set) {
    if (!set)
        return;
    if (set->name_type >= 0)
        H5Tclose(set->name_type);
    if (set->names >= 0)
        H5Dclose(set->names);
    if (set->images >= 0)
        H5Dclose(set->images);
    if (set->file >= 0)
        H5Fclose(set->file);
    free(set->labels);
    free(set->name);
    free(set);
}

const rb_image_set_info *rb_image_set_info_of(const rb_image_set *set) {
    return &set->info;
}

const int32_t *rb_image_set_labels(const rb_image_set *set) {
    return set->labels;
}

/* Reads count entries of a data set from `first` on. */
static bool read_entries(hid_t dataset, hid_t type, int64_t first, int64_t count, void *data) {
    hsize_t block[RB_MAX_DIMS];
    const hsize_t start[RB_MAX_DIMS] = {(hsize_t)first};
    const hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_dims(space, block, NULL);
    block[0] = (hsize_t)count;
    const hid_t memory = H5Screate_simple(rank, block, NULL);
    const bool fine = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) >= 0 &&
                      H5Dread(dataset, type, memory, space, H5P_DEFAULT, data) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return fine;
}

const char *rb_image_set_name(rb_image_set *set, int64_t image) {
    if (!set->name || image < 0 || image >= set->info.count ||
        !read_entries(set->names, set->name_type, image, 1, set->name))
        return "";
    rb_text_clean(set->name);
    return set->name;
}

rb_status rb_image_set_read(rb_image_set *set, int64_t first, int64_t count, uint8_t *pixels,
                            rb_error *err) {
    if (first < 0 || count < 0 || first > set->info.count || count > set->info.count - first)
        return rb_fail(err, RB_ERR_USAGE, "%s: %lld images from number %lld on were asked of %lld",
                       set->path, (long long)count, (long long)first, (long long)set->info.count);
    if (count > 0 && !read_entries(set->images, H5T_NATIVE_UINT8, first, count, pixels))
        return rb_fail(err, RB_ERR_INPUT, "%s: images %lld to %lld cannot be read", set->path,
                       (long long)first, (long long)(first + count - 1));
    return RB_OK;
}

/* Images first .. first + count - 1 with their names into digest. */
static rb_status digest_block(rb_image_set *set, int64_t first, int64_t count, uint8_t *pixels,
                              char *names, EVP_MD_CTX *digest, rb_error *err) {
    const size_t bytes = (size_t)(set->info.height * set->info.width * 3);
    const size_t name_bytes = (size_t)set->info.name_bytes + 1;
    const rb_status status = rb_image_set_read(set, first, count, pixels, err);
    if (status != RB_OK)
        return status;
    if (set->name && !read_entries(set->names, set->name_type, first, count, names))
        return rb_fail(err, RB_ERR_INPUT, "%s: names cannot be read", set->path);
    for (size_t i = 0; i < (size_t)count; i++)
        if (!rb_image_set_digest_add(digest, pixels + i * bytes, bytes,
                                     set->labels[(size_t)first + i], names + i * name_bytes))
            return rb_fail(err, RB_ERR_MEMORY, "%s: SHA-256 cannot be computed", set->path);
    return RB_OK;
}

rb_status rb_image_set_verify(rb_image_set *set, rb_error *err) {
    const rb_image_set_info *info = &set->info;
    const int64_t bytes = info->height * info->width * 3;
    const int64_t block = bytes < BLOCK_BYTES ? BLOCK_BYTES / bytes : 1;
    char digits[RB_DIGEST_CAPACITY] = "";
    uint8_t *pixels = malloc((size_t)(block * bytes));
    char *names = calloc((size_t)block, (size_t)info->name_bytes + 1);
    EVP_MD_CTX *digest = rb_image_set_digest_start(info->height, info->width);
    rb_status status = RB_OK;
    if (!pixels || !names || !digest)
        status = rb_fail(err, RB_ERR_MEMORY, "%s: no memory to read it", set->path);
    for (int64_t i = 0; status == RB_OK && i < info->count; i += block) {
        const int64_t left = info->count - i;
        status = digest_block(set, i, left < block ? left : block, pixels, names, digest, err);
    }
    if (status == RB_OK && !rb_image_set_digest_end(digest, digits))
        status = rb_fail(err, RB_ERR_MEMORY, "%s: SHA-256 cannot be computed", set->path);
    EVP_MD_CTX_free(digest);
    free(pixels);
    free(names);
    if (status == RB_OK && strcmp(digits, info->sha256) != 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: SHA-256 of its images is %s, but it says %s",
                         set->path, digits, info->sha256);
    return status;
}
