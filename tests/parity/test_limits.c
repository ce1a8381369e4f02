/* test_limits quick|all: the limits of the levels exact and operation, themselves. The float32
 * reference, which sums serially, passes all problems with room; what has lost as little as may
 * matter does not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/remote_problem.h"
#include "check/figures.h"
#include "check/problem_list.h"
#include "cmocka_includes.h"
#include "loaders/synth.h"

#define SEED 1

/* Of the limits. A serial sum of K rounded additions errs like a walk of K steps, each uniform
 * within u of a partial sum. The reference adds the bias last: its partial sums grow to |value|,
 * which is far below S, and half of the limit is room enough for it. */
#define ROOM 0.5

static bool quick;

static const char *path_of(const char *engine) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s.so", RESBENCH_ENGINE_DIR, engine);
    return path;
}

typedef struct rb_bench {
    rb_worker *oracle, *reference;
} rb_bench;

static int set_up(void **state) {
    static rb_bench bench;
    const rb_worker_options options = {.in_process = true, .timeout_seconds = 60};
    rb_error err;
    if (rb_worker_start(&options, &bench.oracle, &err) != RB_OK ||
        rb_worker_start(&options, &bench.reference, &err) != RB_OK)
        return 1;
    *state = &bench;
    return 0;
}

static int tear_down(void **state) {
    rb_bench *bench = *state;
    rb_worker_stop(bench->oracle);
    rb_worker_stop(bench->reference);
    return 0;
}

static void expect(rb_status status, const rb_error *err) {
    if (status != RB_OK)
        fail_msg("%s", err->message);
}

/* The reference's values; the caller frees them. */
static double *run_reference(const rb_bench *bench, const rb_problem *problem,
                             const rb_operands *operands) {
    const rb_case_problem spec = {.engine_path = path_of("reference"),
                                  .problem = *problem,
                                  .tensors = operands->tensors,
                                  .tensor_bytes =
                                      (size_t)rb_problem_tensor_elements(problem) * sizeof(float),
                                  .epsilon = operands->epsilon,
                                  .threads = 2};
    rb_remote_problem_facts facts;
    rb_error err = {""};
    double *dst = calloc((size_t)rb_problem_dst_elements(problem), sizeof *dst);
    assert_non_null(dst);
    expect(rb_remote_problem_open(bench->reference, &spec, &facts, &err), &err);
    expect(
        rb_remote_problem_input(bench->reference, problem, operands->src, operands->addend, &err),
        &err);
    expect(rb_remote_problem_run(bench->reference, problem, &facts, dst, &err), &err);
    return dst;
}

typedef struct rb_posed {
    rb_operands operands;
    rb_problem_truth truth;
    double *dst; /* the reference's */
} rb_posed;

static rb_posed pose(const rb_bench *bench, const rb_problem *problem, rb_check_level level) {
    rb_posed posed;
    rb_error err = {""};
    expect(level == RB_LEVEL_EXACT ? rb_operands_integer(problem, SEED, &posed.operands, &err)
                                   : rb_operands_seeded(problem, SEED, &posed.operands, &err),
           &err);
    expect(rb_problem_truth_compute(bench->oracle, path_of("oracle"), problem, &posed.operands, 2,
                                    &posed.truth, &err),
           &err);
    posed.dst = run_reference(bench, problem, &posed.operands);
    return posed;
}

static void release(rb_posed *posed) {
    rb_operands_release(&posed->operands);
    rb_problem_truth_release(&posed->truth);
    free(posed->dst);
}

/* Integers stay within 2^24 in every order, are not all alike, and ReLU cuts some of them. */
static void check_integers(const rb_problem *problem, const rb_posed *posed, const char *text) {
    const int64_t count = rb_problem_dst_elements(problem);
    int64_t distinct = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!(posed->truth.magnitude[i] <= 0x1p24 * (1 + 1e-6)) ||
            !(fabs(posed->truth.value[i]) <= 0x1p24) ||
            posed->truth.value[i] != rint(posed->truth.value[i]))
            fail_msg("%s: value %.9g, magnitude %.9g", text, posed->truth.value[i],
                     posed->truth.magnitude[i]);
        distinct += i > 0 && posed->truth.value[i] != posed->truth.value[i - 1];
    }
    if (count > 1 && distinct < count / 8)
        fail_msg("%s: only %lld of %lld neighbours differ", text, (long long)distinct,
                 (long long)count);
}

