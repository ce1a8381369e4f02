/* JPEG and PNG decoding against Pillow, orientation, and everything that must be refused. */
#include "test_image_support.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loaders/image_exif.h"
#include "test_image_golden.h"

/* Decodes a copy of exactly size bytes; it must be refused, with the name first. */
static void assert_refused(const uint8_t *data, size_t size, rb_status expected, const char *part) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, data, size);
    rb_image dummy, *image = &dummy;
    rb_error error = {""};
    assert_int_equal(rb_image_decode_memory("the/file", copy, size, &image, &error), expected);
    assert_null(image);
    assert_ptr_equal(strstr(error.message, "the/file: "), error.message);
    assert_non_null(strstr(error.message, part));
    assert_null(strchr(error.message, '\n'));
    free(copy);
}

static void png_forms_decode_as_pillow_does(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_pngs); i++) {
        rb_image *image = decode_fixture(golden_pngs[i].file);
        assert_int_equal(image->height, golden_pngs[i].height);
        assert_int_equal(image->width, golden_pngs[i].width);
        if (image_hash(image) != golden_pngs[i].hash)
            fail_msg("%s: not Pillow's pixels", golden_pngs[i].file);
        rb_image_destroy(image);
    }
}

static void jpeg_forms_decode_as_pillow_does(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"photo.jpg", "photo.jpg.png"},
                                           {"progressive.jpg", "photo.jpg.png"},
                                           {"grey.jpg", "grey.jpg.png"},
                                           {"cmyk.jpg", "cmyk.jpg.png"},
                                           {"ycck.jpg", "ycck.jpg.png"}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        rb_image *found = decode_fixture(pairs[i][0]), *expected = decode_fixture(pairs[i][1]);
        assert_int_equal(found->height, expected->height);
        assert_int_equal(found->width, expected->width);
        assert_pixels_close(found->pixels, expected->pixels, found->height * found->width * 3);
        rb_image_destroy(found);
        rb_image_destroy(expected);
    }
}

static void orientations_turn_as_pillow_does(void **state) {
    (void)state;
    for (int k = 1; k <= 8; k++) {
        const golden_orientation *golden = &golden_orientations[k - 1];
        rb_image *image;
        assert_int_equal(rb_image_create("grid", 2, 3, &image, NULL), RB_OK);
        for (uint8_t i = 0; i < 18; i++)
            image->pixels[i] = i;
        assert_int_equal(rb_image_orient("grid", &image, k, NULL), RB_OK);
        assert_int_equal(image->height, golden->height);
        assert_int_equal(image->width, golden->width);
        for (int i = 0; i < 18; i++)
            assert_int_equal(image->pixels[i], golden->labels[i / 3] * 3 + i % 3);
        rb_image_destroy(image);
    }
}

#define EXIF_BYTES 32 /* "Exif\0\0", TIFF header, one entry, no next directory */

static void put(uint8_t *dst, bool big_endian, size_t bytes, uint32_t value) {
    for (size_t i = 0; i < bytes; i++)
        dst[i] = (uint8_t)(value >> 8 * (big_endian ? bytes - 1 - i : i));
}

static void make_exif(uint8_t dst[EXIF_BYTES], bool big_endian, uint32_t orientation) {
    memset(dst, 0, EXIF_BYTES);
    memcpy(dst, "Exif\0\0", 6);
    memcpy(dst + 6, big_endian ? "MM" : "II", 2);
    put(dst + 8, big_endian, 2, 42);
    put(dst + 10, big_endian, 4, 8);
    put(dst + 14, big_endian, 2, 1);
    put(dst + 16, big_endian, 2, 0x0112);
    put(dst + 18, big_endian, 2, 3);
    put(dst + 20, big_endian, 4, 1);
    put(dst + 24, big_endian, 2, orientation);
}

