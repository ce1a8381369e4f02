#include "hdf5_alter.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_ALTERATIONS 8
#define MAX_DENSE_BYTES ((hsize_t)1 << 20) /* more is not written out */
#define MAX_ALLOCATED_VALUES ((hsize_t)1 << 36)
#define MAX_SECONDS 5
#define MAX_BOMB_BITS 24

/* An invention of this one, whatever it takes: the caller closes it. */
static hid_t choose_type(fuzz_bytes *bytes) {
    const hid_t plain[] = {H5T_IEEE_F32LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE,  H5T_IEEE_F32BE,
                           H5T_STD_I64LE,  H5T_STD_I32LE,  H5T_STD_U8LE,    H5T_STD_I16BE,
                           H5T_STD_U64LE,  H5T_STD_B8LE,   H5T_STD_REF_OBJ, H5T_UNIX_D32LE};
    const uint8_t kind = fuzz_take(bytes) % 24;
    hid_t type, base;
    if (kind < sizeof plain / sizeof plain[0])
        return H5Tcopy(plain[kind]);
    switch (kind) {
    case 12: /* text of variable length */
    case 13: /* and of fixed length */
    case 14:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, kind == 12 ? H5T_VARIABLE
                                     : 1u + (kind == 13 ? 0u : fuzz_take32(bytes) % 65000));
        H5Tset_cset(type, fuzz_take(bytes) & 1 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
        H5Tset_strpad(type, (H5T_str_t)(fuzz_take(bytes) % 3));
        return type;
    case 15: /* four bytes, but other fields */
        type = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_ebias(type, fuzz_take(bytes));
        return type;
    case 16:
        return H5Tvlen_create(H5T_IEEE_F32LE);
    case 17:
        type = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(type, "a", 0, H5T_IEEE_F32LE);
        H5Tinsert(type, "b", 4, H5T_STD_I32LE);
        return type;
    case 18:
        base = H5Tcopy(H5T_STD_I64LE);
        type = H5Tenum_create(base);
        H5Tenum_insert(type, "one", &(int64_t){1});
        H5Tclose(base);
        return type;
    case 19:
        return H5Tarray_create2(H5T_IEEE_F32LE, 1, (const hsize_t[]){1 + fuzz_take(bytes)});
    case 20: /* wide integers and floats with odd precision */
        type = H5Tcopy(H5T_STD_I64LE);
        H5Tset_size(type, 1 + fuzz_take(bytes) % 64);
        return type;
    case 21:
        type = H5Tcreate(H5T_OPAQUE, 1 + fuzz_take(bytes));
        H5Tset_tag(type, "opaque");
        return type;
    case 22: /* half */
        type = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_fields(type, 15, 10, 5, 0, 10);
        H5Tset_size(type, 2);
        H5Tset_ebias(type, 15);
        return type;
    default:
        type = H5Tcopy(H5T_STD_I32LE);
        H5Tset_precision(type, 1 + fuzz_take(bytes) % 32);
        return type;
    }
}

static hsize_t choose_length(fuzz_bytes *bytes) {
    static const hsize_t lengths[] = {0,          1,
                                      2,          3,
                                      4,          5,
                                      7,          8,
                                      10,         255,
                                      1000,       65536,
                                      1u << 20,   (1u << 31) - 1,
                                      1u << 31,   UINT32_MAX,
                                      1ull << 32, 1ull << 40,
                                      1ull << 60, 1ull << 61,
                                      1ull << 62, INT64_MAX,
                                      1ull << 63, UINT64_MAX - 1};
    const uint8_t at = fuzz_take(bytes);
    return at < 128 ? lengths[at % (sizeof lengths / sizeof lengths[0])] : at - 127u;
}

/* The dims of the data set that is replaced, or any; *rank is 0 for a scalar, -1 for a null space.
 */
static void choose_shape(fuzz_bytes *bytes, hid_t old, int *rank, hsize_t dims[H5S_MAX_RANK]) {
    const uint8_t kind = fuzz_take(bytes);
    *rank = -1;
    if (kind < 128 && old >= 0) {
        const hid_t space = H5Dget_space(old);
        if (H5Sget_simple_extent_ndims(space) <= H5S_MAX_RANK)
            *rank = H5Sget_simple_extent_dims(space, dims, NULL);
        H5Sclose(space);
        return;
    }
    *rank = kind % 8 == 7 ? (kind & 64 ? 32 : -1) : kind % 8;
    for (int d = 0; d < *rank; d++)
        dims[d] = choose_length(bytes);
}

