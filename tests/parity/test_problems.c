/* test_problems ENGINE: graphs of one node, as resbench check poses them, on small integers against
 * a second, plainer program. Every sum is exact in float32, folded or not, so values are equal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "model/problem.h"
#include "tiny_graph.h"

#define THREADS 2
#define EPSILON 0.25

static const rb_engine *engine;

static const char *const problems[] = {
    "ic5ih7oc9oh7kh3ph1",
    "mb3ic16ih9iw11oc32oh9ow11kh3ph1+relu",
    "mb2ic16ih9oc16oh9kh3ph1+add",
    "mb3ic33ih8iw5oc18oh8ow5kh1+bias+add+relu",
    "mb2ic8ih10oc24oh5kh3sh2ph1+bn",
    "mb2ic16ih7oc40oh4kh1sh2+bn+add+relu",
    "ic4ih6iw8oc7oh6ow8kh3kw5ph1pw2+bias+relu",
    "ic16ih8oc16oh4kh3sh2+bn+add", /* padding behind only */
    "ic3ih23iw19oc16oh12ow10kh7sh2ph3+bn+relu",
    "ic3ih12oc16oh12kh3ph1+bn+add+relu",
    "ic20oc17oh1kh1+add",
    "ic32oc48oh1kh3ph1+bn+add+relu",
    "fc:mb3ic37oc11",
    "fc:mb2ic64oc10+bias",
    "fc:mb3ic40oc13+bias+add+relu",
    "fc:ic2oc1+add",
    "maxpool:mb2ic18ih11oh6kh3sh2ph1",
    "maxpool:mb3ic5ih8iw6oh4ow3kh2sh2",
    "maxpool:ic3ih9oh5kh3sh2ph1",
    "avgpool:mb3ic34ih4",
    "avgpool:mb2ic5ih2iw8",
    "shortcut:mb2ic16ih9iw7oc32oh5ow4sh2",
    "shortcut:mb3ic5ih6oc9oh6",
    "shortcut:ic3ih8oc10oh4sh2",
};
#define PROBLEMS (sizeof problems / sizeof problems[0])

/* -7 .. 7 without a pattern that a wrong index could hide in. */
static void fill_integers(float *values, int64_t count, uint32_t seed, float scale) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = scale * (float)((int)(seed >> 24) % 15 - 7);
    }
}

typedef struct rb_posed {
    rb_problem problem;
    rb_graph *graph;
    rb_test_weights *weights;
    float *src, *addend; /* addend: NULL where nothing is added */
    double *expected;
} rb_posed;

static float *integers(int64_t count, uint32_t seed, float scale) {
    float *values = rb_test_alloc((size_t)count * sizeof *values);
    fill_integers(values, count, seed, scale);
    return values;
}

/* Divisors are powers of 2: sqrt(var + epsilon) is 1 or 2. */
static void fill_tensors(const rb_posed *posed) {
    const rb_problem *p = &posed->problem;
    const rb_node *n = posed->graph->nodes;
    float *const *tensors = posed->weights->tensors;
    for (int32_t t = 0; t < posed->graph->tensor_count; t++) {
        const rb_tensor_desc *d = &posed->graph->tensors[t];
        fill_integers(tensors[t], d->dims[0] * d->dims[1] * d->dims[2] * d->dims[3],
                      10 + (uint32_t)t, 1);
    }
    for (int64_t o = 0; p->bn && o < p->oc; o++)
        tensors[n->bn_var][o] = (o % 2 ? 4 : 1) - (float)EPSILON;
    posed->weights->epsilon[0] = p->bn ? EPSILON : 0;
}

