/* Resize, crop and normalisation against Pillow and torchvision; folders and batches. */
#include "test_image_support.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loaders/image_folder.h"
#include "loaders/image_resize.h"
#include "test_image_golden.h"

static void resize_has_pillows_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_resizes); i++) {
        const golden_resize *golden = &golden_resizes[i];
        rb_image *src = noise_image(golden->seed, golden->height, golden->width), *dst;
        assert_int_equal(
            rb_image_resize("noise", src, golden->new_height, golden->new_width, &dst, NULL),
            RB_OK);
        assert_int_equal(dst->height, golden->new_height);
        assert_int_equal(dst->width, golden->new_width);
        if (image_hash(dst) != golden->hash)
            fail_msg("resize case %zu: not Pillow's pixels", i);
        rb_image_destroy(src);
        rb_image_destroy(dst);
    }
}

static void resize_refuses_what_is_too_large(void **state) {
    (void)state;
    rb_image *src = noise_image(1, 1, 400), dummy, *dst = &dummy;
    rb_error error = {""};
    assert_int_equal(rb_image_resize("strip", src, 1000, 400000, &dst, &error), RB_ERR_INPUT);
    assert_null(dst);
    assert_non_null(strstr(error.message, "strip: "));
    assert_int_equal(rb_image_resize("strip", src, 0, 4, &dst, NULL), RB_ERR_INPUT);
    assert_int_equal(rb_image_resize("strip", src, INT64_MAX, INT64_MAX, &dst, NULL), RB_ERR_INPUT);
    rb_image_destroy(src);
}

static void crops_have_torchvisions_place(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(golden_preprocesses); i++) {
        const golden_preprocess *golden = &golden_preprocesses[i];
        rb_image *image = noise_image(golden->seed, golden->height, golden->width);
        rb_preprocess preprocess;
        rb_preprocess_init(&preprocess, golden->crop_height, golden->crop_width);
        preprocess.resize = golden->resize;
        const size_t size = (size_t)(golden->crop_height * golden->crop_width) * 3;
        uint8_t *pixels = malloc(size);
        assert_non_null(pixels);
        assert_int_equal(rb_preprocess_pixels(&preprocess, "noise", image, pixels, NULL), RB_OK);
        if (fnv1a64(pixels, size) != golden->hash)
            fail_msg("preprocess case %zu: not torchvision's pixels", i);
        free(pixels);
        rb_image_destroy(image);
    }
}

/* Tensors of photo.jpg, each value within one 8-bit step of the one from Pillow's pixels; libjpeg
 * versions may differ by that. */
