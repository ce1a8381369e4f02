/* Eviction, by what a walk through half of a private cache costs before and after it. Times are
 * compared within one process and minute alone, and a busy machine has several tries. */
#include "test_support.h"

#include <pthread.h>
#include <sched.h>

#include "bench/clock.h"
#include "bench/evict.h"
#include "bench/machine.h"

#define TRIES 20
#define LINE 64

/* Lines in a random cycle, each with the place of the next: no prefetcher foresees it. */
typedef struct chase {
    unsigned char *memory;
    size_t lines;
} chase;

static chase make_chase(size_t bytes) {
    chase made = {.memory = aligned_alloc(4096, bytes), .lines = bytes / LINE};
    size_t *order = calloc(made.lines, sizeof *order);
    uint64_t random = 88172645463325252ULL;
    assert_true(made.memory && order);
    for (size_t i = 0; i < made.lines; i++)
        order[i] = i;
    for (size_t i = made.lines - 1; i > 0; i--) { /* Sattolo: one cycle */
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        const size_t other = (size_t)(random % i), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < made.lines; i++)
        memcpy(made.memory + i * LINE, &order[i], sizeof order[i]);
    free(order);
    return made;
}

/* Nanoseconds of one walk. */
static double walk(chase c) {
    static volatile size_t end;
    size_t at = 0;
    const int64_t start = rb_now_ns();
    for (size_t i = 0; i < c.lines; i++)
        at = *(const volatile size_t *)(c.memory + at * LINE);
    end = at;
    (void)end;
    return (double)(rb_now_ns() - start);
}

static double hot_walk(chase c) {
    double best = walk(c);
    for (int i = 0; i < 20; i++) {
        const double ns = walk(c);
        best = ns < best ? ns : best;
    }
    return best;
}

static void what_was_in_the_caches_is_not_after_it(void **state) {
    (void)state;
    static int64_t shares[CPU_SETSIZE];
    cpu_set_t allowed, one;
    rb_evictor *evictor;
    int processor = 0;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET((size_t)processor, &allowed))
        processor++;
    rb_machine_cache_shares(&allowed, shares);
    if (shares[processor] == 0) {
        print_message("SKIPPED: hwloc does not know the caches of processor %d\n", processor);
        skip();
    }
    assert_ok(rb_evictor_create(&evictor, &err));
    CPU_ZERO(&one); /* a walk that changes its core would find that one's caches cold */
    CPU_SET((size_t)processor, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const chase c = make_chase(128 << 10); /* half of the smallest level 2 of our days */
    double best = 0;
    for (int i = 0; i < TRIES && best < 5; i++) {
        const double hot = hot_walk(c);
        rb_evictor_run(evictor);
        const double cold = walk(c), ratio = cold / hot;
        if (getenv("RB_TEST_VERBOSE"))
            print_message("%.1f ns hot, %.1f ns cold per line\n", hot / (double)c.lines,
                          cold / (double)c.lines);
        best = ratio > best ? ratio : best;
    }
    if (best < 5)
        fail_msg("a walk right after the eviction takes %.2f times that of a hot one", best);
    sched_setaffinity(0, sizeof allowed, &allowed);
    free(c.memory);
    rb_evictor_destroy(evictor);
}

static size_t threads_of_this_process(void) {
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void its_threads_sleep_and_end_with_it(void **state) {
    (void)state;
    rb_evictor *evictor;
    cpu_set_t allowed;
    struct timespec before, after;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    const size_t own = threads_of_this_process();
    assert_ok(rb_evictor_create(&evictor, &err));
    assert_int_equal(threads_of_this_process(), own + (size_t)CPU_COUNT(&allowed));
    usleep(20000); /* until they are asleep */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(200000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    const double spent =
        (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec);
    assert_true(spent < 100e6); /* half of one that spins */
    rb_evictor_destroy(evictor);
    rb_evictor_destroy(NULL);
    for (int i = 0; i < 1000 && threads_of_this_process() > own; i++)
        usleep(1000); /* the system forgets a thread a little after it is joined */
    assert_int_equal(threads_of_this_process(), own);
}

static void *wait_to_be_told(void *ctx) {
    pthread_mutex_lock(ctx);
    pthread_mutex_unlock(ctx);
    return NULL;
}

/* As OpenMP runtimes leave them that bind their threads: the caller may use one processor alone. */
static void the_caches_of_bound_threads_are_emptied_too(void **state) {
    (void)state;
    rb_evictor *evictor;
    pthread_t other;
    pthread_mutex_t told = PTHREAD_MUTEX_INITIALIZER;
    cpu_set_t allowed, one;
    int processor = 0;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    while (!CPU_ISSET((size_t)processor, &allowed))
        processor++;
    CPU_ZERO(&one);
    CPU_SET((size_t)processor, &one);
    pthread_mutex_lock(&told);
    assert_int_equal(pthread_create(&other, NULL, wait_to_be_told, &told), 0);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    const size_t own = threads_of_this_process();
    assert_ok(rb_evictor_create(&evictor, &err));
    assert_int_equal(threads_of_this_process(), own + (size_t)CPU_COUNT(&allowed));
    rb_evictor_destroy(evictor);
    assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    pthread_mutex_unlock(&told);
    pthread_join(other, NULL);
}

/* Half of what all share, and all of what is one's own. */
static void shares_of_one_processor_are_those_of_its_caches(void **state) {
    (void)state;
    static int64_t all[CPU_SETSIZE], alone[CPU_SETSIZE];
    cpu_set_t allowed, one;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    rb_machine_cache_shares(&allowed, all);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET((size_t)i, &allowed)) {
            assert_int_equal(all[i], 0);
            continue;
        }
        CPU_ZERO(&one);
        CPU_SET((size_t)i, &one);
        rb_machine_cache_shares(&one, alone);
        assert_true(alone[i] >= all[i]);
        for (int other = 0; other < CPU_SETSIZE; other++)
            assert_true(other == i || alone[other] == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_in_the_caches_is_not_after_it),
        cmocka_unit_test(its_threads_sleep_and_end_with_it),
        cmocka_unit_test(the_caches_of_bound_threads_are_emptied_too),
        cmocka_unit_test(shares_of_one_processor_are_those_of_its_caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