/* dst += the products of one source value with all weights that reach it. */
static void scatter(const rb_posed *posed, int64_t image, int64_t c, int64_t h, int64_t w,
                    double value, double *dst) {
    const rb_problem *p = &posed->problem;
    const float *wei = posed->weights->tensors[posed->graph->nodes->wei];
    for (int64_t kh = 0; kh < p->kh; kh++)
        for (int64_t kw = 0; kw < p->kw; kw++) {
            const int64_t y = h + p->pad_top - kh, x = w + p->pad_left - kw;
            if (y < 0 || x < 0 || y % p->stride_h || x % p->stride_w || y / p->stride_h >= p->oh ||
                x / p->stride_w >= p->ow)
                continue;
            for (int64_t o = 0; o < p->oc; o++)
                dst[((image * p->oc + o) * p->oh + y / p->stride_h) * p->ow + x / p->stride_w] +=
                    value * (double)wei[((o * p->ic + c) * p->kh + kh) * p->kw + kw];
        }
}

/* The same for what has no weights: a maximum, a share of a mean, a pixel that is copied. */
static void pass_on(const rb_problem *p, int64_t image, int64_t c, int64_t h, int64_t w,
                    double value, double *dst) {
    const int64_t o = p->op == RB_OP_SHORTCUT ? c + (p->oc - p->ic) / 2 : c;
    for (int64_t y = 0; y < p->oh; y++)
        for (int64_t x = 0; x < p->ow; x++) {
            const int64_t kh = h + p->pad_top - y * p->stride_h;
            const int64_t kw = w + p->pad_left - x * p->stride_w;
            double *to = &dst[((image * p->oc + o) * p->oh + y) * p->ow + x];
            if (kh < 0 || kh >= p->kh || kw < 0 || kw >= p->kw)
                continue;
            if (p->op == RB_OP_MAXPOOL)
                *to = fmax(*to, value);
            else
                *to += value / (double)(p->kh * p->kw);
        }
}

static void finish(const rb_posed *posed, int64_t i, double *value) {
    const rb_problem *p = &posed->problem;
    const rb_node *n = posed->graph->nodes;
    float *const *t = posed->weights->tensors;
    const int64_t o = i / (p->oh * p->ow) % p->oc;
    if (p->bias)
        *value += (double)t[n->bia][o];
    if (p->bn)
        *value =
            (*value - (double)t[n->bn_mean][o]) / (o % 2 ? 2 : 1) * (double)t[n->bn_weight][o] +
            (double)t[n->bn_bias][o];
    if (p->add)
        *value += (double)posed->addend[i];
    if (p->relu && *value < 0)
        *value = 0;
}

static void compute(const rb_posed *posed) {
    const rb_problem *p = &posed->problem;
    const bool weighted = p->op == RB_OP_CONV || p->op == RB_OP_FC;
    const int64_t results = rb_problem_dst_elements(p);
    for (int64_t i = 0; i < results; i++)
        posed->expected[i] = p->op == RB_OP_MAXPOOL ? -INFINITY : 0;
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++) {
        const int64_t w = i % p->iw, h = i / p->iw % p->ih, c = i / (p->iw * p->ih) % p->ic;
        const int64_t image = i / (p->iw * p->ih * p->ic);
        if (weighted)
            scatter(posed, image, c, h, w, (double)posed->src[i], posed->expected);
        else
            pass_on(p, image, c, h, w, (double)posed->src[i], posed->expected);
    }
    for (int64_t i = 0; i < results; i++)
        finish(posed, i, &posed->expected[i]);
}

static rb_posed pose(const char *text) {
    rb_posed posed = {0};
    rb_error err = {""};
    if (rb_problem_parse(text, &posed.problem, &err) != RB_OK ||
        rb_problem_graph_create(&posed.problem, &posed.graph, &err) != RB_OK)
        fail_msg("%s", err.message);
    const rb_problem *p = &posed.problem;
    const int64_t results = rb_problem_dst_elements(p);
    posed.weights = rb_test_weights_create(posed.graph, 1);
    fill_tensors(&posed);
    posed.src = integers(rb_problem_src_elements(p), 1,
                         p->op == RB_OP_AVGPOOL ? (float)(p->kh * p->kw) : 1);
    posed.addend = p->add ? integers(results, 2, 1) : NULL;
    posed.expected = rb_test_alloc((size_t)results * sizeof *posed.expected);
    compute(&posed);
    return posed;
}

