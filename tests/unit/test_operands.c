/* What problems are fed: integers that no order of sums rounds, and numbers like a network's. */
#include "test_support.h"

#include <math.h>

#include "check/operands.h"
#include "check/problem_list.h"
#include "loaders/synth.h"

#define SEED 7

static rb_problem parse(const char *text) {
    rb_problem problem;
    assert_ok(rb_problem_parse(text, &problem, &err));
    return problem;
}

static double largest(const float *values, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)values[i]));
    return most;
}

static void expect_integers(const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        assert_true(values[i] == rintf(values[i]));
}

/* The largest sum that any order of a channel's terms can meet. */
static double largest_sum(const rb_problem *p, const rb_operands *o) {
    const double src = largest(o->src, rb_problem_src_elements(p));
    const double addend = p->add ? largest(o->addend, rb_problem_dst_elements(p)) : 0;
    const int64_t k = p->ic * p->kh * p->kw;
    double most = 0;
    if (!rb_op_has_weights(p->op))
        return (p->op == RB_OP_AVGPOOL ? (double)(p->kh * p->kw) * src : src) + addend;
    for (int64_t c = 0; c < p->oc; c++) {
        double sum = 0;
        for (int64_t i = 0; i < k; i++)
            sum += fabs((double)o->tensors[c * k + i]) * src;
        if (p->bias)
            sum += fabs((double)o->tensors[p->oc * k + c]);
        most = fmax(most, sum);
    }
    return most + addend;
}

static bool has_both_signs(const float *values, int64_t count) {
    bool negative = false, positive = false;
    for (int64_t i = 0; i < count; i++) {
        negative |= values[i] < 0;
        positive |= values[i] > 0;
    }
    return negative && positive;
}