/* photo.jpg with an XMP marker and then this EXIF block behind its first two bytes. */
static rb_image *decode_with_exif(const uint8_t exif[EXIF_BYTES]) {
    static const uint8_t xmp[] = {0xFF, 0xE1, 0, 8, 'h', 't', 't', 'p', ':', 0};
    static const uint8_t marker[] = {0xFF, 0xE1, 0, EXIF_BYTES + 2};
    size_t size;
    uint8_t *photo = read_fixture("photo.jpg", &size);
    const size_t total = size + sizeof xmp + sizeof marker + EXIF_BYTES;
    uint8_t *data = malloc(total), *end = data;
    assert_non_null(data);
    end = (uint8_t *)memcpy(end, photo, 2) + 2;
    end = (uint8_t *)memcpy(end, xmp, sizeof xmp) + sizeof xmp;
    end = (uint8_t *)memcpy(end, marker, sizeof marker) + sizeof marker;
    end = (uint8_t *)memcpy(end, exif, EXIF_BYTES) + EXIF_BYTES;
    memcpy(end, photo + 2, size - 2);
    rb_image *image;
    assert_int_equal(rb_image_decode_memory("photo", data, total, &image, NULL), RB_OK);
    free(photo);
    free(data);
    return image;
}

static void exif_orientation_is_applied(void **state) {
    (void)state;
    for (uint32_t k = 0; k <= 9; k++) {
        for (int big_endian = 0; big_endian <= 1; big_endian++) {
            uint8_t exif[EXIF_BYTES];
            make_exif(exif, big_endian, k);
            rb_image *expected = decode_fixture("photo.jpg");
            const int valid = k >= 1 && k <= 8 ? (int)k : 1;
            assert_int_equal(rb_image_orient("photo", &expected, valid, NULL), RB_OK);
            rb_image *found = decode_with_exif(exif);
            assert_int_equal(found->height, expected->height);
            assert_int_equal(image_hash(found), image_hash(expected));
            rb_image_destroy(found);
            rb_image_destroy(expected);
        }
    }
}

static int orientation_of(const uint8_t *exif, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, exif, size);
    const int orientation = rb_exif_orientation(copy, size);
    free(copy);
    return orientation;
}

static void exif_garbage_is_harmless(void **state) {
    (void)state;
    uint8_t exif[EXIF_BYTES];
    make_exif(exif, true, 6);
    assert_int_equal(orientation_of(exif, EXIF_BYTES), 6);
    for (size_t size = 0; size < EXIF_BYTES; size++) /* the value ends at byte 26 */
        assert_int_equal(orientation_of(exif, size), size < 6 ? 0 : size < 26 ? 1 : 6);
    static const struct {
        size_t at, bytes;
        uint32_t value;
        int expected;
    } changes[] = {
        {0, 4, 0, 0},           /* no EXIF at all */
        {6, 2, 0x5858, 1},      /* neither byte order */
        {8, 2, 43, 1},          /* not TIFF */
        {10, 4, 0xFFFFFFFF, 1}, /* directory outside */
        {10, 4, 25, 1},         /* half outside */
        {10, 4, 0, 1},          /* in the header */
        {14, 2, 0, 1},          /* no entries */
        {14, 2, 0xFFFF, 6},     /* more than there are, but ours is there */
        {16, 2, 0x0113, 1},     /* another tag */
        {18, 2, 4, 1},          /* another type */
        {20, 4, 0x10000001, 1}, /* a list of values */
        {24, 2, 9, 1},          /* not a direction */
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        make_exif(exif, true, 6);
        put(exif + changes[i].at, true, changes[i].bytes, changes[i].value);
        assert_int_equal(orientation_of(exif, EXIF_BYTES), changes[i].expected);
    }
    make_exif(exif, true, 6);
    put(exif + 14, true, 2, 0xFFFF); /* 65535 entries, of which one other is there */
    put(exif + 16, true, 2, 0x0113);
    assert_int_equal(orientation_of(exif, EXIF_BYTES), 1);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    static const char *const files[] = {"photo.jpg",   "progressive.jpg", "grey.jpg",
                                        "ycck.jpg",    "rgba.png",        "interlaced.png",
                                        "palette.png", "grey16.png",      "rgb_key.png"};
    for (size_t i = 0; i < COUNT(files); i++) {
        size_t size;
        uint8_t *data = read_fixture(files[i], &size);
        for (size_t length = 0; length < size; length++)
            assert_refused(data, length, RB_ERR_INPUT, "expected");
        free(data);
    }
}

