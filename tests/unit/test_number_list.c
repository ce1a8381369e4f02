/* Lists and ranges of numbers as people type them. */
#include "test_support.h"

#include "bench/number_list.h"

#define CAPACITY 8

static const rb_number_rules rules = {.what = "number of threads", .low = 1, .high = 100, .all = 6};

/* Whether list gives these numbers, up to a 0. */
static void assert_numbers(const char *list, const int64_t *expected) {
    int64_t numbers[CAPACITY] = {0};
    size_t count = 0, wanted = 0;
    rb_error why = {""};
    if (rb_number_list_add(list, &rules, numbers, &count, CAPACITY, &why) != RB_OK)
        fail_msg("'%s': %s", list, why.message);
    while (expected[wanted])
        wanted++;
    if (count != wanted)
        fail_msg("'%s' has %zu numbers instead of %zu", list, count, wanted);
    for (size_t i = 0; i < count; i++)
        if (numbers[i] != expected[i])
            fail_msg("'%s': number %zu is %lld", list, i, (long long)numbers[i]);
}

static void numbers_and_ranges_are_read(void **state) {
    (void)state;
    static const struct {
        const char *list;
        int64_t expected[CAPACITY + 1];
    } cases[] = {
        {"1", {1}},
        {"007", {7}},
        {"1,", {1}},          /* a comma at the end ends the list */
        {"8,1,2", {8, 1, 2}}, /* in the order that is given */
        {"1-4", {1, 2, 3, 4}},
        {"3-3", {3}},
        {"2-8:2", {2, 4, 6, 8}},
        {"2-9:2", {2, 4, 6, 8}},
        {"5-9:100", {5}},
        {"1-64:x2", {1, 2, 4, 8, 16, 32, 64}},
        {"1-100:x2", {1, 2, 4, 8, 16, 32, 64}},
        {"3-100:x10", {3, 30}},
        {"5-9:x9223372036854775807", {5}}, /* would overflow */
        {"5-9:9223372036854775807", {5}},
        {"1-2,10,20-40:x2", {1, 2, 10, 20, 40}},
        {"all", {1, 2, 3, 4, 5, 6}},
        {"all:2", {1, 3, 5, 6}}, /* with the whole machine at the end */
        {"all:5", {1, 6}},
        {"all:x2", {1, 2, 4, 6}},
        {"all:x6", {1, 6}},
        {"100,all:x3", {100, 1, 3, 6}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_numbers(cases[i].list, cases[i].expected);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *list, *says;
    } cases[] = {
        {"", "empty"},
        {",", "''"},
        {",1", "''"},
        {"1,,2", "''"},
        {" 1", "' 1'"},
        {"1 ", "'1 '"},
        {"+1", "'+1'"},
        {"-1", "'-1'"},
        {"1.5", "'1.5'"},
        {"1e1", "'1e1'"},
        {"0x8", "'0x8'"},
        {"four", "'four'"},
        {"\xd9\xa1", "'\xd9\xa1'"},
        {"0", "(1..100)"},
        {"101", "(1..100)"},
        {"1-101", "(1..100)"},
        {"0-3", "(1..100)"},
        {"9223372036854775807", "(1..100)"},
        {"9223372036854775808", "(1..100)"},
        {"99999999999999999999999999", "(1..100)"},
        {"1-18446744073709551617", "(1..100)"}, /* would be 1 in 64 bits */
        {"4-1", "from the smaller"},
        {"1-", "'1-'"},
        {"1-2-3", "'1-2-3'"},
        {"1-8:", "'1-8:'"},
        {"1-8:0", "'1-8:0'"},
        {"1-8:-1", "'1-8:-1'"},
        {"1-8:x", "'1-8:x'"},
        {"1-8:x0", "'1-8:x0'"},
        {"1-8:x1", "'1-8:x1'"},
        {"1-8:2x", "'1-8:2x'"},
        {"1-8x2", "'1-8x2'"},
        {"2:2", "'2:2'"},
        {"alle", "'alle'"},
        {"all:", "'all:'"},
        {"all-3", "'all-3'"},
        {"All", "'All'"},
        {"1,1", "1 is named twice"},
        {"1-4,3", "3 is named twice"},
        {"all,2-3", "2 is named twice"},
        {"1-9", "more than 8"},
        {"1,2,3,4,5,6,7,8,9", "more than 8"},
        {"0000000000000000000000000000000000000000000000000000000000000001x", "'000000000000...'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t numbers[CAPACITY] = {50};
        size_t count = 1;
        rb_error why = {""};
        const rb_status status =
            rb_number_list_add(cases[i].list, &rules, numbers, &count, CAPACITY, &why);
        if (status != RB_ERR_USAGE)
            fail_msg("'%s' is accepted", cases[i].list);
        assert_contains(why.message, cases[i].says);
        assert_int_equal(count, 1); /* what stood there stays, and nothing joins */
        assert_int_equal(numbers[0], 50);
    }
}

static void without_the_word_all_it_is_none(void **state) {
    (void)state;
    static const rb_number_rules plain = {.what = "batch size", .low = 0, .high = 10};
    int64_t numbers[CAPACITY];
    size_t count = 0;
    rb_error why = {""};
    assert_int_equal(rb_number_list_add("all", &plain, numbers, &count, CAPACITY, &why),
                     RB_ERR_USAGE);
    assert_contains(why.message, "'all' is not a batch size");
    assert_int_equal(rb_number_list_add("0-8:x2", &plain, numbers, &count, CAPACITY, &why),
                     RB_ERR_USAGE); /* would never end */
    assert_ok(rb_number_list_add("0-8:4", &plain, numbers, &count, CAPACITY, &err));
    assert_int_equal(count, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_ranges_are_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(without_the_word_all_it_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
