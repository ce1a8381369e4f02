/* What the image tests share. RB_TEST_IMAGES is the folder tests/unit/images. */
#ifndef TEST_IMAGE_SUPPORT_H
#define TEST_IMAGE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loaders/image_decode.h"

#ifndef RB_TEST_IMAGES
#define RB_TEST_IMAGES "tests/unit/images"
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline uint64_t fnv1a64(const void *data, size_t size) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001B3u;
    return hash;
}

static inline uint64_t image_hash(const rb_image *image) {
    return fnv1a64(image->pixels, (size_t)(image->height * image->width) * 3);
}

/* The random pixels of make_image_golden.py. */
static inline rb_image *noise_image(uint32_t seed, int64_t height, int64_t width) {
    rb_image *image;
    assert_int_equal(rb_image_create("noise", height, width, &image, NULL), RB_OK);
    for (int64_t i = 0; i < height * width * 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        image->pixels[i] = (uint8_t)(seed >> 24);
    }
    return image;
}

/* The whole file as a block of exactly its size, so that a sanitizer sees the first byte too far.
 */
static inline uint8_t *read_fixture(const char *name, size_t *size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", RB_TEST_IMAGES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

static inline rb_image *decode_fixture(const char *name) {
    char path[4096];
    rb_image *image;
    rb_error error = {""};
    snprintf(path, sizeof path, "%s/%s", RB_TEST_IMAGES, name);
    if (rb_image_decode_file(path, &image, &error) != RB_OK)
        fail_msg("%s", error.message);
    return image;
}

static inline void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The first rows of pixels, byte by byte within one step; libjpeg versions may differ by that. */
static inline void assert_pixels_close(const uint8_t *found, const uint8_t *expected,
                                       int64_t count) {
    for (int64_t i = 0; i < count; i++)
        assert_in_range(found[i] + 1, expected[i], expected[i] + 2);
}

#endif
