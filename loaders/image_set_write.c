#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "loaders/hdf5_access.h"
#include "loaders/image_set.h"
#include "loaders/image_set_digest.h"
#include "resbench/checked.h"

#define CHUNK_BYTES (1 << 20)      /* about; a larger image is a chunk of its own */
#define MAX_CHUNK_BYTES (32 << 20) /* of many images */
#define MANY_CHUNKS 2048           /* looking at n chunks takes libhdf5 a time of n^2 */

/* The three data sets grow by whole chunks of as many images, which wait in memory until then. */
struct rb_image_set_writer {
    rb_image_set_info info;
    char path[RB_PATH_CAPACITY], temporary[RB_PATH_CAPACITY];
    hid_t file, images, labels, names; /* names: H5I_INVALID_HID without */
    size_t image_bytes;
    int64_t chunk_images, waiting; /* images of a chunk, and in the buffers below */
    uint8_t *pixels;
    int32_t *label_buffer;
    char *name_buffer;
    EVP_MD_CTX *digest;
};

static rb_status cannot_write(const char *path, rb_error *err) {
    return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written (is the disk full?)", path);
}

/* An empty data set of `rank` dimensions that grows in the first one. */
static hid_t create_dataset(const rb_image_set_writer *writer, const char *name, hid_t type,
                            int rank) {
    hsize_t extent[4] = {0, (hsize_t)writer->info.height, (hsize_t)writer->info.width, 3};
    hsize_t limit[4] = {H5S_UNLIMITED, extent[1], extent[2], extent[3]};
    hsize_t chunk[4] = {(hsize_t)writer->chunk_images, extent[1], extent[2], extent[3]};
    const hid_t space = H5Screate_simple(rank, extent, limit);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, rank, chunk);
    const hid_t dataset =
        H5Dcreate2(writer->file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Pclose(properties);
    H5Sclose(space);
    return dataset;
}

static hid_t name_type(int64_t bytes) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, (size_t)bytes);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static bool write_attributes(hid_t file, const rb_image_set_info *info) {
    char preprocessing[RB_PREPROCESS_CAPACITY];
    return rb_preprocess_format(&info->preprocess, preprocessing, sizeof preprocessing, NULL) ==
               RB_OK &&
           rb_hdf5_write_int(file, "schema_version", RB_IMAGE_SET_SCHEMA) &&
           rb_hdf5_write_text(file, "kind", "images") &&
           rb_hdf5_write_int(file, "classes", info->classes) &&
           rb_hdf5_write_text(file, "preprocessing", preprocessing) &&
           rb_hdf5_write_text(file, "source", info->source);
}

static bool create_content(rb_image_set_writer *writer) {
    const rb_image_set_info *info = &writer->info;
    bool fine = write_attributes(writer->file, info);
    writer->images = create_dataset(writer, "images", H5T_STD_U8LE, 4);
    writer->labels = create_dataset(writer, "labels", H5T_STD_I32LE, 1);
    fine = fine && writer->images >= 0 && writer->labels >= 0;
    if (info->name_bytes > 0) {
        const hid_t type = name_type(info->name_bytes);
        writer->names = create_dataset(writer, "names", type, 1);
        fine = fine && writer->names >= 0;
        H5Tclose(type);
    }
    return fine;
}

static rb_status check_info(const char *path, const rb_image_set_info *info, rb_error *err) {
    if (info->classes < 0 || info->classes > RB_IMAGE_SET_MAX_CLASSES || info->name_bytes < 0 ||
        info->name_bytes > RB_IMAGE_SET_MAX_NAME)
        return rb_fail(err, RB_ERR_USAGE,
                       "%s: 0 to %lld classes and names of 0 to %d bytes are possible, %lld and "
                       "%lld were asked for",
                       path, (long long)RB_IMAGE_SET_MAX_CLASSES, RB_IMAGE_SET_MAX_NAME,
                       (long long)info->classes, (long long)info->name_bytes);
    return rb_preprocess_check(&info->preprocess, err);
}