static hid_t make_space(fuzz_bytes *bytes, int rank, const hsize_t dims[]) {
    hsize_t max[H5S_MAX_RANK];
    if (rank <= 0)
        return H5Screate(rank < 0 ? H5S_NULL : H5S_SCALAR);
    for (int d = 0; d < rank; d++)
        max[d] = H5S_UNLIMITED;
    return H5Screate_simple(rank, dims, fuzz_take(bytes) & 1 ? max : NULL);
}

static void add_filters(hid_t properties, fuzz_bytes *bytes) {
    for (int count = fuzz_take(bytes) % 4; count > 0; count--) {
        const uint8_t kind = fuzz_take(bytes) % 8;
        if (kind < 3)
            H5Pset_deflate(properties, 1);
        else if (kind == 3)
            H5Pset_shuffle(properties);
        else if (kind == 4)
            H5Pset_fletcher32(properties);
        else if (kind == 5)
            H5Pset_nbit(properties);
        else if (kind == 6)
            H5Pset_scaleoffset(properties, H5Z_SO_FLOAT_DSCALE, fuzz_take(bytes));
        else
            H5Pset_filter(properties, 32004, H5Z_FLAG_OPTIONAL, 0, NULL);
    }
}

static bool fits(int rank, const hsize_t dims[], hsize_t values) {
    for (int d = 0; d < rank; d++)
        values /= dims[d] ? dims[d] : 1;
    return values > 0;
}

static hid_t choose_storage(fuzz_bytes *bytes, int rank, const hsize_t dims[]) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[H5S_MAX_RANK];
    switch (fuzz_take(bytes) % 8) {
    case 0:
        H5Pset_layout(properties, H5D_COMPACT);
        break;
    case 1:
    case 2:
    case 3:
        for (int d = 0; d < rank; d++)
            chunk[d] = fuzz_take(bytes) & 1 ? choose_length(bytes) : dims[d];
        if (rank > 0)
            H5Pset_chunk(properties, rank, chunk);
        add_filters(properties, bytes);
        break;
    case 4:
        H5Pset_external(properties, "/etc/passwd", 0, 1 + fuzz_take(bytes));
        break;
    case 5: {
        const hid_t space = make_space(bytes, rank, dims);
        H5Pset_virtual(properties, space, fuzz_take(bytes) & 1 ? "." : "other.h5", "/fc.bias",
                       space);
        H5Sclose(space);
        break;
    }
    default:
        H5Pset_layout(properties, H5D_CONTIGUOUS);
        /* what lies behind an allocation of exabytes cannot be written any more */
        if (fits(rank, dims, MAX_ALLOCATED_VALUES))
            H5Pset_alloc_time(properties, (H5D_alloc_time_t)(fuzz_take(bytes) % 4));
    }
    if (fuzz_take(bytes) % 8 == 7)
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
    return properties;
}

/* One chunk as it lies on the disk: the fuzzer's bytes, or zeros deflated to almost nothing. */
static void write_raw_chunk(hid_t dataset, fuzz_bytes *bytes) {
    hsize_t offset[H5S_MAX_RANK] = {0};
    const uint8_t kind = fuzz_take(bytes);
    size_t size;
    if (kind & 1) {
        uint8_t *block = fuzz_take_block(bytes, fuzz_take(bytes), &size);
        H5Dwrite_chunk(dataset, H5P_DEFAULT, (kind & 2) ? UINT32_MAX : 0, offset, size, block);
        free(block);
        return;
    }
    const size_t zeros = (size_t)1 << (fuzz_take(bytes) % (MAX_BOMB_BITS + 1));
    uLongf packed = compressBound(zeros);
    Bytef *source = calloc(1, zeros), *block = malloc(packed);
    FUZZ_REQUIRE(source && block);
    if (compress2(block, &packed, source, zeros, 1) == Z_OK)
        H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset, packed, block);
    free(source);
    free(block);
}

/* Whether the library may hold a whole chunk in memory to fill it. */
static bool chunk_is_small(hid_t dataset, size_t width) {
    hsize_t chunk[H5S_MAX_RANK];
    const hid_t properties = H5Dget_create_plist(dataset);
    const int rank = H5Pget_layout(properties) == H5D_CHUNKED
                         ? H5Pget_chunk(properties, H5S_MAX_RANK, chunk)
                         : 0;
    H5Pclose(properties);
    return fits(rank, chunk, MAX_DENSE_BYTES / width);
}

static void write_values(hid_t dataset, hid_t type, fuzz_bytes *bytes) {
    const hid_t space = H5Dget_space(dataset);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    const size_t width = H5Tget_size(type);
    const htri_t pointers = H5Tdetect_class(type, H5T_VLEN) || H5Tis_variable_str(type);
    if (points > 0 && (hsize_t)points <= MAX_DENSE_BYTES / width &&
        chunk_is_small(dataset, width) && !pointers && H5Tget_class(type) != H5T_REFERENCE) {
        uint8_t *values = calloc((size_t)points, width);
        FUZZ_REQUIRE(values);
        for (size_t i = 0; i < (size_t)points * width && bytes->left > 0; i++)
            values[i] = fuzz_take(bytes);
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        free(values);
    }
    H5Sclose(space);
}

