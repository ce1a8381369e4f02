/* Preprocessing as text: every float comes back, and everything that is not quite right is refused.
 */
#include "test_support.h"

#include <math.h>

#include "loaders/preprocess.h"

#define TORCHVISION                                                                                \
    "{\"order\":\"RGB\",\"divisor\":255,\"mean\":[0.485,0.456,0.406],"                             \
    "\"std\":[0.229,0.224,0.225],\"resize\":256,\"crop\":[224,224]}"
#define CAFFE                                                                                      \
    "{\"order\":\"BGR\",\"divisor\":1,\"mean\":[103.939,116.779,123.68],\"std\":[1,1,1],"          \
    "\"resize\":256,\"crop\":[224,224]}"
#define CIFAR                                                                                      \
    "{\"order\":\"RGB\",\"divisor\":255,\"mean\":[0.485,0.456,0.406],"                             \
    "\"std\":[0.229,0.224,0.225],\"resize\":null,\"crop\":[32,32]}"
#define RAW                                                                                        \
    "{\"order\":\"RGB\",\"divisor\":1,\"mean\":[0,0,0],\"std\":[1,1,1],\"resize\":null,"           \
    "\"crop\":[32,32]}"

static bool same(const rb_preprocess *a, const rb_preprocess *b) {
    return a->resize == b->resize && a->crop_height == b->crop_height &&
           a->crop_width == b->crop_width && a->bgr == b->bgr &&
           memcmp(&a->divisor, &b->divisor, sizeof a->divisor) == 0 &&
           memcmp(a->mean, b->mean, sizeof a->mean) == 0 &&
           memcmp(a->std, b->std, sizeof a->std) == 0;
}

static void known_ones_have_their_texts(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"torchvision", TORCHVISION}, {"caffe", CAFFE}, {"cifar", CIFAR}, {"raw", RAW}};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        rb_preprocess named, parsed;
        char text[RB_PREPROCESS_CAPACITY];
        assert_ok(rb_preprocess_named(pairs[i][0], &named, &err));
        assert_ok(rb_preprocess_format(&named, text, sizeof text, &err));
        assert_string_equal(text, pairs[i][1]);
        assert_ok(rb_preprocess_parse(text, "w.h5", &parsed, &err));
        assert_true(same(&named, &parsed));
    }
    rb_preprocess preprocess;
    rb_error err = {""};
    assert_int_equal(rb_preprocess_named("tf", &preprocess, &err), RB_ERR_USAGE);
    assert_contains(err.message, "'tf'");
}

static float random_float(uint64_t *seed, bool positive) {
    const double exponent = 30 * random_unit(seed) - 15;
    const double value = pow(2, exponent);
    return (float)(!positive && random_bits(seed) % 2 ? -value : value);
}

static void every_float_comes_back(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        rb_preprocess preprocess = {.resize = (int64_t)(random_bits(&seed) % 3 * 77),
                                    .crop_height = i % 5,
                                    .crop_width = i % 5,
                                    .bgr = i % 2 == 1,
                                    .divisor = random_float(&seed, true)};
        for (int c = 0; c < 3; c++) {
            preprocess.mean[c] = random_float(&seed, false);
            preprocess.std[c] = random_float(&seed, true);
        }
        rb_preprocess parsed;
        char text[RB_PREPROCESS_CAPACITY], again[RB_PREPROCESS_CAPACITY];
        assert_ok(rb_preprocess_format(&preprocess, text, sizeof text, &err));
        assert_ok(rb_preprocess_parse(text, "w.h5", &parsed, &err));
        if (!same(&preprocess, &parsed))
            fail_msg("not the same after %s", text);
        assert_ok(rb_preprocess_format(&parsed, again, sizeof again, &err));
        assert_string_equal(text, again);
    }
}

