/* SHA-256 over tensors: the documented bytes, and that every part of them counts. */
#include "test_support.h"

#include "loaders/digest.h"

/* sha256sum of these bytes, written by Python's struct:
 *   a.bias\n3\n VALUES b.weight\n2 1 1 2\n VALUES layer1.10.w\n2\n VALUES layer1.2.w\n1 2\n VALUES
 *   epsilon\n 1e-5 */
#define SUM "d38b5f5a27ec69a89502dd5d2bde0cdaa3c561aff1f52ff32bc9ed47d0c86dec"
/* Of "epsilon\n" and 1e-5 alone. */
#define SUM_OF_NOTHING "bcbb315a0f0ca922ddf15ae1c604def8cc63e9a182ca4282151c679d73001102"

typedef struct sample {
    rb_tensor_desc descs[4];
    float values[4][4];
    rb_graph graph;
    double epsilon;
} sample;

/* Not in the order of names, as in a graph: layer1.10 comes before layer1.2. */
static sample make_sample(void) {
    return (sample){
        .descs = {{.name = "b.weight", .ndim = 4, .dims = {2, 1, 1, 2}},
                  {.name = "a.bias", .ndim = 1, .dims = {3, 1, 1, 1}},
                  {.name = "layer1.2.w", .ndim = 2, .dims = {1, 2, 1, 1}},
                  {.name = "layer1.10.w", .ndim = 1, .dims = {2, 1, 1, 1}}},
        .values = {{1, 2, -3, 0.5f}, {0.25f, -0.0f, 1e-40f}, {7, 8}, {9, 10}},
        .graph = {.name = "sample", .tensor_count = 4},
        .epsilon = 1e-5,
    };
}

static void digest(sample *s, char text[RB_DIGEST_CAPACITY]) {
    const float *tensors[4] = {s->values[0], s->values[1], s->values[2], s->values[3]};
    s->graph.tensors = s->descs;
    assert_ok(rb_digest_tensors(&s->graph, tensors, s->epsilon, text, &err));
    assert_int_equal(strlen(text), 64);
}

static void the_documented_bytes_are_hashed(void **state) {
    (void)state;
    char text[RB_DIGEST_CAPACITY];
    sample s = make_sample();
    digest(&s, text);
    assert_string_equal(text, SUM);
    s.graph.tensor_count = 0;
    digest(&s, text);
    assert_string_equal(text, SUM_OF_NOTHING);
}

static void the_order_of_tensors_does_not_count(void **state) {
    (void)state;
    char text[RB_DIGEST_CAPACITY];
    const sample s = make_sample();
    sample turned = s;
    for (int i = 0; i < 4; i++) {
        turned.descs[i] = s.descs[3 - i];
        memcpy(turned.values[i], s.values[3 - i], sizeof s.values[0]);
    }
    digest(&turned, text);
    assert_string_equal(text, SUM);
}

static void change_last_value(sample *s) {
    s->values[0][3] = 0.50000006f;
}

static void change_sign_of_zero(sample *s) {
    s->values[1][1] = 0.0f;
}

static void change_name(sample *s) {
    s->descs[0].name = "b.weighs";
}

static void change_shape(sample *s) {
    s->descs[0].dims[0] = 1, s->descs[0].dims[1] = 2;
}

static void change_rank(sample *s) {
    s->descs[2].ndim = 1, s->descs[2].dims[0] = 2;
}

static void change_epsilon(sample *s) {
    s->epsilon = 1.0000000000000002e-5;
}

static void change_places(sample *s) {
    const float first = s->values[0][0];
    s->values[0][0] = s->values[0][1];
    s->values[0][1] = first;
}

static void drop_a_tensor(sample *s) {
    s->graph.tensor_count = 3;
}

static void every_part_counts(void **state) {
    (void)state;
    static void (*const changes[])(sample *) = {
        change_last_value, change_sign_of_zero, change_name,   change_shape,
        change_rank,       change_epsilon,      change_places, drop_a_tensor};
    char text[RB_DIGEST_CAPACITY];
    for (size_t i = 0; i < COUNT(changes); i++) {
        sample s = make_sample();
        changes[i](&s);
        digest(&s, text);
        assert_string_not_equal(text, SUM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_bytes_are_hashed),
        cmocka_unit_test(the_order_of_tensors_does_not_count),
        cmocka_unit_test(every_part_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
