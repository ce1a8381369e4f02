#include "loaders/tensor_file.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "loaders/hdf5_access.h"
#include "resbench/checked.h"

static rb_status read_values(hid_t dataset, const char *path, const char *name,
                             const int64_t dims[RB_MAX_DIMS], float **values, rb_error *err) {
    int64_t count, bytes;
    if (!rb_product_i64(dims, RB_MAX_DIMS, &count) ||
        !rb_mul_i64(count, (int64_t)sizeof(float), &bytes) || count == 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is empty or too large", path, name);
    float *read = malloc((size_t)bytes);
    if (!read)
        return rb_fail(err, RB_ERR_MEMORY, "%s: no memory for the %lld bytes of tensor %s", path,
                       (long long)bytes, name);
    rb_status status = RB_OK;
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) < 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: tensor %s cannot be read", path, name);
    for (int64_t i = 0; status == RB_OK && i < count; i++)
        if (!isfinite(read[i]))
            status = rb_fail(err, RB_ERR_INPUT, "%s: tensor %s holds %g at element %lld", path,
                             name, (double)read[i], (long long)i);
    if (status == RB_OK)
        *values = read;
    else
        free(read);
    return status;
}

static rb_status check_range(const char *path, const char *name, int32_t ndim,
                             const rb_dims_range *range, const int64_t dims[RB_MAX_DIMS],
                             rb_error *err) {
    char found[96], low[96], high[96];
    bool within = true;
    for (int32_t d = 0; range && d < ndim; d++)
        within = within && dims[d] >= range->low[d] && dims[d] <= range->high[d];
    if (within)
        return RB_OK;
    rb_format_dims(ndim, dims, found, sizeof found);
    rb_format_dims(ndim, range->low, low, sizeof low);
    rb_format_dims(ndim, range->high, high, sizeof high);
    return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s has shape %s, expected %s to %s", path, name,
                   found, low, high);
}

rb_status rb_tensor_read(const char *path, const char *name, int32_t ndim,
                         const rb_dims_range *range, int64_t dims[RB_MAX_DIMS], float **values,
                         rb_error *err) {
    hid_t file, dataset;
    int32_t found;
    *values = NULL;
    rb_status status = rb_hdf5_open(path, "'resbench synth-input' makes such a one", &file, err);
    if (status != RB_OK)
        return status;
    status = rb_hdf5_open_dataset(file, path, name, H5T_IEEE_F32LE, &dataset, err);
    if (status == RB_OK) {
        status = rb_hdf5_dataset_dims(dataset, path, name, &found, dims, err);
        if (status == RB_OK && found != ndim)
            status = rb_fail(err, RB_ERR_INPUT, "%s: tensor %s has %d dimensions, expected %d",
                             path, name, found, ndim);
        if (status == RB_OK)
            status = check_range(path, name, ndim, range, dims, err);
        if (status == RB_OK)
            status = read_values(dataset, path, name, dims, values, err);
        H5Dclose(dataset);
    }
    H5Fclose(file);
    return status;
}

struct rb_tensor_writer {
    char path[RB_PATH_CAPACITY], temporary[RB_PATH_CAPACITY];
    hid_t file;
};

static rb_status cannot_write(const char *path, rb_error *err) {
    return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be written (is the disk full?)", path);
}

rb_status rb_tensor_writer_create(const char *path, const rb_text_attribute *attributes,
                                  size_t attribute_count, rb_tensor_writer **writer,
                                  rb_error *err) {
    *writer = NULL;
    rb_tensor_writer *own = malloc(sizeof *own);
    if (!own)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to write %s", path);
    rb_status status = rb_temporary_path(path, own->temporary, err);
    if (status == RB_OK)
        status = rb_hdf5_create(own->temporary, &own->file, err);
    if (status != RB_OK) {
        free(own);
        return status;
    }
    snprintf(own->path, sizeof own->path, "%s", path);
    for (size_t i = 0; i < attribute_count; i++)
        if (!rb_hdf5_write_text(own->file, attributes[i].name, attributes[i].text)) {
            rb_tensor_writer_discard(own);
            return cannot_write(path, err);
        }
    *writer = own;
    return RB_OK;
}

rb_status rb_tensor_writer_add(rb_tensor_writer *writer, const char *name, rb_dtype dtype,
                               int32_t ndim, const int64_t dims[RB_MAX_DIMS], const void *values,
                               rb_error *err) {
    return rb_hdf5_write_dataset(writer->file, name, dtype, ndim, dims, values)
               ? RB_OK
               : cannot_write(writer->path, err);
}

rb_status rb_tensor_writer_commit(rb_tensor_writer *writer, rb_error *err) {
    rb_status status = RB_OK;
    if (H5Fclose(writer->file) < 0) {
        unlink(writer->temporary);
        status = cannot_write(writer->path, err);
    } else {
        status = rb_commit_file(writer->temporary, writer->path, err);
    }
    free(writer);
    return status;
}

void rb_tensor_writer_discard(rb_tensor_writer *writer) {
    if (!writer)
        return;
    H5Fclose(writer->file);
    unlink(writer->temporary);
    free(writer);
}

rb_status rb_tensor_write(const char *path, const char *name, rb_dtype dtype, int32_t ndim,
                          const int64_t dims[RB_MAX_DIMS], const void *values,
                          const rb_text_attribute *attributes, size_t attribute_count,
                          rb_error *err) {
    rb_tensor_writer *writer;
    rb_status status = rb_tensor_writer_create(path, attributes, attribute_count, &writer, err);
    if (status != RB_OK)
        return status;
    status = rb_tensor_writer_add(writer, name, dtype, ndim, dims, values, err);
    if (status == RB_OK)
        return rb_tensor_writer_commit(writer, err);
    rb_tensor_writer_discard(writer);
    return status;
}
