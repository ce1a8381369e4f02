#include "loaders/image_exif.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12u /* tag (2), type (2), count (4), value or offset (4) */

typedef struct tiff_view {
    const uint8_t *data;
    size_t size;
    bool big_endian;
} tiff_view;

/* The unsigned number of 2 or 4 bytes at offset; false when it lies outside. */
static bool read_number(const tiff_view *tiff, size_t offset, size_t bytes, uint32_t *value) {
    if (offset > tiff->size || tiff->size - offset < bytes)
        return false;
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | tiff->data[offset + (tiff->big_endian ? i : bytes - 1 - i)];
    *value = number;
    return true;
}

int rb_exif_orientation(const uint8_t *data, size_t size) {
    static const uint8_t header[6] = {'E', 'x', 'i', 'f', 0, 0};
    if (size < sizeof header || memcmp(data, header, sizeof header) != 0)
        return 0;
    tiff_view tiff = {.data = data + sizeof header, .size = size - sizeof header};
    if (tiff.size < 8)
        return 1;
    tiff.big_endian = tiff.data[0] == 'M' && tiff.data[1] == 'M';
    if (!tiff.big_endian && !(tiff.data[0] == 'I' && tiff.data[1] == 'I'))
        return 1;
    uint32_t magic, directory, count;
    if (!read_number(&tiff, 2, 2, &magic) || magic != 42 || !read_number(&tiff, 4, 4, &directory) ||
        !read_number(&tiff, directory, 2, &count))
        return 1;
    for (uint32_t i = 0; i < count; i++) { /* count is at most 65535 */
        const size_t entry = (size_t)directory + 2 + (size_t)i * ENTRY_BYTES;
        uint32_t tag, type, values, orientation;
        if (!read_number(&tiff, entry, 2, &tag) || !read_number(&tiff, entry + 2, 2, &type) ||
            !read_number(&tiff, entry + 4, 4, &values) ||
            !read_number(&tiff, entry + 8, 2, &orientation))
            return 1;
        if (tag == TAG_ORIENTATION)
            return type == TYPE_SHORT && values == 1 && orientation >= 1 && orientation <= 8
                       ? (int)orientation
                       : 1;
    }
    return 1;
}

rb_status rb_image_orient(const char *name, rb_image **image, int orientation, rb_error *error) {
    if (orientation <= 1 || orientation > 8)
        return RB_OK;
    const rb_image *src = *image;
    const bool swap = orientation >= 5;
    rb_image *dst;
    const rb_status status = rb_image_create(name, swap ? src->width : src->height,
                                             swap ? src->height : src->width, &dst, error);
    if (status != RB_OK)
        return status;
    /* Row y of dst comes from a row of src (a column, if swapped), read in one of two directions.
     */
    const bool flip_y =
        orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool flip_x =
        orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    uint8_t *out = dst->pixels;
    for (int64_t y = 0; y < dst->height; y++) {
        const int64_t v = flip_y ? dst->height - 1 - y : y;
        for (int64_t x = 0; x < dst->width; x++, out += 3) {
            const int64_t u = flip_x ? dst->width - 1 - x : x;
            const int64_t index = swap ? u * src->width + v : v * src->width + u;
            memcpy(out, src->pixels + index * 3, 3);
        }
    }
    rb_image_destroy(*image);
    *image = dst;
    return RB_OK;
}