static void release(rb_posed *posed) {
    rb_test_free(posed->src);
    rb_test_free(posed->addend);
    rb_test_free(posed->expected);
    rb_test_weights_destroy(posed->weights);
    rb_problem_graph_destroy(posed->graph);
}

static void compare(const char *text, const rb_posed *posed, rb_dtype dtype, const void *dst) {
    for (int64_t i = 0; i < rb_problem_dst_elements(&posed->problem); i++) {
        const double found =
            dtype == RB_F64 ? ((const double *)dst)[i] : (double)((const float *)dst)[i];
        if (!(found == posed->expected[i]))
            fail_msg("%s: value %lld is %.17g, not %.17g", text, (long long)i, found,
                     posed->expected[i]);
    }
}

static rb_session *open_posed(const rb_posed *posed, rb_test_host *host) {
    rb_session *session;
    rb_error err = {""};
    rb_test_host_init(host, THREADS);
    if (rb_test_open(engine, host, posed->graph, &posed->weights->weights, &session, &err) != RB_OK)
        fail_msg("%s", err.message);
    return session;
}

/* Room for the result, none of it written yet. */
static void *unwritten(const rb_posed *posed) {
    const size_t bytes = (size_t)rb_problem_dst_elements(&posed->problem) * sizeof(double);
    return memset(rb_test_alloc(bytes), 0xFF, bytes);
}

/* Twice, with buffers that move in between, as the harness may move them. */
static void values_are_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBLEMS; i++) {
        rb_posed posed = pose(problems[i]);
        const rb_problem *p = &posed.problem;
        const size_t inputs = (size_t)rb_problem_src_elements(p) * sizeof(float);
        const size_t added = posed.addend ? (size_t)rb_problem_dst_elements(p) * sizeof(float) : 0;
        rb_error err = {""};
        rb_test_host host;
        rb_session *session = open_posed(&posed, &host);
        const int64_t allocations = host.allocations;
        for (int run = 0; run < 2; run++) {
            float *src = memcpy(rb_test_alloc(inputs), posed.src, inputs);
            float *addend = added ? memcpy(rb_test_alloc(added), posed.addend, added) : NULL;
            void *dst = unwritten(&posed);
            if (engine->run(session, src, addend, dst, &err) != RB_OK)
                fail_msg("%s: %s", problems[i], err.message);
            compare(problems[i], &posed, engine->output_dtype, dst);
            assert_memory_equal(src, posed.src, inputs);
            if (added)
                assert_memory_equal(addend, posed.addend, added);
            rb_test_free(src);
            rb_test_free(addend);
            rb_test_free(dst);
        }
        assert_int_equal(host.allocations, allocations);
        rb_memory memory;
        assert_int_equal(engine->memory(session, &memory, &err), RB_OK);
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
            assert_int_equal(memory.bytes[kind], host.bytes[kind]);
        engine->close(session);
        assert_int_equal(host.blocks, 0);
        release(&posed);
    }
}

typedef struct rb_shown {
    const char *text;
    const rb_posed *posed;
    int count;
} rb_shown;

static rb_status look(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                      rb_dtype dtype, const void *data, rb_error *err) {
    rb_shown *shown = ctx;
    const rb_problem *p = &shown->posed->problem;
    (void)err;
    assert_int_equal(node, 0);
    assert_int_equal(stage, RB_STAGE_VALUE);
    assert_true(dims[0] == p->batch && dims[1] == p->oc && dims[2] == p->oh && dims[3] == p->ow);
    compare(shown->text, shown->posed, dtype, data);
    shown->count++;
    return RB_OK;
}

static void tap_shows_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBLEMS; i++) {
        rb_posed posed = pose(problems[i]);
        rb_error err = {""};
        rb_test_host host;
        rb_session *session = open_posed(&posed, &host);
        void *dst = unwritten(&posed);
        rb_shown shown = {problems[i], &posed, 0};
        if (engine->tap(session, posed.src, posed.addend, dst, RB_STAGE_VALUE, look, &shown,
                        &err) != RB_OK)
            fail_msg("%s: %s", problems[i], err.message);
        assert_int_equal(shown.count, 1);
        compare(problems[i], &posed, engine->output_dtype, dst);
        engine->close(session);
        assert_int_equal(host.blocks, 0);
        rb_test_free(dst);
        release(&posed);
    }
}

