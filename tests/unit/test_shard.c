/* Parts of a job: every task once, and evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/shard.h"

/* 7 5 4 3 1 over two: 7+3 and 5+4+1. */
static void work_is_shared_evenly(void **state) {
    (void)state;
    int32_t owner[5];
    rb_shard_assign((double[]){1, 4, 7, 3, 5}, 5, 2, owner);
    assert_int_equal(owner[2], 1);
    assert_int_equal(owner[4], 2);
    assert_int_equal(owner[1], 2);
    assert_int_equal(owner[3], 1);
    assert_int_equal(owner[0], 2);
}

static void every_shard_has_something(void **state) {
    (void)state;
    int32_t owner[6];
    size_t tasks[5] = {0};
    rb_shard_assign((double[]){1, 1, 1, 1, 1, 1}, 6, 4, owner);
    for (size_t i = 0; i < 6; i++) {
        assert_in_range(owner[i], 1, 4);
        tasks[owner[i]]++;
    }
    for (size_t s = 1; s <= 4; s++)
        assert_in_range(tasks[s], 1, 2);
}

static void ranges_tile_the_whole(void **state) {
    (void)state;
    for (int64_t tasks = 0; tasks < 40; tasks++)
        for (int32_t shards = 1; shards < 9; shards++) {
            int64_t next = 0;
            for (int32_t i = 1; i <= shards; i++) {
                int64_t first, count;
                rb_shard_range((rb_shard){i, shards}, tasks, &first, &count);
                assert_int_equal(first, next);
                assert_in_range(count, tasks / shards, tasks / shards + 1);
                next = first + count;
            }
            assert_int_equal(next, tasks);
        }
}

static void none_is_all(void **state) {
    (void)state;
    int64_t first, count;
    rb_shard_range((rb_shard){0, 0}, 17, &first, &count);
    assert_int_equal(first, 0);
    assert_int_equal(count, 17);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_shared_evenly),
        cmocka_unit_test(every_shard_has_something),
        cmocka_unit_test(ranges_tile_the_whole),
        cmocka_unit_test(none_is_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