static void blanks_and_the_order_of_members_do_not_matter(void **state) {
    (void)state;
    rb_preprocess expected, found;
    assert_ok(rb_preprocess_parse(TORCHVISION, "w.h5", &expected, &err));
    assert_ok(rb_preprocess_parse(" {\"crop\": [224, 224], \"resize\": 256,\n\"mean\": [0.485, "
                                  "0.456, 4.06e-1], \"std\": [0.229, 0.224, 0.225], \"order\": "
                                  "\"RGB\", \"divisor\": 255.0} ",
                                  "w.h5", &found, &err));
    assert_true(same(&expected, &found));
}

/* TORCHVISION with `from` replaced by `to`. */
static const struct {
    const char *from, *to, *named;
} faults[] = {
    {"{", "", "no JSON object"},
    {TORCHVISION, "", "no JSON object"},
    {TORCHVISION, "[]", "no JSON object: a list"},
    {TORCHVISION, "none", "no JSON object"},
    {TORCHVISION, "null", "no JSON object"},
    {"224]}", "224]} x", "no JSON object"},
    {"224]}", "224],\"gamma\":1}", "'gamma' is unknown"},
    {"224]}", "224],\"\\u001b[2J\":1}", "is unknown"},
    {"224]}", "224],\"resize\":1}", "duplicate"},
    {"\"order\":\"RGB\",", "", "order is missing"},
    {",\"crop\":[224,224]", "", "crop is missing"},
    {"\"divisor\":255,", "", "divisor is missing"},
    {"\"RGB\"", "\"rgb\"", "order must be"},
    {"\"RGB\"", "3", "order must be \"RGB\" or \"BGR\", found an integer"},
    {"\"RGB\"", "null", "order must be"},
    {"255", "0", "positive divisor"},
    {"255", "-1", "positive divisor"},
    {"255", "1e39", "positive divisor"},
    {"255", "1e400", "no JSON object"},
    {"255", "NaN", "no JSON object"},
    {"255", "\"255\"", "divisor must be a number, found a text"},
    {"255", "true", "divisor must be a number, found true"},
    {"255", "1e-44", "infinite"},
    {"[0.485,0.456,0.406]", "0.485", "mean must be a list of three numbers, found a fraction"},
    {"[0.485,0.456,0.406]", "[0.485,0.456]", "found a list of 2"},
    {"[0.485,0.456,0.406]", "[0.485,0.456,null]", "mean must be"},
    {"0.485", "1e39", "channel 0"},
    {"0.224", "0", "channel 1"},
    {"0.224", "1e-60", "channel 1"},
    {"0.225", "-0.225", "channel 2"},
    {"0.229", "1e-42", "infinite"},
    {"256", "0", "resize must be at least 1"},
    {"256", "-1", "resize must be at least 1"},
    {"256", "256.0", "resize must be an integer or null, found a fraction"},
    {"256", "\"none\"", "resize must be an integer or null, found a text"},
    {"256", "100000001", "resize of the shorter side"},
    {"256", "99999999999999999999", "no JSON object"},
    {"[224,224]", "224", "crop must be"},
    {"[224,224]", "[224]", "crop must be"},
    {"[224,224]", "[224,224,3]", "crop must be"},
    {"[224,224]", "[224,224.5]", "crop must be"},
    {"[224,224]", "[0,224]", "at least 1 x 1, found 0 x 224"},
    {"[224,224]", "[224,-224]", "at least 1 x 1"},
    {"[224,224]", "[100000,100000]", "crop of 1 to"},
    {"[224,224]", "[9223372036854775807,9223372036854775807]", "crop of 1 to"},
};

static void faults_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        char text[1024];
        const char *at = strstr(TORCHVISION, faults[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - TORCHVISION), TORCHVISION, faults[i].to,
                 at + strlen(faults[i].from));
        rb_preprocess preprocess = {.divisor = 7};
        rb_error err = {""};
        if (rb_preprocess_parse(text, "w.h5", &preprocess, &err) != RB_ERR_INPUT)
            fail_msg("not refused: %s", text);
        assert_sentence(err);
        assert_null(strchr(err.message, '\x1b'));
        assert_ptr_equal(strstr(err.message, "w.h5: "), err.message);
        assert_contains(err.message, faults[i].named);
        assert_true(preprocess.divisor == 0);
    }
}