/* Whatever allocation fails, open says so and holds nothing. */
static void failing_allocations_leave_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBLEMS; i++) {
        rb_posed posed = pose(problems[i]);
        rb_test_host host;
        rb_session *session = open_posed(&posed, &host);
        const int64_t allocations = host.allocations;
        engine->close(session);
        for (int64_t at = 0; at < allocations; at++) {
            rb_error err = {""};
            rb_test_host_init(&host, THREADS);
            host.fail_at = at;
            assert_int_equal(
                rb_test_open(engine, &host, posed.graph, &posed.weights->weights, &session, &err),
                RB_ERR_MEMORY);
            assert_null(session);
            assert_true(err.message[0] != '\0');
            assert_int_equal(host.blocks, 0);
        }
        release(&posed);
    }
}

/* The second input of a graph of more nodes: y = relu(second * (first * x) + addend). */
static void the_last_node_of_many_adds_it(void **state) {
    (void)state;
    enum {
        BATCH = 2,
        IC = 3,
        MIDDLE = 16,
        OC = 20,
        HEIGHT = 5,
        WIDTH = 7,
        PIXELS = HEIGHT * WIDTH
    };
    const tiny_window point = {.kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1};
    float *src = integers(BATCH * IC * PIXELS, 1, 1), *addend = integers(BATCH * OC * PIXELS, 2, 9);
    float *first = integers(MIDDLE * IC, 3, 1), *second = integers(OC * MIDDLE, 4, 1);
    tiny_graph g;
    tiny_init(&g, BATCH, IC, HEIGHT, WIDTH);
    tiny_add(&g, RB_OP_CONV, RB_VALUE_INPUT, MIDDLE, point)->wei =
        tiny_tensor(&g, first, 4, MIDDLE, IC, 1, 1);
    rb_node *last = tiny_add(&g, RB_OP_CONV, 0, OC, point);
    last->wei = tiny_tensor(&g, second, 4, OC, MIDDLE, 1, 1);
    last->add = RB_VALUE_ADDEND;
    last->relu = 1;
    g.graph.size = sizeof g.graph;
    g.graph.nodes = g.nodes;
    g.graph.tensors = g.tensors;
    const rb_weights weights = {.size = sizeof weights, .tensors = g.data, .epsilon = g.epsilon};
    double *dst = rb_test_alloc(BATCH * OC * PIXELS * sizeof *dst);
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    rb_test_host_init(&host, THREADS);
    if (rb_test_open(engine, &host, &g.graph, &weights, &session, &err) != RB_OK ||
        engine->run(session, src, addend, dst, &err) != RB_OK)
        fail_msg("%s", err.message);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
    for (int64_t i = 0; i < BATCH * OC * PIXELS; i++) {
        const int64_t image = i / (OC * PIXELS), o = i / PIXELS % OC;
        double sum = (double)addend[i];
        for (int64_t m = 0; m < MIDDLE; m++)
            for (int64_t c = 0; c < IC; c++)
                sum += (double)(second[o * MIDDLE + m] * first[m * IC + c] *
                                src[(image * IC + c) * PIXELS + i % PIXELS]);
        const double found = engine->output_dtype == RB_F64 ? dst[i] : (double)((float *)dst)[i];
        assert_true(found == (sum > 0 ? sum : 0));
    }
    rb_test_free(src);
    rb_test_free(addend);
    rb_test_free(first);
    rb_test_free(second);
    rb_test_free(dst);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return EXIT_FAILURE;
    engine = rb_test_engine(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_exact),
        cmocka_unit_test(tap_shows_the_same),
        cmocka_unit_test(failing_allocations_leave_nothing),
        cmocka_unit_test(the_last_node_of_many_adds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
