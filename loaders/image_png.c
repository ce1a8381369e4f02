#include "loaders/image_codec.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

#define MAX_SIDE 1000000u /* libpng's own default */

typedef struct png_reader {
    png_structp png;
    png_infop info;
    const char *name;
    const uint8_t *data;
    size_t left; /* bytes from data on */
    rb_image *image;
    rb_error *error;
} png_reader;

static _Noreturn void on_error(png_structp png, png_const_charp reason) {
    png_reader *reader = png_get_error_ptr(png);
    rb_fail(reader->error, RB_ERR_INPUT,
            "%s: a whole PNG image was expected, this one is damaged or truncated (libpng: %s)",
            reader->name, reason);
    png_longjmp(png, 1);
}

/* About chunks that are passed over; whatever spoils pixels is an error. */
static void on_warning(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}

static void on_read(png_structp png, png_bytep dst, size_t size) {
    png_reader *reader = png_get_io_ptr(png);
    if (size > reader->left)
        png_error(png, "premature end of PNG file");
    memcpy(dst, reader->data, size);
    reader->data += size;
    reader->left -= size;
}

/* Everything that may take libpng's escape; the caller cleans up. */
static rb_status read_all(png_reader *reader) {
    png_structp png = reader->png;
    if (setjmp(png_jmpbuf(png)))
        return RB_ERR_INPUT;
    png_set_read_fn(png, reader, on_read);
    png_set_user_limits(png, MAX_SIDE, MAX_SIDE);
    /* Profiles, texts and the like are skipped unread: they may be compressed bombs. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, reader->info);
    const png_uint_32 height = png_get_image_height(png, reader->info);
    const png_uint_32 width = png_get_image_width(png, reader->info);
    const rb_status status =
        rb_image_create(reader->name, height, width, &reader->image, reader->error);
    if (status != RB_OK)
        return status;
    png_set_expand(png);      /* palette -> RGB, grey of 1, 2, 4 bits -> 8, tRNS -> alpha */
    png_set_strip_16(png);    /* the high byte */
    png_set_strip_alpha(png); /* dropped, not composed */
    png_set_gray_to_rgb(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    if (png_get_rowbytes(png, reader->info) != (size_t)width * 3)
        png_error(png, "rows are not 8-bit RGB");
    for (int pass = 0; pass < passes; pass++)
        for (png_uint_32 y = 0; y < height; y++)
            png_read_row(png, reader->image->pixels + (size_t)y * width * 3, NULL);
    png_read_end(png, NULL);
    return RB_OK;
}

rb_status rb_png_decode(const char *name, const uint8_t *data, size_t size, rb_image **image,
                        rb_error *error) {
    *image = NULL;
    png_reader reader = {.name = name, .data = data, .left = size, .error = error};
    rb_status status;
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    if (reader.png)
        reader.info = png_create_info_struct(reader.png);
    if (reader.info)
        status = read_all(&reader);
    else
        status = rb_fail(error, RB_ERR_MEMORY, "%s: libpng could not be set up", name);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    if (status == RB_OK)
        *image = reader.image;
    else
        rb_image_destroy(reader.image);
    return status;
}