static void replace_dataset(hid_t file, const char *name, fuzz_bytes *bytes) {
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank;
    const hid_t old = H5Dopen2(file, name, H5P_DEFAULT);
    choose_shape(bytes, old, &rank, dims);
    if (old >= 0)
        H5Dclose(old);
    const hid_t type = choose_type(bytes), space = make_space(bytes, rank, dims);
    const hid_t properties = choose_storage(bytes, rank, dims);
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (dataset >= 0) {
        const uint8_t how = fuzz_take(bytes) % 4;
        if (how == 1)
            write_raw_chunk(dataset, bytes);
        else if (how > 1)
            write_values(dataset, type, bytes);
        H5Dclose(dataset);
    }
    H5Pclose(properties);
    H5Sclose(space);
    H5Tclose(type);
}

static void replace_attribute(hid_t file, const char *name, fuzz_bytes *bytes) {
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank;
    size_t size;
    const hid_t type = choose_type(bytes);
    choose_shape(bytes, H5I_INVALID_HID, &rank, dims);
    /* attributes are written out when they are made */
    if (fuzz_take(bytes) < 192 || !fits(rank, dims, MAX_DENSE_BYTES / H5Tget_size(type)))
        rank = 0;
    const hid_t space = make_space(bytes, rank, dims);
    H5Adelete(file, name);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0 && rank == 0 && H5Tget_class(type) != H5T_REFERENCE &&
        H5Tget_class(type) != H5T_VLEN) {
        const size_t width = H5Tget_size(type);
        uint8_t *block = fuzz_take_block(bytes, width > 255 ? width : fuzz_take(bytes), &size);
        uint8_t *value = calloc(1, (width > size ? width : size) + 1);
        FUZZ_REQUIRE(value);
        memcpy(value, block, size);
        const void *text = value;
        H5Awrite(attribute, type, H5Tis_variable_str(type) > 0 ? (const void *)&text : value);
        free(value);
        free(block);
    }
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/* Something else in the place of a data set. */
static void replace_link(hid_t file, const char *name, const char *other, fuzz_bytes *bytes) {
    char odd[64] = "";
    H5Ldelete(file, name, H5P_DEFAULT);
    switch (fuzz_take(bytes) % 8) {
    case 0:
        break; /* missing */
    case 1:
        H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Lcreate_external("/etc/passwd", "/x", file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 3:
        H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 4:
        H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT); /* a circle */
        break;
    case 5: {
        const hid_t type = choose_type(bytes);
        H5Tcommit2(file, name, type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Tclose(type);
        break;
    }
    case 6:
        H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        break;
    default: /* a name that nobody knows, of any bytes but the end */
        for (size_t i = 0; i + 1 < sizeof odd && bytes->left > 0; i++)
            odd[i] = (char)(fuzz_take(bytes) | 1);
        H5Lcreate_hard(file, other, file, odd, H5P_DEFAULT, H5P_DEFAULT);
    }
}

static void alter(hid_t file, const hdf5_names *names, fuzz_bytes *bytes) {
    for (int i = 0; i < MAX_ALTERATIONS && bytes->left > 0; i++) {
        const uint8_t what = fuzz_take(bytes);
        const char *dataset = names->datasets[fuzz_take(bytes) % names->dataset_count];
        const char *attribute = names->attributes[fuzz_take(bytes) % names->attribute_count];
        if (what % 4 < 2)
            replace_dataset(file, dataset, bytes);
        else if (what % 4 == 2)
            replace_attribute(file, attribute, bytes);
        else if (what & 4)
            H5Adelete(file, attribute);
        else
            replace_link(file, dataset, names->datasets[what / 8 % names->dataset_count], bytes);
    }
}

static void alter_file(const char *path, const hdf5_names *names, fuzz_bytes *bytes) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        signal(faults[i], SIG_DFL);
    alarm(MAX_SECONDS);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    alter(file, names, bytes);
    _exit(file < 0 || H5Fclose(file) < 0);
}

bool hdf5_alter(const char *path, const hdf5_names *names, fuzz_bytes *bytes) {
    int ended = -1;
    const pid_t pid = fork();
    FUZZ_REQUIRE(pid >= 0);
    if (pid == 0) {
        close(STDERR_FILENO); /* a sanitizer's report */
        alter_file(path, names, bytes);
    }
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}
