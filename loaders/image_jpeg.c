#include "loaders/image_codec.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#include "loaders/image_exif.h"

/* A progressive file of a few KiB can ask for thousands of passes over a huge image. Encoders
 * write about ten; libjpeg-turbo's own fuzzers stop at 500. */
#define MAX_SCANS 200

typedef struct jpeg_reader {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf escape;
    const char *name;
    rb_image *image;
    uint8_t *inks; /* one row of a CMYK image */
    rb_error *error;
    rb_status status; /* why escape was taken */
} jpeg_reader;

static _Noreturn void give_up(j_common_ptr common) {
    jpeg_reader *reader = common->client_data;
    char reason[JMSG_LENGTH_MAX];
    reader->errors.format_message(common, reason);
    if (reader->errors.msg_code == JERR_OUT_OF_MEMORY ||
        reader->errors.msg_code == JERR_NO_BACKING_STORE)
        reader->status = rb_fail(reader->error, RB_ERR_MEMORY,
                                 "%s: decoding this JPEG needs more memory than the %" PRId64
                                 " bytes it may take (libjpeg: %s)",
                                 reader->name, RB_IMAGE_MAX_DECODER_BYTES, reason);
    else
        reader->status = rb_fail(reader->error, RB_ERR_INPUT,
                                 "%s: a whole JPEG image was expected, this one is damaged or "
                                 "truncated (libjpeg: %s)",
                                 reader->name, reason);
    longjmp(reader->escape, 1);
}

/* level < 0 is a warning: libjpeg made something up and would go on. The one that says nothing
 * about the pixels is an unheard-of JFIF version. Levels from 0 on are traces. */
static void on_message(j_common_ptr common, int level) {
    if (level < 0 && common->err->msg_code != JWRN_JFIF_MAJOR)
        give_up(common);
}

static void on_print(j_common_ptr common) {
    (void)common;
}

static void on_progress(j_common_ptr common) {
    jpeg_reader *reader = common->client_data;
    if (reader->jpeg.input_scan_number > MAX_SCANS) {
        reader->status = rb_fail(reader->error, RB_ERR_INPUT,
                                 "%s: a JPEG image of at most %d scans was expected, found more",
                                 reader->name, MAX_SCANS);
        longjmp(reader->escape, 1);
    }
}

/* Header and refusals that need no pixel. */
static rb_status check_header(jpeg_reader *reader) {
    const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (jpeg->jpeg_color_space == JCS_UNKNOWN || jpeg->jpeg_color_space > JCS_YCCK)
        return rb_fail(reader->error, RB_ERR_UNSUPPORTED,
                       "%s: a grey, RGB or CMYK image was expected, found a JPEG of %d components",
                       reader->name, jpeg->num_components);
    return rb_image_create(reader->name, jpeg->image_height, jpeg->image_width, &reader->image,
                           reader->error);
}

/* (1 - ink) (1 - black) in 8 bits as Pillow computes it. Inks are stored inverted, as Adobe's
 * programs and hence nearly all others do; Pillow takes that for granted, too. */
static void inks_to_rgb(const uint8_t *inks, size_t width, uint8_t *rgb) {
    for (size_t x = 0; x < width; x++, inks += 4)
        for (int c = 0; c < 3; c++) {
            const int white = inks[3], product = (255 - inks[c]) * white + 128;
            *rgb++ = (uint8_t)(white - ((product + (product >> 8)) >> 8));
        }
}

/* Rows of RGB into reader->image, which has the size for them. May take the escape. */
static rb_status read_rows(jpeg_reader *reader) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    const size_t width = jpeg->output_width;
    if (jpeg->out_color_space == JCS_CMYK) {
        reader->inks = malloc(4 * width);
        if (!reader->inks)
            return rb_fail(reader->error, RB_ERR_MEMORY, "%s: no memory for a row", reader->name);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *rgb = reader->image->pixels + (size_t)jpeg->output_scanline * width * 3;
        JSAMPROW row = reader->inks ? reader->inks : rgb;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (reader->inks)
            inks_to_rgb(reader->inks, width, rgb);
    }
    return RB_OK;
}

static int find_orientation(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next) {
        const int orientation = rb_exif_orientation(marker->data, marker->data_length);
        if (orientation > 0)
            return orientation; /* other APP1 markers hold XMP */
    }
    return 1;
}

/* Everything that may take the escape; the caller cleans up. */
static rb_status read_all(jpeg_reader *reader, const uint8_t *data, size_t size, int *orientation) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->escape))
        return reader->status;
    jpeg_create_decompress(jpeg);
    jpeg->mem->max_memory_to_use = (long)RB_IMAGE_MAX_DECODER_BYTES;
    jpeg->progress = &reader->progress;
    jpeg_mem_src(jpeg, data, size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    rb_status status = check_header(reader);
    if (status != RB_OK)
        return status;
    const bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    /* libjpeg's defaults stay: exact integer IDCT and smooth chroma upsampling, as in Pillow. */
    jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    status = read_rows(reader);
    if (status != RB_OK)
        return status;
    *orientation = find_orientation(jpeg);
    jpeg_finish_decompress(jpeg);
    return RB_OK;
}

rb_status rb_jpeg_decode(const char *name, const uint8_t *data, size_t size, rb_image **image,
                         int *orientation, rb_error *error) {
    *image = NULL;
    *orientation = 1;
    jpeg_reader reader = {.name = name, .error = error, .status = RB_OK};
    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.jpeg.client_data = &reader; /* jpeg_create_decompress keeps these two */
    reader.errors.error_exit = give_up;
    reader.errors.emit_message = on_message;
    reader.errors.output_message = on_print;
    reader.progress.progress_monitor = on_progress;
    const rb_status status = read_all(&reader, data, size, orientation);
    jpeg_destroy_decompress(&reader.jpeg);
    free(reader.inks);
    if (status == RB_OK)
        *image = reader.image;
    else
        rb_image_destroy(reader.image);
    return status;
}
