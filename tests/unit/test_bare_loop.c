/* The harness adds nothing to a call: its samples against those of a bare loop, with the same
 * engine, session and buffers, in this process. Nothing here depends on how fast the machine is:
 * the two are interleaved in short blocks, and only their ratio counts. */
#include "test_support.h"

#include <dlfcn.h>
#include <math.h>

#include "../engines/bare.h"
#include "bench/case.h"
#include "bench/clock.h"
#include "results/statistics.h"

#define PROBLEM "ic32ih28oc32oh28kh3ph1" /* some hundred microseconds in the reference */
#define PAIRS 30
#define CALLS 12 /* in a block */
#define ATTEMPTS 4
#define LIMIT 0.03

typedef struct loops {
    rb_case *open_case;
    rb_bare_last_fn last;
    rb_bare_spend_fn spend;
} loops;

static float *random_floats(int64_t count) {
    uint64_t seed = 7;
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(random_unit(&seed) - 0.5);
    return values;
}

static int open_loops(void **state) {
    static loops l;
    rb_case_problem spec = {.engine_path = RB_TEST_ENGINES "/bare.so", .threads = 1};
    assert_ok(rb_problem_parse(PROBLEM, &spec.problem, &err));
    const int64_t count = rb_problem_tensor_elements(&spec.problem);
    float *tensors = random_floats(count);
    float *src = random_floats(rb_problem_src_elements(&spec.problem));
    spec.tensors = tensors;
    spec.tensor_bytes = (size_t)count * sizeof *tensors;
    assert_ok(rb_case_open_problem(&spec, &l.open_case, &err));
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        assert_ok(rb_case_set_input(l.open_case, i, src, rb_case_src_bytes(l.open_case), &err));
    free(tensors);
    free(src);
    void *object = dlopen(spec.engine_path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(object);
    *(void **)&l.last = dlsym(object, "rb_bare_last");
    *(void **)&l.spend = dlsym(object, "rb_bare_spend");
    assert_true(l.last && l.spend);
    dlclose(object);
    *state = &l;
    return 0;
}

static int close_loops(void **state) {
    rb_case_close(((loops *)*state)->open_case);
    return 0;
}

/* A block as resbench run takes it. */
static double harness_median(const loops *l) {
    const rb_timing_spec spec = {.name = "block", .repetitions = CALLS};
    rb_timing_sample samples[CALLS];
    const void *dst[RB_CASE_INPUTS];
    double ns[CALLS];
    assert_ok(rb_case_time(l->open_case, &spec, samples, dst, &err));
    for (size_t i = 0; i < CALLS; i++)
        ns[i] = samples[i].real_ns;
    return rb_median(ns, CALLS);
}

/* A block as anybody would write it. */
static double bare_median(const loops *l) {
    const rb_bare_call *call = l->last();
    double ns[CALLS];
    rb_error err;
    call->engine->run(call->session, call->src[0], NULL, call->dst, &err); /* warm-up */
    for (size_t i = 0; i < CALLS; i++) {
        const int64_t start = rb_now_ns();
        call->engine->run(call->session, call->src[i % 2], NULL, call->dst, &err);
        ns[i] = (double)(rb_now_ns() - start);
    }
    return rb_median(ns, CALLS);
}

/* The median over pairs of blocks, in the order A B, B A. */
static double ratio_of(const loops *l) {
    double ratios[PAIRS];
    harness_median(l);
    for (size_t i = 0; i < PAIRS; i++) {
        double harness = i % 2 ? harness_median(l) : 0;
        const double bare = bare_median(l);
        if (!(i % 2))
            harness = harness_median(l);
        ratios[i] = harness / bare;
    }
    return rb_median(ratios, PAIRS);
}

/* Other processes can spoil an attempt, in either direction; they do not spoil every one. */
static bool agree(const loops *l, double *ratio) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        *ratio = ratio_of(l);
        if (fabs(*ratio - 1) <= LIMIT)
            return true;
    }
    return false;
}

static void samples_are_those_of_a_bare_loop(void **state) {
    const loops *l = *state;
    double ratio;
    l->spend(0);
    if (!agree(l, &ratio))
        fail_msg("the harness's median is %.4f times that of a bare loop", ratio);
    print_message("the harness's median is %.4f times that of a bare loop\n", ratio);
}

static void the_loops_share_their_buffers(void **state) {
    const loops *l = *state;
    harness_median(l);
    const rb_bare_call *call = l->last();
    const rb_bare_call before = *call;
    assert_true(before.src[0] && before.src[1] && before.src[0] != before.src[1] && before.dst);
    bare_median(l);
    harness_median(l);
    const bool turned = call->src[0] != before.src[0]; /* a block has an odd number of calls */
    for (int i = 0; i < 2; i++)
        assert_ptr_equal(before.src[i], call->src[turned ? 1 - i : i]);
    assert_ptr_equal(before.dst, call->dst);
    assert_ptr_equal(before.session, call->session);
    assert_int_equal(call->calls - before.calls, CALLS + 1); /* and the bare loop asks nobody */
}

/* What takes a tenth longer under the harness, and not in the bare loop, is found out. */
static void a_tenth_more_would_be_seen(void **state) {
    const loops *l = *state;
    double ratio;
    l->spend(0.10);
    const bool agreed = agree(l, &ratio);
    l->spend(0);
    if (agreed)
        fail_msg("a tenth more goes unnoticed: %.4f", ratio);
    print_message("with a tenth more it is %.4f\n", ratio);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loops_share_their_buffers),
        cmocka_unit_test(samples_are_those_of_a_bare_loop),
        cmocka_unit_test(a_tenth_more_would_be_seen),
    };
    return cmocka_run_group_tests(tests, open_loops, close_loops);
}
