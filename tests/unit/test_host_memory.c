/* Guards around buffers, and the account of what an engine holds. */
#include "test_support.h"

#include <pthread.h>

#include "bench/guarded.h"
#include "bench/host_memory.h"
#include "bench/machine.h"

static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 4096};

static void a_careful_user_leaves_the_guards_intact(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *memory = rb_guarded_alloc(sizes[i], RB_GUARD_BYTES, "it");
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % RB_ALIGNMENT, 0);
        assert_int_equal(rb_guarded_bytes(memory), sizes[i]);
        memset(memory, 0, sizes[i]);
        assert_true(rb_guarded_intact(memory));
        memset(memory, 0x7F, sizes[i]); /* the guards' own value */
        assert_true(rb_guarded_intact(memory));
        rb_guarded_free(memory);
    }
    rb_guarded_free(NULL);
}

static void one_byte_outside_is_seen(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (ptrdiff_t off = 0; off < 64; off++)
            for (int side = 0; side < 2; side++) {
                unsigned char *memory = rb_guarded_alloc(sizes[i], RB_GUARD_BYTES, "it");
                assert_non_null(memory);
                unsigned char *at = side ? memory + sizes[i] + off : memory - 1 - off;
                *at ^= 1;
                assert_false(rb_guarded_intact(memory));
                *at ^= 1;
                assert_true(rb_guarded_intact(memory));
                rb_guarded_free(memory);
            }
}

static void sizes_beyond_memory_give_none(void **state) {
    (void)state;
    assert_null(rb_guarded_alloc(SIZE_MAX, RB_GUARD_BYTES, "it"));
    assert_null(rb_guarded_alloc(SIZE_MAX - 128, RB_GUARD_BYTES, "it"));
    assert_null(rb_guarded_alloc(SIZE_MAX / 2 + 1, RB_GUARD_BYTES, "it"));
}

static int create_host(void **state) {
    *state = rb_host_memory_create(3, RB_GUARD_BYTES, false);
    return *state ? 0 : -1;
}

static int destroy_host(void **state) {
    rb_host_memory_destroy(*state);
    return 0;
}

static void assert_held(rb_host_memory *host, int64_t weights, int64_t activations,
                        int64_t scratch) {
    const rb_memory held = rb_host_memory_held(host);
    assert_int_equal(held.bytes[RB_MEMORY_WEIGHTS], weights);
    assert_int_equal(held.bytes[RB_MEMORY_ACTIVATIONS], activations);
    assert_int_equal(held.bytes[RB_MEMORY_SCRATCH], scratch);
}

static void the_table_is_filled_in(void **state) {
    const rb_host *table = rb_host_memory_table(*state);
    assert_int_equal(table->abi, RB_ENGINE_ABI);
    assert_int_equal(table->size, sizeof(rb_host));
    assert_int_equal(table->threads, 3);
    assert_true(table->alloc && table->release && table->log);
    table->log(table->ctx, "not shown: not verbose");
}

static void bytes_are_booked_by_kind(void **state) {
    const rb_host *t = rb_host_memory_table(*state);
    assert_held(*state, 0, 0, 0);
    void *weights = t->alloc(t->ctx, RB_MEMORY_WEIGHTS, 100);
    void *arena = t->alloc(t->ctx, RB_MEMORY_ACTIVATIONS, 20);
    void *more = t->alloc(t->ctx, RB_MEMORY_ACTIVATIONS, 3);
    void *scratch = t->alloc(t->ctx, RB_MEMORY_SCRATCH, 0);
    assert_true(weights && arena && more && scratch);
    assert_int_equal((uintptr_t)arena % RB_ALIGNMENT, 0);
    assert_held(*state, 100, 23, 0);
    assert_int_equal(rb_host_memory_count(*state), 4);
    t->release(t->ctx, arena);
    t->release(t->ctx, NULL);
    assert_held(*state, 100, 3, 0);
    t->release(t->ctx, more);
    t->release(t->ctx, weights);
    t->release(t->ctx, scratch);
    assert_held(*state, 0, 0, 0);
    assert_int_equal(rb_host_memory_count(*state), 4); /* so far, not now */
    assert_true(rb_host_memory_intact(*state));
}