static void damage_is_refused(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = read_fixture("photo.jpg", &size);
    memset(data + size / 2, 0xFF, 40); /* within the coded pixels */
    assert_refused(data, size, RB_ERR_INPUT, "libjpeg: ");
    free(data);
    data = read_fixture("rgb.png", &size);
    data[size / 2] ^= 1;
    assert_refused(data, size, RB_ERR_INPUT, "libpng: ");
    free(data);
}

/* Two components are no colours that anybody knows. */
static void unknown_colours_are_refused(void **state) {
    (void)state;
    static const uint8_t data[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 14, 8, 0, 8, 0, 8,  2, 1, 0x11, 0,
                                   2,    0x11, 0, /* frame */
                                   0xFF, 0xDA, 0,    10,   2, 1,  0, 2, 0, 0, 63, 0, 0, 0xFF, 0xD9};
    assert_refused(data, sizeof data, RB_ERR_UNSUPPORTED, "2 components");
}

static void huge_images_are_refused_unread(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = read_fixture("huge.png", &size);
    assert_refused(data, size, RB_ERR_INPUT, "20000 wide and 20000 high");
    free(data);
    data = read_fixture("photo.jpg", &size);
    size_t frame = 0; /* FF C0, length (2), precision (1), height (2), width (2) */
    while (data[frame] != 0xFF || data[frame + 1] != 0xC0)
        frame++;
    put(data + frame + 5, true, 2, 10001);
    put(data + frame + 7, true, 2, 10000);
    assert_refused(data, size, RB_ERR_INPUT, "10000 wide and 10001 high");
    free(data);
}

static void assert_file_refused(const char *path, const char *part) {
    rb_image dummy, *image = &dummy;
    rb_error error = {""};
    assert_int_equal(rb_image_decode_file(path, &image, &error), RB_ERR_INPUT);
    assert_null(image);
    assert_ptr_equal(strstr(error.message, path), error.message);
    assert_non_null(strstr(error.message, part));
}

static void files_that_are_no_images_are_refused(void **state) {
    (void)state;
    char folder[] = "/tmp/rb_image_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.jpg", folder);
    assert_file_refused(path, "No such file");
    write_file(path, "", 0);
    assert_file_refused(path, "the file is empty");
    write_file(path, "file,class\n", 11);
    assert_file_refused(path, "JPEG or PNG image was expected");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_file_refused(path, "this is no file");
    assert_int_equal(unlink(path), 0);
    assert_file_refused(folder, "this is no file");
    assert_int_equal(rmdir(folder), 0);
}

static void names_do_not_matter_and_null_is_fine(void **state) {
    (void)state;
    char folder[] = "/tmp/rb_image_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.png", folder);
    size_t size;
    uint8_t *data = read_fixture("photo.jpg", &size);
    write_file(path, data, size);
    rb_image *image;
    assert_int_equal(rb_image_decode_file(path, &image, NULL), RB_OK);
    rb_image_destroy(image);
    rb_image_destroy(NULL);
    assert_int_equal(rb_image_decode_memory("x", data, 3, &image, NULL), RB_ERR_INPUT);
    free(data);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_forms_decode_as_pillow_does),
        cmocka_unit_test(jpeg_forms_decode_as_pillow_does),
        cmocka_unit_test(orientations_turn_as_pillow_does),
        cmocka_unit_test(exif_orientation_is_applied),
        cmocka_unit_test(exif_garbage_is_harmless),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(unknown_colours_are_refused),
        cmocka_unit_test(huge_images_are_refused_unread),
        cmocka_unit_test(files_that_are_no_images_are_refused),
        cmocka_unit_test(names_do_not_matter_and_null_is_fine),
    };
    return cmocka_run_group_tests_name("image_decode", tests, NULL, NULL);
}