static void integers_stay_exact_in_every_order(void **state) {
    rb_problem_list list;
    (void)state;
    assert_ok(rb_problem_list_create(RB_LEVEL_EXACT, false, &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        const rb_problem *p = &list.items[i].problem;
        const int64_t window = p->op == RB_OP_AVGPOOL ? p->kh * p->kw : 1;
        rb_operands o;
        if (p->op == RB_OP_CONV && (!p->add || p->batch == 3))
            continue; /* the same weights with less to add, or with more images */
        assert_ok(rb_operands_integer(p, SEED, &o, &err));
        expect_integers(o.tensors, rb_problem_tensor_elements(p));
        expect_integers(o.src, rb_problem_src_elements(p));
        assert_true(largest_sum(p, &o) <= 0x1p24);
        for (int64_t s = 0; s < rb_problem_src_elements(p); s++)
            assert_true(fmodf(o.src[s], (float)window) == 0);
        if (p->ic > 8)
            assert_true(has_both_signs(o.src, rb_problem_src_elements(p)));
        if (rb_op_has_weights(p->op)) {
            for (int64_t w = 0; w < p->oc * p->ic * p->kh * p->kw; w++)
                assert_true(o.tensors[w] != 0);
            /* more than the 8 bits of bfloat16 */
            assert_true(largest(o.src, rb_problem_src_elements(p)) > 256);
        }
        rb_operands_release(&o);
    }
    rb_problem_list_release(&list);
}

static void integers_are_refused_where_there_are_none(void **state) {
    static const char *const texts[] = {"ic64ih7oc64kh3ph1+bn", "fc:ic5000000oc1",
                                        "avgpool:ic1ih65"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        const rb_problem p = parse(texts[i]);
        rb_operands o;
        rb_error err = {""};
        assert_int_equal(rb_operands_integer(&p, SEED, &o, &err), RB_ERR_UNSUPPORTED);
        assert_sentence(err);
        assert_null(o.src);
        assert_null(o.tensors);
    }
}

/* Sums of a small problem by hand: ReLU would cut some, but not nearly all. */
static double share_below_zero(const rb_problem *p, const rb_operands *o) {
    int64_t below = 0;
    for (int64_t n = 0; n < p->batch; n++)
        for (int64_t c = 0; c < p->oc; c++) {
            double sum = p->bias ? (double)o->tensors[p->oc * p->ic + c] : 0;
            for (int64_t i = 0; i < p->ic; i++)
                sum += (double)o->tensors[c * p->ic + i] * (double)o->src[n * p->ic + i];
            below += sum < 0;
        }
    return (double)below / (double)(p->batch * p->oc);
}

static void relu_cuts_about_half(void **state) {
    const rb_problem p = parse("fc:mb16ic96oc64+bias");
    rb_operands o;
    (void)state;
    assert_ok(rb_operands_integer(&p, SEED, &o, &err));
    const double integer = share_below_zero(&p, &o);
    rb_operands_release(&o);
    assert_ok(rb_operands_seeded(&p, SEED, &o, &err));
    const double seeded = share_below_zero(&p, &o);
    rb_operands_release(&o);
    assert_true(integer > 0.35 && integer < 0.65);
    assert_true(seeded > 0.25 && seeded < 0.75);
}

static void expect_planes_differ(const rb_problem *p, const float *src) {
    const size_t plane = (size_t)(p->ih * p->iw);
    const size_t planes = (size_t)(p->batch * p->ic);
    for (size_t a = 0; a < planes; a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(src + a * plane, src + b * plane, plane * sizeof *src);
}

static void images_and_channels_differ(void **state) {
    const rb_problem p = parse("mb3ic17ih5iw4oc3kh3ph1");
    rb_operands o;
    (void)state;
    assert_ok(rb_operands_integer(&p, SEED, &o, &err));
    expect_planes_differ(&p, o.src);
    rb_operands_release(&o);
    assert_ok(rb_operands_seeded(&p, SEED, &o, &err));
    expect_planes_differ(&p, o.src);
    rb_operands_release(&o);
}

static void a_seed_gives_the_same_and_another_does_not(void **state) {
    const rb_problem p = parse("mb2ic8ih5oc8kh3ph1+bn+add+relu");
    const size_t bytes = (size_t)rb_problem_src_elements(&p) * sizeof(float);
    rb_operands a, b, c;
    (void)state;
    assert_ok(rb_operands_seeded(&p, 1, &a, &err));
    assert_ok(rb_operands_seeded(&p, 1, &b, &err));
    assert_ok(rb_operands_seeded(&p, 2, &c, &err));
    assert_memory_equal(a.src, b.src, bytes);
    assert_memory_equal(a.addend, b.addend, (size_t)rb_problem_dst_elements(&p) * sizeof(float));
    assert_memory_not_equal(a.src, c.src, bytes);
    rb_operands_release(&a);
    rb_operands_release(&b);
    rb_operands_release(&c);
}

static void seeded_values_are_like_a_networks(void **state) {
    const rb_problem p = parse("mb2ic64ih9oc96kh3ph1+bn");
    const int64_t k = 64 * 9, src = rb_problem_src_elements(&p);
    rb_operands o;
    double squares = 0;
    int64_t zeros = 0;
    (void)state;
    assert_ok(rb_operands_seeded(&p, SEED, &o, &err));
    for (int64_t i = 0; i < p.oc * k; i++)
        squares += (double)o.tensors[i] * (double)o.tensors[i];
    const double spread = sqrt(squares / (double)(p.oc * k));
    assert_true(fabs(spread / sqrt(2.0 / (double)k) - 1) < 0.02); /* He et al. 2015 */
    for (int64_t i = 0; i < src; i++) {
        assert_true(o.src[i] >= 0);
        zeros += o.src[i] == 0;
    }
    assert_true(zeros > src / 5 && zeros < src / 2);
    for (int64_t plane = 0; plane < p.batch * p.ic; plane++) {
        const float *at = o.src + plane * 81;
        assert_true(at[0] != 0 && at[8] != 0 && at[72] != 0 && at[80] != 0);
    }
    rb_operands_release(&o);
}

static void batch_norm_is_not_trivial(void **state) {
    const rb_problem p = parse("ic8ih1oc256+bn");
    rb_operands o;
    double least = INFINITY, most = 0, smallest = INFINITY;
    (void)state;
    assert_ok(rb_operands_seeded(&p, SEED, &o, &err));
    const float *weight = o.tensors + 8 * 256, *mean = weight + 512, *var = weight + 768;
    assert_true(has_both_signs(weight, 256));
    for (int c = 0; c < 256; c++) {
        assert_true(var[c] > 0 && mean[c] != 0);
        least = fmin(least, (double)var[c]);
        most = fmax(most, (double)var[c]);
        smallest = fmin(smallest, fabs((double)weight[c]));
    }
    assert_true(most / least > 100);
    assert_true(smallest < 1e-3);
    assert_true(o.epsilon == RB_SYNTH_EPSILON);
    rb_operands_release(&o);
}

static void an_image_has_both_signs_and_a_pool_negative_planes(void **state) {
    const rb_problem stem = parse("ic3ih9oc4kh3ph1"), pool = parse("maxpool:ic4ih9kh3sh2ph1");
    rb_operands o;
    (void)state;
    assert_ok(rb_operands_seeded(&stem, SEED, &o, &err));
    assert_true(has_both_signs(o.src, rb_problem_src_elements(&stem)));
    rb_operands_release(&o);
    for (int integer = 0; integer < 2; integer++) {
        assert_ok(integer ? rb_operands_integer(&pool, SEED, &o, &err)
                          : rb_operands_seeded(&pool, SEED, &o, &err));
        int64_t negative = 0;
        for (int64_t c = 0; c < 4; c++) {
            bool all = true;
            for (int64_t i = 0; i < 81; i++)
                all = all && o.src[c * 81 + i] < 0;
            negative += all;
        }
        assert_int_equal(negative, 2);
        rb_operands_release(&o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_stay_exact_in_every_order),
        cmocka_unit_test(integers_are_refused_where_there_are_none),
        cmocka_unit_test(relu_cuts_about_half),
        cmocka_unit_test(images_and_channels_differ),
        cmocka_unit_test(a_seed_gives_the_same_and_another_does_not),
        cmocka_unit_test(seeded_values_are_like_a_networks),
        cmocka_unit_test(batch_norm_is_not_trivial),
        cmocka_unit_test(an_image_has_both_signs_and_a_pool_negative_planes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