static void what_cannot_be_used_is_not_written(void **state) {
    (void)state;
    rb_preprocess preprocess;
    char text[RB_PREPROCESS_CAPACITY] = "x";
    rb_preprocess_init(&preprocess, 224, 224);
    assert_int_equal(rb_preprocess_format(&preprocess, text, strlen(TORCHVISION), NULL),
                     RB_ERR_USAGE);
    assert_string_equal(text, "");
    assert_ok(rb_preprocess_format(&preprocess, text, strlen(TORCHVISION) + 1, &err));
    assert_string_equal(text, TORCHVISION);
    preprocess.divisor = NAN;
    assert_int_equal(rb_preprocess_format(&preprocess, text, sizeof text, NULL), RB_ERR_USAGE);
    assert_string_equal(text, "");
}

static void a_resize_scales_with_the_crop(void **state) {
    (void)state;
    static const struct {
        int64_t resize, crop, height, width, expected;
    } cases[] = {
        {256, 224, 224, 224, 256}, {256, 224, 64, 64, 73},   {256, 224, 64, 320, 365},
        {235, 224, 288, 288, 302}, {0, 32, 64, 64, 0},       {256, 0, 299, 299, 256},
        {256, 224, 224, 192, 256}, {256, 224, 320, 64, 365},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_preprocess preprocess = {
            .resize = cases[i].resize, .crop_height = cases[i].crop, .crop_width = cases[i].crop};
        rb_preprocess_fit(&preprocess, cases[i].height, cases[i].width);
        assert_int_equal(preprocess.resize, cases[i].expected);
        assert_int_equal(preprocess.crop_height, cases[i].height);
        assert_int_equal(preprocess.crop_width, cases[i].width);
    }
}

static void the_input_is_the_stored_crop_unless_somebody_says_otherwise(void **state) {
    (void)state;
    static const char wide[] =
        "{\"order\":\"RGB\",\"divisor\":255,\"mean\":[0,0,0],\"std\":[1,1,1],"
        "\"resize\":320,\"crop\":[288,256]}";
    static const char open[] =
        "{\"order\":\"RGB\",\"divisor\":255,\"mean\":[0,0,0],\"std\":[1,1,1],"
        "\"resize\":320,\"crop\":null}";
    static const struct {
        const char *stored;
        int64_t resize, height, width; /* asked for */
        int64_t found_resize, found_height, found_width;
    } cases[] = {
        {wide, RB_RESIZE_STORED, 0, 0, 320, 288, 256},
        {wide, RB_RESIZE_STORED, 144, 128, 160, 144, 128},
        {wide, 300, 0, 0, 300, 288, 256},
        {open, RB_RESIZE_STORED, 0, 0, 320, 64, 64},
        {"none", RB_RESIZE_STORED, 0, 0, 73, 64, 64}, /* 256 * 64 / 224 */
        {"none", 0, 0, 0, 0, 64, 64},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_preprocess p;
        rb_error err;
        assert_int_equal(rb_preprocess_choose(cases[i].stored, "test", cases[i].resize,
                                              cases[i].height, cases[i].width, 64, &p, &err),
                         RB_OK);
        assert_int_equal(p.resize, cases[i].found_resize);
        assert_int_equal(p.crop_height, cases[i].found_height);
        assert_int_equal(p.crop_width, cases[i].found_width);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_ones_have_their_texts),
        cmocka_unit_test(every_float_comes_back),
        cmocka_unit_test(blanks_and_the_order_of_members_do_not_matter),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(what_cannot_be_used_is_not_written),
        cmocka_unit_test(a_resize_scales_with_the_crop),
        cmocka_unit_test(the_input_is_the_stored_crop_unless_somebody_says_otherwise),
    };
    return cmocka_run_group_tests_name("preprocess_json", tests, NULL, NULL);
}