static void go_through(const rb_bench *bench, rb_check_level level) {
    rb_problem_list list;
    rb_error err = {""};
    double worst = 0;
    char text[RB_PROBLEM_CAPACITY], worst_text[RB_PROBLEM_CAPACITY] = "", note[256];
    expect(rb_problem_list_create(level, quick, &list, &err), &err);
    assert_true(list.count > 20);
    for (size_t i = 0; i < list.count; i++) {
        const rb_problem *problem = &list.items[i].problem;
        rb_posed posed = pose(bench, problem, level);
        const rb_check_figures f =
            rb_figures_compare(problem, &posed.truth, RB_ALGORITHM_DIRECT, posed.dst);
        rb_problem_format(problem, text);
        if (level == RB_LEVEL_EXACT) {
            check_integers(problem, &posed, text);
            if (rb_figures_judge_exact(&f, note, sizeof note) != RB_VERDICT_PASS)
                fail_msg("%s: %s", text, note);
        } else if (rb_figures_judge_operation(&f, note, sizeof note) != RB_VERDICT_PASS) {
            fail_msg("%s: %s", text, note);
        }
        const double share = fmax(f.element_share, f.norm_share);
        if (!(share <= ROOM) && level == RB_LEVEL_OPERATION)
            fail_msg("%s: %.2f of the limit", text, share);
        if (share > worst) {
            worst = share;
            strcpy(worst_text, text);
        }
        release(&posed);
    }
    print_message("%s: %zu problems, worst %.3f of its limit at %s\n", rb_check_level_name(level),
                  list.count, worst, worst_text);
    rb_problem_list_release(&list);
}

static void the_reference_is_exact(void **state) {
    go_through(*state, RB_LEVEL_EXACT);
}

static void the_reference_passes_with_room(void **state) {
    go_through(*state, RB_LEVEL_OPERATION);
}

/* The worst order that an honest engine may choose: it begins with a bias which is nearly all of S,
 * so that every addition rounds at the size of S. Summed here, by nobody's engine. */
static void sums_that_begin_with_a_large_bias_pass(void **state) {
    static const int64_t lengths[] = {27, 147, 1152, 4608};
    const int64_t sums = 100000;
    (void)state;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        const int64_t k = lengths[l];
        const rb_problem problem = {
            .op = RB_OP_FC, .batch = 1, .ic = k, .oc = sums, .oh = 1, .ow = 1};
        rb_problem_truth truth = {.value = calloc((size_t)sums, sizeof(double)),
                                  .magnitude = calloc((size_t)sums, sizeof(double)),
                                  .start = calloc((size_t)sums, sizeof(double)),
                                  .k = k};
        double *dst = calloc((size_t)sums, sizeof *dst);
        float *products = calloc((size_t)k, sizeof *products);
        char note[256];
        assert_true(truth.value && truth.magnitude && truth.start && dst && products);
        for (int64_t i = 0; i < sums; i++) {
            const float bias = 0.2778f;
            float sum = bias;
            truth.value[i] = truth.magnitude[i] = truth.start[i] = (double)bias;
            rb_synth_values("products", (uint64_t)i, k, products);
            for (int64_t t = 0; t < k; t++) {
                const float product = products[t] * 1e-4f;
                sum += product;
                truth.value[i] += (double)product;
                truth.magnitude[i] += fabs((double)product);
            }
            dst[i] = (double)sum;
        }
        const rb_check_figures f = rb_figures_compare(&problem, &truth, RB_ALGORITHM_DIRECT, dst);
        print_message("%lld products: element %.2f, norm %.2f of the limit\n", (long long)k,
                      f.element_share, f.norm_share);
        assert_int_equal(rb_figures_judge_operation(&f, note, sizeof note), RB_VERDICT_PASS);
        rb_problem_truth_release(&truth);
        free(dst);
        free(products);
    }
}

