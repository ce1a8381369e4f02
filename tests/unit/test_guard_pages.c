/* Buffers between pages that cannot be touched: a byte too far ends the process, not one less. */
#include "test_support.h"

#include <sys/wait.h>

#include "bench/guard_pages.h"
#include "bench/guarded.h"
#include "resbench/engine.h"

static const size_t sizes[] = {1, 4, 63, 64, 65, 1000, 4032, 4095, 4096, 4097, 65536, 100001};
static const rb_guard guards[] = {RB_GUARD_PAGE_BEHIND, RB_GUARD_PAGE_BEFORE};

static unsigned char *make(size_t bytes, rb_guard guard) {
    unsigned char *memory = rb_guarded_alloc(bytes, guard, "its src");
    assert_non_null(memory);
    return memory;
}

static size_t rounded(size_t bytes) {
    return (bytes + RB_ALIGNMENT - 1) / RB_ALIGNMENT * RB_ALIGNMENT;
}

/* The signal that ends a process which touches *at; 0: none. */
static int signal_of(volatile unsigned char *at, bool write) {
    int status = 0;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit code of it */
        signal(SIGBUS, SIG_DFL);
        unsigned char value = *at;
        if (write)
            *at = value;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void what_is_inside_may_be_used_and_is_fresh(void **state) {
    (void)state;
    for (size_t g = 0; g < COUNT(guards); g++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            unsigned char *memory = make(sizes[i], guards[g]);
            assert_int_equal((uintptr_t)memory % RB_ALIGNMENT, 0);
            assert_int_equal(rb_guarded_bytes(memory), sizes[i]);
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(memory[at], 0xFF);
            memset(memory, 0, sizes[i]);
            assert_true(rb_guarded_intact(memory));
            memset(memory, 0x7F, sizes[i]); /* the guards' own value */
            assert_true(rb_guarded_intact(memory));
            rb_guarded_free(memory);
        }
}

static void fresh_floats_are_nan(void **state) {
    (void)state;
    float *values = rb_guarded_alloc(16 * sizeof *values, RB_GUARD_PAGE_BEHIND, "its src");
    assert_non_null(values);
    for (size_t i = 0; i < 16; i++)
        assert_true(values[i] != values[i]);
    rb_guarded_free(values);
}

/* Behind a buffer that does not fill its last 64 bytes, and in front of one that begins on none. */
static void floats_of_the_guard_are_huge(void **state) {
    (void)state;
    const float *behind = rb_guarded_alloc(sizeof *behind, RB_GUARD_PAGE_BEHIND, "its src");
    const float *bytes = rb_guarded_alloc(sizeof *bytes, RB_GUARD_BYTES, "its src");
    assert_true(behind && bytes);
    for (ptrdiff_t i = -4; i < 5; i++)
        if (i != 0)
            assert_true(behind[i] > 1e38f && bytes[i] > 1e38f);
    rb_guarded_free((void *)(uintptr_t)behind);
    rb_guarded_free((void *)(uintptr_t)bytes);
}

static void the_page_behind_begins_at_the_rounded_end(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *memory = make(sizes[i], RB_GUARD_PAGE_BEHIND);
        unsigned char *end = memory + rounded(sizes[i]);
        assert_int_equal(signal_of(end - 1, true), 0);
        assert_int_equal(signal_of(end, false), SIGSEGV);
        assert_int_equal(signal_of(end, true), SIGSEGV);
        assert_int_equal(signal_of(end + 65535, false), SIGSEGV);
        rb_guarded_free(memory);
    }
}

static void the_page_before_ends_at_the_first_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *memory = make(sizes[i], RB_GUARD_PAGE_BEFORE);
        assert_int_equal(signal_of(memory, true), 0);
        assert_int_equal(signal_of(memory - 1, false), SIGSEGV);
        assert_int_equal(signal_of(memory - 1, true), SIGSEGV);
        assert_int_equal(signal_of(memory - 65536, false), SIGSEGV);
        rb_guarded_free(memory);
    }
}

/* At the end that the guard does not name there are guard bytes, and then pages as well. */
static void the_other_end_stops_an_access_too(void **state) {
    (void)state;
    const long page = sysconf(_SC_PAGESIZE);
    unsigned char *behind = make(100, RB_GUARD_PAGE_BEHIND);
    unsigned char *before = make(100, RB_GUARD_PAGE_BEFORE);
    assert_int_equal(signal_of(behind - page + rounded(100), false), 0);
    assert_int_equal(signal_of(behind - page + rounded(100) - 1, false), SIGSEGV);
    assert_int_equal(signal_of(before + page - 1, false), 0);
    assert_int_equal(signal_of(before + page, false), SIGSEGV);
    rb_guarded_free(behind);
    rb_guarded_free(before);
}

