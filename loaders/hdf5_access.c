#include "loaders/hdf5_access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "loaders/hdf5_chunks.h"
#include "resbench/engine.h"

#define MAX_TEXT_BYTES 1023

/* Before anything else is asked of the library. A file that could not be written for want of disk
 * stays open within it, and its clean-up at the end of the process would crash over that. */
static void begin(void) {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

rb_status rb_hdf5_open(const char *path, hid_t *file, rb_error *err) {
    struct stat info;
    *file = H5I_INVALID_HID;
    begin();
    if (stat(path, &info) != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: there is no such file", path);
    if (!S_ISREG(info.st_mode))
        return rb_fail(err, RB_ERR_INPUT, "%s: is not a regular file", path);
    if (access(path, R_OK) != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    /* The plain driver, whatever HDF5_DRIVER says: rb_hdf5_map relies on its descriptor. */
    const hid_t driver = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(driver);
    const bool is_hdf5 = H5Fis_hdf5(path) > 0;
    *file = is_hdf5 ? H5Fopen(path, H5F_ACC_RDONLY, driver) : H5I_INVALID_HID;
    H5Pclose(driver);
    if (!is_hdf5)
        return rb_fail(err, RB_ERR_INPUT, "%s: is not an HDF5 file", path);
    if (*file < 0)
        return rb_fail(
            err, RB_ERR_INPUT,
            "%s: is an HDF5 file that cannot be opened: truncated (%lld bytes) or damaged", path,
            (long long)info.st_size);
    return RB_OK;
}

rb_status rb_hdf5_create(const char *path, hid_t *file, rb_error *err) {
    begin();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* The 1.8 format indexes a group of a thousand links by hash, which makes opening fast. */
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    H5Pset_alignment(access, RB_ALIGNMENT, RB_ALIGNMENT); /* tensors are used where they lie */
    *file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (*file < 0)
        return rb_fail(err, RB_ERR_OUTPUT, "%s: cannot be created: %s", path, strerror(errno));
    return RB_OK;
}

/* NULL, or what is wrong with the way a dataset is stored. */
static const char *storage_objection(hid_t properties) {
    const H5D_layout_t layout = H5Pget_layout(properties);
    if (layout == H5D_VIRTUAL)
        return "is a virtual data set";
    if (layout != H5D_CONTIGUOUS && layout != H5D_COMPACT && layout != H5D_CHUNKED)
        return "has an unknown storage layout";
    if (layout == H5D_CONTIGUOUS && H5Pget_external_count(properties) != 0)
        return "keeps its data in another file";
    const int filters = H5Pget_nfilters(properties);
    bool deflated = false;
    for (int i = 0; i < filters; i++) {
        unsigned flags, config;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            return "is compressed by a filter other than deflate";
        if (filter == H5Z_FILTER_DEFLATE && deflated)
            return "is compressed more than once";
        deflated = deflated || filter == H5Z_FILTER_DEFLATE;
    }
    return NULL;
}

/* For sentences: what a file holds, in the words of its type class. */
static void describe_type(hid_t type, char *text, size_t capacity) {
    const size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        snprintf(text, capacity, "floats of %zu bytes", bytes);
        break;
    case H5T_INTEGER:
        snprintf(text, capacity, "%sintegers of %zu bytes",
                 H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned " : "", bytes);
        break;
    case H5T_STRING:
        snprintf(text, capacity, "text of %s length",
                 H5Tis_variable_str(type) > 0 ? "variable" : "fixed");
        break;
    default:
        snprintf(text, capacity, "values of %zu bytes", bytes);
    }
}

static rb_status check_type(hid_t dataset, const char *path, const char *name, hid_t type,
                            rb_error *err) {
    char found[64];
    const bool text = H5Tequal(type, H5T_C_S1) > 0; /* of any size */
    const char *expected = text                                 ? "text of fixed length"
                           : H5Tequal(type, H5T_STD_U8LE) > 0   ? "uint8"
                           : H5Tequal(type, H5T_STD_I32LE) > 0  ? "little-endian int32"
                           : H5Tequal(type, H5T_IEEE_F32LE) > 0 ? "little-endian float32"
                                                                : "little-endian float64";
    const hid_t stored = H5Dget_type(dataset);
    const bool fine = text ? H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) == 0
                           : H5Tequal(stored, type) > 0;
    describe_type(stored, found, sizeof found);
    H5Tclose(stored);
    if (fine)
        return RB_OK;
    return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s has the wrong type: expected %s, found %s",
                   path, name, expected, found);
}

rb_status rb_hdf5_open_dataset(hid_t file, const char *path, const char *name, hid_t type,
                               hid_t *dataset, rb_error *err) {
    H5L_info_t link;
    *dataset = H5I_INVALID_HID;
    if (H5Lget_info(file, name, &link, H5P_DEFAULT) < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is missing", path, name);
    if (link.type != H5L_TYPE_HARD)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is a link to somewhere else", path, name);
    const hid_t found = H5Dopen2(file, name, H5P_DEFAULT);
    if (found < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is not a readable data set", path, name);
    const hid_t properties = H5Dget_create_plist(found);
    const char *objection = storage_objection(properties);
    rb_status status = objection
                           ? rb_fail(err, RB_ERR_INPUT, "%s: tensor %s %s", path, name, objection)
                           : check_type(found, path, name, type, err);
    if (status == RB_OK) {
        objection = H5Dget_storage_size(found) == 0 ? "holds no data, or not all of it"
                                                    : rb_hdf5_chunk_objection(found, properties);
        if (objection)
            status = rb_fail(err, RB_ERR_INPUT, "%s: tensor %s %s", path, name, objection);
    }
    H5Pclose(properties);
    if (status == RB_OK)
        *dataset = found;
    else
        H5Dclose(found);
    return status;
}

rb_status rb_hdf5_dataset_dims(hid_t dataset, const char *path, const char *name, int32_t *ndim,
                               int64_t dims[RB_MAX_DIMS], rb_error *err) {
    hsize_t extent[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    const bool simple = H5Sget_simple_extent_type(space) == H5S_SIMPLE;
    H5Sclose(space);
    if (!simple || rank < 1 || rank > RB_MAX_DIMS)
        return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s must have 1 to %d dimensions", path, name,
                       RB_MAX_DIMS);
    *ndim = rank;
    for (int d = 0; d < RB_MAX_DIMS; d++) {
        if (d < rank && extent[d] > INT64_MAX)
            return rb_fail(err, RB_ERR_INPUT, "%s: tensor %s is too large", path, name);
        dims[d] = d < rank ? (int64_t)extent[d] : 1;
    }
    return RB_OK;
}

const void *rb_hdf5_map(hid_t file, size_t *bytes) {
    void *handle = NULL;
    struct stat info;
    /* HDF5's own descriptor, so that both see the same file whatever happens to the path. */
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle)
        return NULL;
    const int descriptor = *(const int *)handle;
    if (fstat(descriptor, &info) != 0 || info.st_size <= 0)
        return NULL;
    void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (map == MAP_FAILED)
        return NULL;
    *bytes = (size_t)info.st_size;
    return map;
}

bool rb_hdf5_offset(hid_t dataset, size_t bytes, size_t map_bytes, size_t *offset) {
    const hid_t properties = H5Dget_create_plist(dataset);
    const bool contiguous = H5Pget_layout(properties) == H5D_CONTIGUOUS;
    H5Pclose(properties);
    if (!contiguous || H5Dget_storage_size(dataset) != bytes)
        return false;
    const haddr_t address = H5Dget_offset(dataset);
    if (address == HADDR_UNDEF || address > map_bytes || bytes > map_bytes - address)
        return false;
    *offset = (size_t)address;
    return true;
}

void rb_format_dims(int32_t ndim, const int64_t dims[RB_MAX_DIMS], char *text, size_t capacity) {
    size_t used = 0;
    for (int32_t d = 0; d < ndim && used < capacity; d++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%lld", d ? ", " : "(",
                                 (long long)dims[d]);
    if (used < capacity)
        snprintf(text + used, capacity - used, ")");
}

static rb_status bad_attribute(const char *path, const char *name, const char *expected,
                               rb_error *err) {
    return rb_fail(err, RB_ERR_INPUT, "%s: attribute %s is missing or not %s", path, name,
                   expected);
}

/* Opens a scalar attribute; negative when there is none. */
static hid_t open_scalar(hid_t object, const char *name) {
    if (H5Aexists(object, name) <= 0)
        return H5I_INVALID_HID;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return attribute;
    const hid_t space = H5Aget_space(attribute);
    const bool scalar = H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    if (scalar)
        return attribute;
    H5Aclose(attribute);
    return H5I_INVALID_HID;
}

/* Reads text of fixed or variable length into text; false when it does not fit. */
static bool read_text(hid_t attribute, hid_t type, char *text, size_t capacity) {
    char fixed[MAX_TEXT_BYTES + 1] = "", *variable = NULL;
    const bool is_variable = H5Tis_variable_str(type) > 0;
    if (!is_variable && H5Tget_size(type) > MAX_TEXT_BYTES)
        return false;
    const hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_cset(memory, H5Tget_cset(type));
    H5Tset_size(memory, is_variable ? H5T_VARIABLE : sizeof fixed);
    bool fine = H5Aread(attribute, memory, is_variable ? (void *)&variable : fixed) >= 0;
    const char *read = is_variable ? variable : fixed;
    fine = fine && read && strlen(read) < capacity;
    if (fine)
        memcpy(text, read, strlen(read) + 1);
    if (variable)
        H5free_memory(variable);
    H5Tclose(memory);
    return fine;
}

rb_status rb_hdf5_read_text(hid_t object, const char *path, const char *name, char *text,
                            size_t capacity, rb_error *err) {
    const hid_t attribute = open_scalar(object, name);
    text[0] = '\0';
    if (attribute < 0)
        return bad_attribute(path, name, "text", err);
    const hid_t type = H5Aget_type(attribute);
    rb_status status = RB_OK;
    if (H5Tget_class(type) != H5T_STRING)
        status = bad_attribute(path, name, "text", err);
    else if (!read_text(attribute, type, text, capacity))
        status = bad_attribute(path, name, "text of a sensible length", err);
    else
        rb_text_clean(text); /* it may go to a terminal */
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

/* Reads a scalar number of the given class as the native type `memory`. */
static bool read_number(hid_t object, const char *name, H5T_class_t class, hid_t memory,
                        void *value) {
    const hid_t attribute = open_scalar(object, name);
    if (attribute < 0)
        return false;
    const hid_t type = H5Aget_type(attribute);
    const bool fine = H5Tget_class(type) == class && H5Aread(attribute, memory, value) >= 0;
    H5Tclose(type);
    H5Aclose(attribute);
    return fine;
}

rb_status rb_hdf5_read_int(hid_t object, const char *path, const char *name, int64_t *value,
                           rb_error *err) {
    if (!read_number(object, name, H5T_INTEGER, H5T_NATIVE_INT64, value))
        return bad_attribute(path, name, "an integer", err);
    return RB_OK;
}

rb_status rb_hdf5_read_double(hid_t object, const char *path, const char *name, double *value,
                              rb_error *err) {
    if (!read_number(object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value))
        return bad_attribute(path, name, "a float", err);
    return RB_OK;
}

static bool write_scalar(hid_t object, const char *name, hid_t stored, hid_t memory,
                         const void *value) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool fine = attribute >= 0 && H5Awrite(attribute, memory, value) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    return fine;
}

bool rb_hdf5_write_text(hid_t object, const char *name, const char *text) {
    /* Of variable length, which h5py gives back as str. */
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_size(type, H5T_VARIABLE);
    const bool fine = write_scalar(object, name, type, type, &text);
    H5Tclose(type);
    return fine;
}

bool rb_hdf5_write_int(hid_t object, const char *name, int64_t value) {
    return write_scalar(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

bool rb_hdf5_write_double(hid_t object, const char *name, double value) {
    return write_scalar(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

bool rb_hdf5_write_dataset(hid_t file, const char *name, rb_dtype dtype, int32_t ndim,
                           const int64_t dims[RB_MAX_DIMS], const void *data) {
    hsize_t extent[RB_MAX_DIMS];
    for (int32_t d = 0; d < ndim; d++)
        extent[d] = (hsize_t)dims[d];
    const bool wide = dtype == RB_F64;
    const hid_t space = H5Screate_simple(ndim, extent, NULL);
    const hid_t dataset = H5Dcreate2(file, name, wide ? H5T_IEEE_F64LE : H5T_IEEE_F32LE, space,
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool fine = dataset >= 0 && H5Dwrite(dataset, wide ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT,
                                               H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    H5Dclose(dataset);
    H5Sclose(space);
    return fine;
}