static bool allocate(rb_image_set_writer *writer, int64_t expected) {
    const rb_image_set_info *info = &writer->info;
    writer->image_bytes = (size_t)(info->height * info->width * 3);
    const int64_t name_bytes = info->name_bytes, image_bytes = (int64_t)writer->image_bytes;
    const int64_t largest = image_bytes > name_bytes ? image_bytes : name_bytes;
    writer->chunk_images = CHUNK_BYTES / largest;
    if (writer->chunk_images < expected / MANY_CHUNKS)
        writer->chunk_images = expected / MANY_CHUNKS;
    if (writer->chunk_images > MAX_CHUNK_BYTES / largest)
        writer->chunk_images = MAX_CHUNK_BYTES / largest;
    if (writer->chunk_images < 1)
        writer->chunk_images = 1;
    const size_t count = (size_t)writer->chunk_images;
    writer->pixels = malloc(count * writer->image_bytes);
    writer->label_buffer = malloc(count * sizeof *writer->label_buffer);
    writer->name_buffer = calloc(count, (size_t)info->name_bytes + 1);
    writer->digest = rb_image_set_digest_start(info->height, info->width);
    return writer->pixels && writer->label_buffer && writer->name_buffer && writer->digest;
}

rb_status rb_image_set_create(const char *path, const rb_image_set_info *info,
                              rb_image_set_writer **writer, rb_error *err) {
    char temporary[RB_PATH_CAPACITY];
    *writer = NULL;
    rb_image_set_writer *made = malloc(sizeof *made);
    if (!made)
        return rb_fail(err, RB_ERR_MEMORY, "%s: no memory to write it", path);
    *made = (rb_image_set_writer){.info = *info,
                                  .file = H5I_INVALID_HID,
                                  .images = H5I_INVALID_HID,
                                  .labels = H5I_INVALID_HID,
                                  .names = H5I_INVALID_HID};
    made->info.count = 0;
    made->info.preprocess.crop_height = info->height;
    made->info.preprocess.crop_width = info->width;
    rb_status status = check_info(path, &made->info, err);
    if (status == RB_OK && !allocate(made, info->count))
        status = rb_fail(err, RB_ERR_MEMORY, "%s: no memory to write it", path);
    if (status == RB_OK)
        status = rb_temporary_path(path, temporary, err);
    if (status == RB_OK)
        status = rb_hdf5_create(temporary, &made->file, err);
    if (status == RB_OK) { /* from here on there is a file to remove */
        strcpy(made->temporary, temporary);
        if (!create_content(made))
            status = cannot_write(path, err);
    }
    if (status != RB_OK) {
        rb_image_set_discard(made);
        return status;
    }
    snprintf(made->path, sizeof made->path, "%s", path); /* rb_temporary_path found it short */
    *writer = made;
    return RB_OK;
}

/* Appends count entries of the memory type to a data set that holds `before`. */
static bool append(hid_t dataset, hid_t type, int64_t before, int64_t count, const void *data) {
    hsize_t extent[4], start[4] = {(hsize_t)before}, block[4];
    const hid_t old = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_dims(old, extent, NULL);
    H5Sclose(old);
    memcpy(block, extent, sizeof block);
    extent[0] = (hsize_t)(before + count);
    block[0] = (hsize_t)count;
    if (rank < 1 || H5Dset_extent(dataset, extent) < 0)
        return false;
    const hid_t space = H5Dget_space(dataset);
    const hid_t memory = H5Screate_simple(rank, block, NULL);
    const bool fine = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) >= 0 &&
                      H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, data) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return fine;
}

