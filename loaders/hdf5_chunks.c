#include "loaders/hdf5_chunks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#define MAX_CHUNK_BYTES ((hsize_t)64 << 20) /* unless the data set itself is larger */
#define MAX_CHUNKS 32768 /* libhdf5 1.10 finds one by walking past all before it */
#define CHECKSUM_BYTES 4

typedef struct chunk_grid {
    int rank;
    hsize_t extent[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
    hsize_t count, chunk_bytes; /* chunks that the shape needs, and what each of them holds */
} chunk_grid;

static const char *find_grid(hid_t dataset, hid_t properties, chunk_grid *grid) {
    const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const hsize_t value_bytes = H5Tget_size(type);
    hsize_t stored = 0, values = 1, chunk_values = 1;
    grid->count = 1;
    grid->rank = H5Sget_simple_extent_dims(space, grid->extent, NULL);
    bool told = grid->rank >= 1 && value_bytes > 0 &&
                H5Pget_chunk(properties, H5S_MAX_RANK, grid->chunk) == grid->rank &&
                H5Dget_num_chunks(dataset, space, &stored) >= 0;
    H5Sclose(space);
    H5Tclose(type);
    for (int d = 0; told && d < grid->rank; d++) {
        const hsize_t extent = grid->extent[d], chunk = grid->chunk[d];
        told = chunk > 0 &&
               !__builtin_mul_overflow(grid->count, extent / chunk + (extent % chunk != 0),
                                       &grid->count) &&
               !__builtin_mul_overflow(values, extent, &values) &&
               !__builtin_mul_overflow(chunk_values, chunk, &chunk_values);
    }
    told = told && !__builtin_mul_overflow(chunk_values, value_bytes, &grid->chunk_bytes);
    if (!told || stored != grid->count)
        return "holds no data, or not all of it";
    if (chunk_values > values && grid->chunk_bytes > MAX_CHUNK_BYTES)
        return "is kept in chunks far larger than itself";
    if (grid->count > MAX_CHUNKS)
        return "is kept in more than 32768 chunks, expected fewer and larger ones";
    return NULL;
}

/* Bytes before and behind deflate: a chunk of `inflated` bytes is deflated, unless inflated is 0,
 * and `plain` bytes are not. */
typedef struct chunk_form {
    hsize_t inflated, plain;
} chunk_form;

/* mask: the filters that this chunk has skipped, as deflate does where nothing is gained. */
static chunk_form find_form(hid_t properties, unsigned mask, hsize_t chunk_bytes) {
    chunk_form form = {.plain = chunk_bytes};
    const int filters = H5Pget_nfilters(properties);
    for (int i = 0; i < filters; i++) {
        unsigned flags, config;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (mask >> i & 1)
            continue;
        if (filter == H5Z_FILTER_FLETCHER32)
            form.plain += CHECKSUM_BYTES;
        if (filter == H5Z_FILTER_DEFLATE)
            form = (chunk_form){.inflated = form.plain};
    }
    return form;
}

/* Whether a zlib stream holds exactly so many bytes. */
static bool inflates_to(uint8_t *data, hsize_t size, hsize_t expected) {
    uint8_t block[1 << 15];
    z_stream stream = {.next_in = data, .avail_in = (uInt)size};
    hsize_t total = 0;
    int state = inflateInit(&stream);
    if (state != Z_OK)
        return false;
    while (state == Z_OK && total <= expected) {
        stream.next_out = block;
        stream.avail_out = sizeof block;
        state = inflate(&stream, Z_NO_FLUSH);
        total += sizeof block - stream.avail_out;
    }
    inflateEnd(&stream);
    return state == Z_STREAM_END && total == expected;
}

static bool deflated_chunk_fits(hid_t dataset, const hsize_t *offset, hsize_t size,
                                const chunk_form *form) {
    uint32_t mask;
    if (size <= form->plain || size - form->plain > compressBound(form->inflated))
        return false;
    uint8_t *data = malloc(size);
    const bool fits = data && H5Dread_chunk(dataset, H5P_DEFAULT, offset, &mask, data) >= 0 &&
                      inflates_to(data, size - form->plain, form->inflated);
    free(data);
    return fits;
}

static bool chunk_fits(hid_t dataset, hid_t properties, const chunk_grid *grid,
                       const hsize_t *offset) {
    unsigned mask;
    haddr_t address;
    hsize_t size;
    if (H5Dget_chunk_info_by_coord(dataset, offset, &mask, &address, &size) < 0 ||
        address == HADDR_UNDEF)
        return false;
    const chunk_form form = find_form(properties, mask, grid->chunk_bytes);
    return form.inflated ? deflated_chunk_fits(dataset, offset, size, &form) : size == form.plain;
}

/* The next chunk's first value; false after the last. */
static bool next_chunk(const chunk_grid *grid, hsize_t *offset) {
    for (int d = grid->rank - 1; d >= 0; d--) {
        offset[d] += grid->chunk[d];
        if (offset[d] < grid->extent[d])
            return true;
        offset[d] = 0;
    }
    return false;
}

const char *rb_hdf5_chunk_objection(hid_t dataset, hid_t properties) {
    chunk_grid grid;
    hsize_t offset[H5S_MAX_RANK] = {0};
    if (H5Pget_layout(properties) != H5D_CHUNKED)
        return NULL;
    const char *objection = find_grid(dataset, properties, &grid);
    if (objection || grid.count == 0)
        return objection;
    do {
        if (!chunk_fits(dataset, properties, &grid, offset))
            return "has a chunk that cannot be read, or is not of the size that its shape needs";
    } while (next_chunk(&grid, offset));
    return NULL;
}
