#include "loaders/image_decode.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loaders/image_codec.h"
#include "loaders/image_exif.h"
#include "resbench/checked.h"

rb_image_format rb_image_format_of(const uint8_t *data, size_t size) {
    static const uint8_t jpeg[3] = {0xFF, 0xD8, 0xFF};
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (size >= sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0)
        return RB_IMAGE_FORMAT_JPEG;
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0)
        return RB_IMAGE_FORMAT_PNG;
    return RB_IMAGE_FORMAT_NONE;
}

rb_status rb_image_create(const char *name, int64_t height, int64_t width, rb_image **image,
                          rb_error *error) {
    *image = NULL;
    int64_t count;
    if (height < 1 || width < 1 || !rb_mul_i64(height, width, &count) ||
        count > RB_IMAGE_MAX_PIXELS)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: an image of 1 to %" PRId64 " pixels is needed, this one would be "
                       "%" PRId64 " wide and %" PRId64 " high",
                       name, RB_IMAGE_MAX_PIXELS, width, height);
    rb_image *made = malloc(sizeof *made);
    uint8_t *pixels = malloc((size_t)count * 3);
    if (!made || !pixels) {
        free(made);
        free(pixels);
        return rb_fail(error, RB_ERR_MEMORY, "%s: no memory for %" PRId64 " pixels", name, count);
    }
    *made = (rb_image){.height = height, .width = width, .pixels = pixels};
    *image = made;
    return RB_OK;
}

void rb_image_destroy(rb_image *image) {
    if (image)
        free(image->pixels);
    free(image);
}

rb_status rb_image_decode_memory(const char *name, const uint8_t *data, size_t size,
                                 rb_image **image, rb_error *error) {
    *image = NULL;
    rb_image *decoded = NULL;
    int orientation = 1;
    rb_status status;
    switch (rb_image_format_of(data, size)) {
    case RB_IMAGE_FORMAT_JPEG:
        status = rb_jpeg_decode(name, data, size, &decoded, &orientation, error);
        break;
    case RB_IMAGE_FORMAT_PNG:
        status = rb_png_decode(name, data, size, &decoded, error);
        break;
    default:
        status = rb_fail(error, RB_ERR_INPUT,
                         "%s: %s, a JPEG or PNG image was expected (its first bytes are neither's)",
                         name, size == 0 ? "the file is empty" : "not an image");
    }
    if (status == RB_OK)
        status = rb_image_orient(name, &decoded, orientation, error);
    if (status == RB_OK)
        *image = decoded;
    else
        rb_image_destroy(decoded);
    return status;
}

/* Reads exactly size bytes; a file that shrinks meanwhile is an error. */
static rb_status read_bytes(int file, const char *path, uint8_t *dst, size_t size,
                            rb_error *error) {
    size_t done = 0;
    while (done < size) {
        const ssize_t got = read(file, dst + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rb_fail(error, RB_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return rb_fail(error, RB_ERR_INPUT, "%s: ended after %zu of %zu bytes", path, done,
                           size);
        done += (size_t)got;
    }
    return RB_OK;
}

rb_status rb_image_decode_file(const char *path, rb_image **image, rb_error *error) {
    *image = NULL;
    rb_status status;
    uint8_t *data = NULL;
    struct stat info;
    /* O_NONBLOCK: a FIFO with an image's name must not hang the run. */
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        status = rb_fail(error, RB_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
        goto cleanup;
    }
    if (!S_ISREG(info.st_mode)) {
        status =
            rb_fail(error, RB_ERR_INPUT, "%s: an image file was expected, this is no file", path);
        goto cleanup;
    }
    if (info.st_size > RB_IMAGE_MAX_FILE_BYTES) {
        status =
            rb_fail(error, RB_ERR_INPUT,
                    "%s: an image file of at most %" PRId64 " bytes was expected, found %" PRId64,
                    path, RB_IMAGE_MAX_FILE_BYTES, (int64_t)info.st_size);
        goto cleanup;
    }
    const size_t size = (size_t)info.st_size;
    data = malloc(size ? size : 1);
    if (!data) {
        status = rb_fail(error, RB_ERR_MEMORY, "%s: no memory for %zu bytes", path, size);
        goto cleanup;
    }
    status = read_bytes(file, path, data, size, error);
    if (status == RB_OK)
        status = rb_image_decode_memory(path, data, size, image, error);
cleanup:
    free(data);
    if (file >= 0)
        close(file);
    return status;
}