static rb_status flush(rb_image_set_writer *writer, rb_error *err) {
    const int64_t before = writer->info.count, count = writer->waiting;
    bool fine = count == 0 ||
                (append(writer->images, H5T_NATIVE_UINT8, before, count, writer->pixels) &&
                 append(writer->labels, H5T_NATIVE_INT32, before, count, writer->label_buffer));
    if (fine && count > 0 && writer->names >= 0) {
        const hid_t type = name_type(writer->info.name_bytes);
        fine = append(writer->names, type, before, count, writer->name_buffer);
        H5Tclose(type);
    }
    if (!fine)
        return cannot_write(writer->path, err);
    writer->info.count += count;
    writer->waiting = 0;
    return RB_OK;
}

rb_status rb_image_set_append(rb_image_set_writer *writer, const uint8_t *pixels, int32_t label,
                              const char *name, rb_error *err) {
    const size_t name_bytes = (size_t)writer->info.name_bytes;
    const size_t slot = (size_t)writer->waiting;
    if (label != RB_NO_LABEL && (label < 0 || label >= writer->info.classes))
        return rb_fail(err, RB_ERR_USAGE, "%s: label %d is not one of %lld classes", writer->path,
                       label, (long long)writer->info.classes);
    if (strlen(name) > name_bytes)
        return rb_fail(err, RB_ERR_USAGE, "%s: the name %.200s is longer than %zu bytes",
                       writer->path, name, name_bytes);
    if (writer->info.count + writer->waiting == RB_IMAGE_SET_MAX_COUNT)
        return rb_fail(err, RB_ERR_USAGE, "%s: more than %lld images", writer->path,
                       (long long)RB_IMAGE_SET_MAX_COUNT);
    memcpy(writer->pixels + slot * writer->image_bytes, pixels, writer->image_bytes);
    writer->label_buffer[slot] = label;
    memset(writer->name_buffer + slot * name_bytes, 0, name_bytes);
    memcpy(writer->name_buffer + slot * name_bytes, name, strlen(name));
    if (!rb_image_set_digest_add(writer->digest, pixels, writer->image_bytes, label, name))
        return rb_fail(err, RB_ERR_MEMORY, "%s: SHA-256 cannot be computed", writer->path);
    writer->waiting++;
    return writer->waiting == writer->chunk_images ? flush(writer, err) : RB_OK;
}

static void close_dataset(hid_t *dataset) {
    if (*dataset >= 0)
        H5Dclose(*dataset);
    *dataset = H5I_INVALID_HID;
}

/* Closes the HDF5 file; false when that could not be written. */
static bool close_file(rb_image_set_writer *writer) {
    close_dataset(&writer->images);
    close_dataset(&writer->labels);
    close_dataset(&writer->names);
    const bool fine = writer->file < 0 || H5Fclose(writer->file) >= 0;
    writer->file = H5I_INVALID_HID;
    return fine;
}

rb_status rb_image_set_finish(rb_image_set_writer *writer, char sha256[RB_DIGEST_CAPACITY],
                              rb_error *err) {
    char digits[RB_DIGEST_CAPACITY];
    rb_status status = flush(writer, err);
    if (status == RB_OK && writer->info.count == 0)
        status = rb_fail(err, RB_ERR_USAGE, "%s: there is no image to write", writer->path);
    if (status == RB_OK && !rb_image_set_digest_end(writer->digest, digits))
        status = rb_fail(err, RB_ERR_MEMORY, "%s: SHA-256 cannot be computed", writer->path);
    if (status == RB_OK &&
        (!rb_hdf5_write_text(writer->file, "sha256", digits) || !close_file(writer)))
        status = cannot_write(writer->path, err);
    if (status == RB_OK) {
        status = rb_commit_file(writer->temporary, writer->path, err);
        writer->temporary[0] = '\0';
    }
    if (status == RB_OK && sha256)
        strcpy(sha256, digits);
    rb_image_set_discard(writer);
    return status;
}

void rb_image_set_discard(rb_image_set_writer *writer) {
    if (!writer)
        return;
    close_file(writer);
    if (writer->temporary[0])
        unlink(writer->temporary);
    EVP_MD_CTX_free(writer->digest);
    free(writer->pixels);
    free(writer->label_buffer);
    free(writer->name_buffer);
    free(writer);
}
