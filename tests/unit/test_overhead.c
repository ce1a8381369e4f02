/* Prints what of a timed call is the harness's own, with warm and with cold caches. How much it may
 * be is no matter of a test (docs/measurement.md says it). */
#include "test_support.h"

#include "bench/overhead.h"
#include "bench/worker.h"

static void the_harness_tells_its_own_time(void **state) {
    const rb_worker_options options = {.timeout_seconds = 60};
    (void)state;
    for (int cold = 0; cold < 2; cold++) {
        double ns;
        assert_ok(rb_overhead_measure(&options, cold, &ns, &err));
        print_message("%s caches: %.3g us per call\n", cold ? "cold" : "warm", ns * 1e-3);
        assert_true(ns > 0);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_harness_tells_its_own_time)};
    if (argc == 2 && strcmp(argv[1], "worker") == 0)
        return rb_worker_serve(STDIN_FILENO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