static void every_guard_byte_is_looked_at(void **state) {
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t g = 0; g < COUNT(guards); g++) {
        unsigned char *memory = make(100, guards[g]);
        unsigned char *start =
            guards[g] == RB_GUARD_PAGE_BEHIND ? memory + rounded(100) - page : memory;
        for (unsigned char *at = start; at < start + page; at++) {
            if (at >= memory && at < memory + 100)
                continue;
            *at ^= 1;
            assert_false(rb_guarded_intact(memory));
            *at ^= 1;
        }
        assert_true(rb_guarded_intact(memory));
        rb_guarded_free(memory);
    }
}

static void sizes_beyond_memory_give_none(void **state) {
    (void)state;
    for (size_t g = 0; g < COUNT(guards); g++) {
        assert_null(rb_guarded_alloc(SIZE_MAX, guards[g], "it"));
        assert_null(rb_guarded_alloc(SIZE_MAX - 4096, guards[g], "it"));
        assert_null(rb_guarded_alloc(SIZE_MAX / 4, guards[g], "it"));
    }
    unsigned char *empty = make(0, RB_GUARD_PAGE_BEHIND);
    assert_int_equal(rb_guarded_bytes(empty), 0);
    assert_true(rb_guarded_intact(empty));
    *empty = 0;
    assert_false(rb_guarded_intact(empty));
    rb_guarded_free(empty);
}

static void an_address_is_told_by_the_buffer_next_to_it(void **state) {
    (void)state;
    rb_guard_place place;
    unsigned char *one = rb_guarded_alloc(100, RB_GUARD_PAGE_BEHIND, "its src");
    unsigned char *other = rb_guarded_alloc(200, RB_GUARD_PAGE_BEFORE, "its dst");
    assert_true(one && other);
    assert_true(rb_guard_pages_find(one + 128, &place));
    assert_string_equal(place.label, "its src");
    assert_int_equal(place.offset, 128);
    assert_int_equal(place.bytes, 100);
    assert_true(rb_guard_pages_find(other - 1, &place));
    assert_string_equal(place.label, "its dst");
    assert_int_equal(place.offset, -1);
    assert_int_equal(place.bytes, 200);
    assert_false(rb_guard_pages_find(one, &place));
    assert_false(rb_guard_pages_find(one + 127, &place)); /* guard bytes: no access faults there */
    assert_false(rb_guard_pages_find(&place, &place));
    assert_false(rb_guard_pages_find(NULL, &place));
    rb_guarded_free(one);
    assert_false(rb_guard_pages_find(one + 128, &place));
    rb_guarded_free(other);
}

static void what_is_sealed_cannot_be_touched(void **state) {
    (void)state;
    rb_guard_place place;
    unsigned char *memory = make(5000, RB_GUARD_PAGE_BEHIND);
    assert_true(rb_guarded_seal(memory));
    assert_int_equal(signal_of(memory, false), SIGSEGV);
    assert_int_equal(signal_of(memory + 4999, true), SIGSEGV);
    assert_true(rb_guarded_intact(memory));
    assert_true(rb_guard_pages_find(memory + 17, &place));
    assert_int_equal(place.offset, 17);
    rb_guarded_free(memory);
    unsigned char *bytes = rb_guarded_alloc(10, RB_GUARD_BYTES, "it");
    assert_false(rb_guarded_seal(bytes));
    bytes[0] = 1;
    rb_guarded_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_inside_may_be_used_and_is_fresh),
        cmocka_unit_test(fresh_floats_are_nan),
        cmocka_unit_test(floats_of_the_guard_are_huge),
        cmocka_unit_test(the_page_behind_begins_at_the_rounded_end),
        cmocka_unit_test(the_page_before_ends_at_the_first_byte),
        cmocka_unit_test(the_other_end_stops_an_access_too),
        cmocka_unit_test(every_guard_byte_is_looked_at),
        cmocka_unit_test(sizes_beyond_memory_give_none),
        cmocka_unit_test(an_address_is_told_by_the_buffer_next_to_it),
        cmocka_unit_test(what_is_sealed_cannot_be_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