static void a_photograph_is_within_one_step(void **state) {
    (void)state;
    enum { SIDE = 28, PLANE = SIDE * SIDE };
    static const struct {
        const char *name, *golden;
        int64_t resize;
    } cases[] = {{"torchvision", "photo28.png", 32},
                 {"torchvision", "photo28_none.png", 0},
                 {"caffe", "photo28.png", 32},
                 {"caffe", "photo28_none.png", 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        static float values[3 * PLANE];
        rb_preprocess p;
        assert_int_equal(rb_preprocess_named(cases[i].name, &p, NULL), RB_OK);
        rb_preprocess_fit(&p, SIDE, SIDE);
        assert_int_equal(p.resize, 32);
        p.resize = cases[i].resize;
        assert_int_equal(rb_preprocess_file(&p, RB_TEST_IMAGES "/photo.jpg", values, NULL), RB_OK);
        rb_image *expected = decode_fixture(cases[i].golden);
        for (int c = 0; c < 3; c++)
            for (int at = 0; at < PLANE; at++) {
                const int v = expected->pixels[at * 3 + (p.bgr ? 2 - c : c)];
                const float truth = ((float)v / p.divisor - p.mean[c]) / p.std[c];
                const float one_step = 1.0001f / p.divisor / p.std[c];
                assert_true(fabsf(values[c * PLANE + at] - truth) <= one_step);
            }
        rb_image_destroy(expected);
    }
}

/* A 16 x 16 crop whose pixel i is (i, i, i): all values of all channels. */
static void normalisation_has_torchvisions_bits(void **state) {
    (void)state;
    rb_preprocess preprocess;
    rb_preprocess_init(&preprocess, 16, 16);
    uint8_t pixels[256 * 3];
    for (int i = 0; i < 256 * 3; i++)
        pixels[i] = (uint8_t)(i / 3);
    float values[3 * 256];
    rb_preprocess_normalise(&preprocess, pixels, values);
    assert_true(fabsf(values[255] - (1 - 0.485f) / 0.229f) < 1e-6f);
    const uint16_t one = 1; /* the hash is of little-endian floats */
    if (*(const uint8_t *)&one == 1)
        assert_int_equal(fnv1a64(values, sizeof values), GOLDEN_NORMALISED);
    for (int i = 0; i < 256; i++) /* planes, not interleaved; channels apart */
        pixels[i * 3] = 0;
    float red_off[3 * 256];
    rb_preprocess_normalise(&preprocess, pixels, red_off);
    assert_memory_equal(red_off + 256, values + 256, 2 * 256 * sizeof *values);
    for (int i = 0; i < 256; i++)
        assert_true(red_off[i] == values[0]);
}

static void caffe_has_keras_bits(void **state) {
    (void)state;
    rb_preprocess preprocess;
    assert_int_equal(rb_preprocess_named("caffe", &preprocess, NULL), RB_OK);
    rb_preprocess_fit(&preprocess, 16, 16);
    uint8_t pixels[256 * 3];
    for (int i = 0; i < 256; i++) {
        pixels[i * 3] = (uint8_t)i;
        pixels[i * 3 + 1] = (uint8_t)(255 - i);
        pixels[i * 3 + 2] = (uint8_t)(7 * i);
    }
    float values[3 * 256];
    rb_preprocess_normalise(&preprocess, pixels, values);
    assert_true(values[0] == -103.939f && values[256] == 255 - 116.779f &&
                values[513] == 1 - 123.68f);
    const uint16_t one = 1; /* the hash is of little-endian floats */
    if (*(const uint8_t *)&one == 1)
        assert_int_equal(fnv1a64(values, sizeof values), GOLDEN_CAFFE);
}

static void defaults_are_torchvisions(void **state) {
    (void)state;
    rb_preprocess preprocess;
    rb_preprocess_init(&preprocess, 224, 224);
    assert_int_equal(preprocess.resize, 256);
    assert_int_equal(preprocess.crop_height, 224);
    assert_int_equal(preprocess.crop_width, 224);
    rb_preprocess_init(&preprocess, 64, 320);
    assert_int_equal(preprocess.resize, 365);
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_OK);
    rb_preprocess_init(&preprocess, INT64_MAX, INT64_MAX);
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_ERR_USAGE);
    rb_preprocess_init(&preprocess, 0, 224);
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_ERR_USAGE);
    rb_preprocess_init(&preprocess, 224, 224);
    preprocess.std[1] = 0;
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_ERR_USAGE);
    preprocess.std[1] = NAN;
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_ERR_USAGE);
    rb_preprocess_init(&preprocess, 224, 224);
    preprocess.resize = -1;
    assert_int_equal(rb_preprocess_check(&preprocess, NULL), RB_ERR_USAGE);
}

static void too_small_for_the_crop_is_refused(void **state) {
    (void)state;
    rb_image *image = noise_image(1, 31, 40);
    rb_preprocess preprocess;
    rb_error error = {""};
    uint8_t pixels[32 * 32 * 3] = {7};
    rb_preprocess_init(&preprocess, 32, 32);
    preprocess.resize = 0;
    assert_int_equal(rb_preprocess_pixels(&preprocess, "small.png", image, pixels, &error),
                     RB_ERR_INPUT);
    assert_string_equal(error.message, "small.png: at least 32 x 32 pixels (height x width) are "
                                       "needed for the crop, found 31 x 40");
    assert_int_equal(pixels[0], 7);
    rb_image_destroy(image);
}

/* A folder with images under all kinds of names, and what must be passed over. */
static const struct {
    const char *name, *fixture;
} folder_files[] = {{"b.png", "rgba.png"},
                    {"a.JPG", "photo.jpg"},
                    {"c", "grey.jpg"},
                    {"Z.jpeg", "photo.jpg"},
                    {".hidden.jpg", "photo.jpg"},
                    {"broken.jpg", NULL},
                    {"labels.csv", NULL},
                    {"short", NULL}};

static char folder[32];

static void in_folder(char path[64], const char *name) {
    snprintf(path, 64, "%s/%s", folder, name);
}

static int make_folder(void **state) {
    (void)state;
    char path[64], link_path[64];
    strcpy(folder, "/tmp/rb_folder_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < COUNT(folder_files); i++) {
        size_t size = 3;
        uint8_t *data =
            folder_files[i].fixture ? read_fixture(folder_files[i].fixture, &size) : NULL;
        in_folder(path, folder_files[i].name);
        write_file(path, data ? data : (const uint8_t *)"no\n", size);
        free(data);
    }
    in_folder(path, "dir.jpg");
    in_folder(link_path, "link.png");
    return mkdir(path, 0700) || symlink("b.png", link_path);
}