static void what_cannot_be_had_is_not_booked(void **state) {
    const rb_host *t = rb_host_memory_table(*state);
    assert_null(t->alloc(t->ctx, RB_MEMORY_WEIGHTS, SIZE_MAX));
    assert_null(t->alloc(t->ctx, RB_MEMORY_KINDS, 10));
    assert_null(t->alloc(t->ctx, (rb_memory_kind)77, 10));
    assert_held(*state, 0, 0, 0);
    assert_int_equal(rb_host_memory_count(*state), 0);
    assert_true(rb_host_memory_intact(*state));
}

/* The system would lend it, and end the process while it is filled. */
static void more_than_the_machine_has_is_refused(void **state) {
    (void)state;
    rb_host_memory *host = rb_host_memory_create(1, RB_GUARD_PAGE_BEHIND, false);
    assert_non_null(host);
    const rb_host *t = rb_host_memory_table(host);
    const int64_t available = rb_machine_available_bytes();
    assert_true(available > 0);
    assert_null(t->alloc(t->ctx, RB_MEMORY_SCRATCH, 2 * (size_t)available));
    assert_held(host, 0, 0, 0);
    void *memory = t->alloc(t->ctx, RB_MEMORY_SCRATCH, 1000);
    assert_non_null(memory);
    assert_held(host, 0, 0, 1000);
    t->release(t->ctx, memory);
    assert_true(rb_host_memory_intact(host));
    rb_host_memory_destroy(host);
}

static void a_write_past_the_end_is_seen(void **state) {
    const rb_host *t = rb_host_memory_table(*state);
    unsigned char *first = t->alloc(t->ctx, RB_MEMORY_SCRATCH, 10);
    unsigned char *second = t->alloc(t->ctx, RB_MEMORY_SCRATCH, 10);
    assert_true(first && second);
    first[10] ^= 0xFF;
    assert_false(rb_host_memory_intact(*state)); /* while it is held */
    first[10] ^= 0xFF;
    assert_true(rb_host_memory_intact(*state));
    second[-1] = 0;
    t->release(t->ctx, second);
    assert_false(rb_host_memory_intact(*state)); /* and after it has been released */
    t->release(t->ctx, first);
    assert_false(rb_host_memory_intact(*state));
}

static void a_double_release_is_seen(void **state) {
    const rb_host *t = rb_host_memory_table(*state);
    void *memory = t->alloc(t->ctx, RB_MEMORY_WEIGHTS, 10);
    assert_non_null(memory);
    t->release(t->ctx, memory);
    assert_true(rb_host_memory_intact(*state));
    t->release(t->ctx, memory);
    assert_false(rb_host_memory_intact(*state));
    assert_held(*state, 0, 0, 0);
}

static void a_stranger_is_not_released(void **state) {
    const rb_host *t = rb_host_memory_table(*state);
    static unsigned char stranger[64];
    void *memory = t->alloc(t->ctx, RB_MEMORY_WEIGHTS, 10);
    assert_non_null(memory);
    t->release(t->ctx, (unsigned char *)memory + 1);
    assert_false(rb_host_memory_intact(*state));
    t->release(t->ctx, stranger);
    assert_held(*state, 10, 0, 0); /* what is left is destroyed with the host */
}

static void *allocate_much(void *ctx) {
    const rb_host *t = ctx;
    void *kept[8] = {NULL};
    for (size_t i = 0; i < 4000; i++) {
        t->release(t->ctx, kept[i % 8]);
        kept[i % 8] = t->alloc(t->ctx, RB_MEMORY_SCRATCH, 16 + i % 50);
    }
    for (size_t i = 0; i < 8; i++)
        t->release(t->ctx, kept[i]);
    return t->alloc(t->ctx, RB_MEMORY_WEIGHTS, 7);
}

static void threads_may_allocate_at_once(void **state) {
    rb_host table = *rb_host_memory_table(*state);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_much, &table), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_held(*state, 28, 0, 0);
    assert_int_equal(rb_host_memory_count(*state), 4 * 4001);
    assert_true(rb_host_memory_intact(*state));
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, create_host, destroy_host)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_careful_user_leaves_the_guards_intact),
        cmocka_unit_test(one_byte_outside_is_seen),
        cmocka_unit_test(sizes_beyond_memory_give_none),
        with_host(the_table_is_filled_in),
        with_host(bytes_are_booked_by_kind),
        with_host(what_cannot_be_had_is_not_booked),
        cmocka_unit_test(more_than_the_machine_has_is_refused),
        with_host(a_write_past_the_end_is_seen),
        with_host(a_double_release_is_seen),
        with_host(a_stranger_is_not_released),
        with_host(threads_may_allocate_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