static const char *const spoilt[] = {"ic64ih14oc64oh14kh3ph1+bn+relu", "ic512ih7oc64oh7kh3ph1+bn",
                                     "fc:mb2ic2048oc100+bias"};
#define SPOILT (sizeof spoilt / sizeof spoilt[0])

static rb_verdict judge(const rb_problem *problem, const rb_posed *posed) {
    char note[256];
    const rb_check_figures f =
        rb_figures_compare(problem, &posed->truth, RB_ALGORITHM_DIRECT, posed->dst);
    return rb_figures_judge_operation(&f, note, sizeof note);
}

/* One of the products of one element, of middling size, is not added. */
static void one_missing_product_fails(void **state) {
    for (size_t i = 0; i < SPOILT; i++) {
        rb_problem problem;
        rb_error err = {""};
        expect(rb_problem_parse(spoilt[i], &problem, &err), &err);
        rb_posed posed = pose(*state, &problem, RB_LEVEL_OPERATION);
        int64_t at = 0;
        while (!(fabs(posed.dst[at]) > 0.1))
            at++;
        posed.dst[at] -= posed.truth.magnitude[at] / (double)posed.truth.k;
        assert_int_equal(judge(&problem, &posed), RB_VERDICT_FAIL);
        release(&posed);
    }
}

/* The operands lose all but `bits` bits of their mantissas, as in bfloat16 (8) and TF32 (11). */
static void narrow_operands_fail(void **state) {
    static const int widths[] = {8, 11};
    for (size_t i = 0; i < SPOILT; i++)
        for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
            rb_problem problem;
            rb_error err = {""};
            expect(rb_problem_parse(spoilt[i], &problem, &err), &err);
            rb_posed posed = pose(*state, &problem, RB_LEVEL_OPERATION);
            for (int64_t s = 0; s < rb_problem_src_elements(&problem); s++) {
                int exponent;
                const double mantissa = frexp((double)posed.operands.src[s], &exponent);
                posed.operands.src[s] =
                    (float)ldexp(rint(ldexp(mantissa, widths[w])), exponent - widths[w]);
            }
            free(posed.dst);
            posed.dst = run_reference(*state, &problem, &posed.operands);
            assert_int_equal(judge(&problem, &posed), RB_VERDICT_FAIL);
            release(&posed);
        }
}

/* To the 11 bits of float16; its range does not matter here. */
static double to_float16(double value) {
    int exponent;
    const double mantissa = frexp(value, &exponent);
    return ldexp(rint(ldexp(mantissa, 11)), exponent - 11);
}

/* Sums kept in float16, short ones too: 64 products are what the smallest networks have. */
static void float16_sums_fail(void **state) {
    static const char *const texts[] = {"fc:mb2ic2048oc100+bias", "fc:mb3ic64oc10+bias"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rb_problem problem;
        rb_error err = {""};
        expect(rb_problem_parse(texts[i], &problem, &err), &err);
        rb_posed posed = pose(*state, &problem, RB_LEVEL_OPERATION);
        const float *wei = posed.operands.tensors, *bia = wei + problem.oc * problem.ic;
        assert_int_equal(judge(&problem, &posed), RB_VERDICT_PASS);
        for (int64_t d = 0; d < rb_problem_dst_elements(&problem); d++) {
            const int64_t n = d / problem.oc, o = d % problem.oc;
            double sum = 0;
            for (int64_t k = 0; k < problem.ic; k++)
                sum = to_float16(sum + (double)posed.operands.src[n * problem.ic + k] *
                                           (double)wei[o * problem.ic + k]);
            posed.dst[d] = sum + (double)bia[o];
        }
        assert_int_equal(judge(&problem, &posed), RB_VERDICT_FAIL);
        release(&posed);
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        return EXIT_FAILURE;
    quick = strcmp(argv[1], "quick") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_exact),
        cmocka_unit_test(the_reference_passes_with_room),
        cmocka_unit_test(sums_that_begin_with_a_large_bias_pass),
        cmocka_unit_test(one_missing_product_fails),
        cmocka_unit_test(narrow_operands_fail),
        cmocka_unit_test(float16_sums_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