static int remove_folder(void **state) {
    (void)state;
    char path[64];
    for (size_t i = 0; i < COUNT(folder_files); i++) {
        in_folder(path, folder_files[i].name);
        unlink(path);
    }
    in_folder(path, "link.png");
    unlink(path);
    in_folder(path, "dir.jpg");
    rmdir(path);
    return rmdir(folder);
}

static void folders_are_listed_in_order(void **state) {
    (void)state;
    static const char *const expected[] = {"Z.jpeg",     "a.JPG", "b.png",
                                           "broken.jpg", "c",     "link.png"};
    rb_image_list *list;
    assert_int_equal(rb_image_folder_list(folder, 0, &list, NULL), RB_OK);
    assert_int_equal(list->count, COUNT(expected));
    for (size_t i = 0; i < list->count; i++) {
        char path[64];
        in_folder(path, expected[i]);
        assert_string_equal(list->paths[i], path);
    }
    rb_image_list_destroy(list);
    char slash[64];
    in_folder(slash, ""); /* a trailing slash is not doubled */
    assert_int_equal(rb_image_folder_list(slash, 2, &list, NULL), RB_OK);
    assert_int_equal(list->count, 2);
    assert_null(strstr(list->paths[0], "//"));
    rb_image_list_destroy(list);
    rb_image_list_destroy(NULL);
}

static void folders_without_images_are_refused(void **state) {
    (void)state;
    char path[64];
    rb_image_list dummy, *list = &dummy;
    rb_error error = {""};
    in_folder(path, "dir.jpg");
    assert_int_equal(rb_image_folder_list(path, 0, &list, &error), RB_ERR_INPUT);
    assert_null(list);
    assert_non_null(strstr(error.message, "found none"));
    in_folder(path, "nowhere");
    assert_int_equal(rb_image_folder_list(path, 0, &list, &error), RB_ERR_INPUT);
    assert_non_null(strstr(error.message, "nowhere: cannot be opened"));
    in_folder(path, "b.png");
    assert_int_equal(rb_image_folder_list(path, 0, &list, &error), RB_ERR_INPUT);
    assert_non_null(strstr(error.message, "Not a directory"));
}

static void batches_are_images_one_after_the_other(void **state) {
    (void)state;
    enum { SIDE = 9, ELEMENTS = 3 * SIDE * SIDE };
    rb_preprocess preprocess;
    rb_preprocess_init(&preprocess, SIDE, SIDE);
    rb_image_list *list;
    assert_int_equal(rb_image_folder_list(folder, 0, &list, NULL), RB_OK);
    float batch[2 * ELEMENTS], single[ELEMENTS];
    assert_int_equal(rb_images_load(list, 1, 2, &preprocess, batch, NULL), RB_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rb_preprocess_file(&preprocess, list->paths[1 + i], single, NULL), RB_OK);
        assert_memory_equal(batch + i * ELEMENTS, single, sizeof single);
    }
    rb_error error = {""};
    assert_int_equal(rb_images_load(list, 2, 2, &preprocess, batch, &error), RB_ERR_INPUT);
    assert_ptr_equal(strstr(error.message, list->paths[3]), error.message); /* broken.jpg */
    assert_int_equal(rb_images_load(list, 5, 2, &preprocess, batch, &error), RB_ERR_USAGE);
    assert_int_equal(rb_images_load(list, SIZE_MAX, 2, &preprocess, batch, NULL), RB_ERR_USAGE);
    assert_int_equal(rb_images_load(list, 6, 0, &preprocess, batch, NULL), RB_OK);
    rb_image_list_destroy(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_has_pillows_bits),
        cmocka_unit_test(resize_refuses_what_is_too_large),
        cmocka_unit_test(crops_have_torchvisions_place),
        cmocka_unit_test(a_photograph_is_within_one_step),
        cmocka_unit_test(normalisation_has_torchvisions_bits),
        cmocka_unit_test(caffe_has_keras_bits),
        cmocka_unit_test(defaults_are_torchvisions),
        cmocka_unit_test(too_small_for_the_crop_is_refused),
        cmocka_unit_test(folders_are_listed_in_order),
        cmocka_unit_test(folders_without_images_are_refused),
        cmocka_unit_test(batches_are_images_one_after_the_other),
    };
    return cmocka_run_group_tests_name("image_preprocess", tests, make_folder, remove_folder);
}
