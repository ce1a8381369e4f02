/* Names of classes: the built-in ones, a file's, and files that are no such thing. */
#include "test_support.h"

#include "loaders/class_names.h"
#include "loaders/class_names_builtin.h"

static void imagenets_synsets_are_in_order(void **state) {
    (void)state;
    for (int32_t i = 0; i < RB_IMAGENET_CLASSES; i++) {
        assert_int_equal(rb_synset_class(rb_imagenet_lines[i]), i);
        if (i > 0)
            assert_true(strcmp(rb_imagenet_lines[i - 1], rb_imagenet_lines[i]) < 0);
    }
    assert_int_equal(rb_synset_class("n01440764"), 0);
    assert_int_equal(rb_synset_class("n01440764_10026.JPEG"), 0);
    assert_int_equal(rb_synset_class("n15075141/"), 999);
    static const char *const strangers[] = {"",           "n",         "n0144076",   "n00000000",
                                            "n014407640", "N01440764", "01440764",   "n99999999",
                                            "nn1440764",  "tench",     "n0144076x_1"};
    for (size_t i = 0; i < COUNT(strangers); i++)
        assert_int_equal(rb_synset_class(strangers[i]), -1);
}

/* The list of the data set itself, where it lies beside the checkout. */
static void imagenets_list_is_the_published_one(void **state) {
    (void)state;
    char line[512];
    FILE *file = fopen(RB_TEST_SYNSET_WORDS, "r");
    if (!file) {
        print_message("skipped: there is no " RB_TEST_SYNSET_WORDS "\n");
        skip();
    }
    for (int32_t i = 0; i < RB_IMAGENET_CLASSES; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        assert_int_equal(rb_synset_class(line), i);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void built_in_names_go_by_the_count(void **state) {
    (void)state;
    static const struct {
        int64_t classes, index;
        const char *name;
    } cases[] = {{1000, 0, "tench, Tinca tinca"},
                 {1000, 65, "sea snake"},
                 {1000, 999, "toilet tissue, toilet paper, bathroom tissue"},
                 {10, 0, "airplane"},
                 {10, 9, "truck"},
                 {3, 2, "class 2"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_class_names *names;
        assert_ok(rb_class_names_load(NULL, cases[i].classes, &names, &err));
        assert_string_equal(rb_class_name(names, cases[i].index), cases[i].name);
        rb_class_names_destroy(names);
    }
    rb_class_names_destroy(NULL);
}

static void a_file_names_its_own(void **state) {
    char path[PATH_SIZE];
    rb_class_names *names;
    path_of(state, "names.txt", path);
    static const char text[] = "\xEF\xBB\xBFn01440764 tench, Tinca tinca\r\n  red\tfox \r\n"
                               "n1 is no synset\nZ\xC3\xBCrich";
    save(path, text, sizeof text - 1);
    assert_ok(rb_class_names_load(path, 4, &names, &err));
    assert_string_equal(rb_class_name(names, 0), "tench, Tinca tinca");
    assert_string_equal(rb_class_name(names, 1), "red fox");
    assert_string_equal(rb_class_name(names, 2), "n1 is no synset");
    assert_string_equal(rb_class_name(names, 3), "Z\xC3\xBCrich");
    rb_class_names_destroy(names);
}

static void bad_files_are_refused(void **state) {
    static char longest[5000];
    static const struct {
        const char *text;
        size_t size;
        const char *named;
    } cases[] = {
        {"a\nb\n", 4, "has 2 lines, expected one for each of 3 classes"},
        {"a\nb\nc\nd\n", 8, "has 4 lines"},
        {"", 0, "has 0 lines"},
        {"a\n\nc\n", 5, "line 2 is empty"},
        {"a\nb\0\nc\n", 7, "line 2 is not a line of UTF-8"},
        {"a\nb\xFF\nc\n", 7, "line 2 is not a line of UTF-8"},
        {"a\nb\x1b[2J\nc\n", 10, "line 2 is not a line of UTF-8"},
        {longest, sizeof longest, "line 1 is longer than"},
    };
    char path[PATH_SIZE];
    memset(longest, 'x', sizeof longest);
    path_of(state, "names.txt", path);
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_class_names *names;
        rb_error err = {""};
        save(path, cases[i].text, cases[i].size);
        assert_int_equal(rb_class_names_load(path, 3, &names, &err), RB_ERR_INPUT);
        assert_null(names);
        assert_sentence(err);
        assert_ptr_equal(strstr(err.message, path), err.message);
        assert_contains(err.message, cases[i].named);
    }
    rb_class_names *names;
    rb_error err = {""};
    assert_int_equal(rb_class_names_load(*state, 3, &names, &err), RB_ERR_INPUT);
    assert_contains(err.message, "this is no file");
    assert_int_equal(remove(path), 0);
    assert_int_equal(rb_class_names_load(path, 3, &names, &err), RB_ERR_INPUT);
    assert_contains(err.message, "cannot be opened");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imagenets_synsets_are_in_order),
        cmocka_unit_test(imagenets_list_is_the_published_one),
        cmocka_unit_test(built_in_names_go_by_the_count),
        cmocka_unit_test(a_file_names_its_own),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests_name("class_names", tests, make_directory, remove_directory);
}
