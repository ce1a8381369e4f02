/* The texts of problems: what they mean, that they round-trip, and what they refuse. */
#include "test_graph_support.h"

#include "model/problem.h"

static rb_problem parse(const char *text) {
    rb_problem problem;
    rb_error err = {""};
    if (rb_problem_parse(text, &problem, &err) != RB_OK)
        fail_msg("%s", err.message);
    return problem;
}

static void expect_text(const rb_problem *problem, const char *expected) {
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(problem, text);
    assert_string_equal(text, expected);
}

static void expect_round_trip(const rb_problem *problem) {
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(problem, text);
    assert_true(strlen(text) + 1 < RB_PROBLEM_CAPACITY);
    const rb_problem again = parse(text);
    if (!rb_problem_equal(problem, &again))
        fail_msg("%s is read as another problem", text);
    expect_text(&again, text);
}

static void expect_padding(const rb_problem *p, int64_t top, int64_t left, int64_t bottom,
                           int64_t right) {
    assert_int_equal(p->pad_top, top);
    assert_int_equal(p->pad_left, left);
    assert_int_equal(p->pad_bottom, bottom);
    assert_int_equal(p->pad_right, right);
}

static void a_convolution_of_resnet(void **state) {
    (void)state;
    const rb_problem p = parse("ic64ih56oc64oh56kh3ph1");
    assert_int_equal(p.op, RB_OP_CONV);
    assert_int_equal(p.batch, 1);
    assert_int_equal(p.ic, 64);
    assert_int_equal(p.oc, 64);
    assert_int_equal(p.ih, 56);
    assert_int_equal(p.iw, 56);
    assert_int_equal(p.oh, 56);
    assert_int_equal(p.ow, 56);
    assert_int_equal(p.kh, 3);
    assert_int_equal(p.kw, 3);
    assert_int_equal(p.stride_h, 1);
    assert_int_equal(p.stride_w, 1);
    expect_padding(&p, 1, 1, 1, 1);
    assert_false(p.bias || p.bn || p.add || p.relu);
    expect_text(&p, "ic64ih56oc64oh56kh3ph1");
    assert_int_equal(rb_problem_src_elements(&p), 64 * 56 * 56);
    assert_int_equal(rb_problem_dst_elements(&p), 64 * 56 * 56);
    assert_int_equal(rb_problem_tensor_elements(&p), 64 * 64 * 9);
}

static void what_is_left_out(void **state) {
    (void)state;
    const rb_problem wide = parse("ic3ih7iw9oc5kh3kw1sh2sw1ph1pw0");
    assert_int_equal(wide.oh, 4);
    assert_int_equal(wide.ow, 9);
    expect_padding(&wide, 1, 0, 1, 0);
    const rb_problem pool = parse("avgpool:ic8ih5iw3");
    assert_int_equal(pool.kh, 5);
    assert_int_equal(pool.kw, 3);
    assert_int_equal(pool.oh * pool.ow, 1);
    assert_int_equal(pool.oc, 8);
    const rb_problem fc = parse("fc:mb3ic2048oc1000+bias");
    assert_int_equal(fc.op, RB_OP_FC);
    assert_int_equal(fc.batch, 3);
    assert_int_equal(fc.ih * fc.iw * fc.oh * fc.ow * fc.kh * fc.kw, 1);
    assert_true(fc.bias);
    const rb_problem explicit = parse("conv:mb1ic3ih7iw7oc5oh7ow7kh1kw1sh1sw1ph0pw0");
    const rb_problem brief = parse("ic3ih7oc5");
    assert_true(rb_problem_equal(&explicit, &brief));
    const rb_problem turned = parse("ph1kh3oc64ih56ic64"); /* any order */
    expect_text(&turned, "ic64ih56oc64oh56kh3ph1");
}

/* 16 = 7 * 2 + 3 - 1: the window that oh asks for ends one beyond the image. */
static void padding_behind_follows_from_the_extent(void **state) {
    (void)state;
    const rb_problem same = parse("ic16ih32oc32oh16kh3sh2ph0");
    expect_padding(&same, 0, 0, 1, 1);
    const rb_problem none = parse("ic16ih32oc32oh15kh3sh2ph0");
    expect_padding(&none, 0, 0, 0, 0);
    const rb_problem unlike = parse("ic16ih18oc32oh18ow20kh3ph1pw2");
    expect_padding(&unlike, 1, 2, 1, 2);
    const rb_problem short_of_it = parse("ic1ih8oc1oh7kh3ph1"); /* less behind than in front */
    expect_padding(&short_of_it, 1, 1, 0, 0);
    const rb_problem *all[] = {&same, &none, &unlike, &short_of_it};
    for (size_t i = 0; i < COUNT(all); i++)
        expect_round_trip(all[i]);
}

/* Not to have been met by the default of any other field. */
static void every_step_and_operation_round_trips(void **state) {
    static const char *const texts[] = {
        "mb3ic256ih14oc512oh7kh1sh2+bn+add+relu",
        "ic3ih5iw11oc7oh3ow13kh3kw5sh2sw1ph1pw4+bias+bn+add+relu",
        "ic1ih1oc1oh1kh1",
        "fc:ic1oc1",
        "fc:mb17ic64oc10+bias+relu",
        "maxpool:ic64ih112oh56kh3sh2ph1",
        "maxpool:mb2ic5ih8oh4kh3sh2",
        "avgpool:mb2ic17ih5iw3",
        "shortcut:mb3ic16ih32oc32oh16sh2",
        "shortcut:mb2ic5ih9iw7oc9oh5ow4sh2",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        const rb_problem p = parse(texts[i]);
        expect_text(&p, texts[i]);
        expect_round_trip(&p);
    }
}

static void every_node_of_every_network_round_trips(void **state) {
    static const int64_t sizes[][2] = {{0, 0}, {97, 33}, {45, 70}};
    size_t networks;
    const rb_network *table = rb_network_table(&networks);
    (void)state;
    for (size_t n = 0; n < networks; n++)
        for (size_t s = 0; s < COUNT(sizes); s++)
            for (int folded = 0; folded < 2; folded++) {
                rb_graph *graph = build(table[n].name, (rb_graph_shape){.batch = 3,
                                                                        .height = sizes[s][0],
                                                                        .width = sizes[s][1],
                                                                        .folded = folded != 0});
                for (int32_t i = 0; i < graph->node_count; i++) {
                    const rb_problem p = rb_problem_of_node(graph, i);
                    const rb_node *node = &graph->nodes[i];
                    assert_int_equal(rb_problem_dst_elements(&p),
                                     graph->batch * node->oc * node->oh * node->ow);
                    assert_true(p.add == (node->add != RB_NONE) && p.relu == (node->relu != 0));
                    expect_round_trip(&p);
                }
                rb_graph_destroy(graph);
            }
}

/* Padding behind a node's image is its own, unless no window reaches it. */
static void a_nodes_windows_stay(void **state) {
    (void)state;
    rb_graph *graph = build("resnet8", (rb_graph_shape){.batch = 1});
    int asymmetric = 0;
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        const rb_problem p = rb_problem_of_node(graph, i);
        const int64_t reach = (n->oh - 1) * n->stride_h + n->kh - n->ih - n->pad_top;
        assert_true(p.pad_bottom >= reach);
        assert_int_equal(p.pad_top, n->pad_top);
        asymmetric += p.pad_top != p.pad_bottom;
    }
    assert_true(asymmetric > 0); /* of TensorFlow's "same" */
    rb_graph_destroy(graph);
}

static void a_graph_of_one_node(void **state) {
    static const char *const names[] = {"wei", "bia", "bn_weight", "bn_bias", "bn_mean", "bn_var"};
    rb_graph *graph;
    const rb_problem p = parse("mb2ic3ih5oc7kh3ph1+bias+bn+add+relu");
    (void)state;
    assert_ok(rb_problem_graph_create(&p, &graph, &err));
    assert_int_equal(graph->node_count, 1);
    assert_int_equal(graph->tensor_count, RB_PROBLEM_TENSORS);
    for (int32_t t = 0; t < graph->tensor_count; t++)
        assert_string_equal(graph->tensors[t].name, names[t]);
    assert_int_equal(graph->nodes[0].src, RB_VALUE_INPUT);
    assert_int_equal(graph->nodes[0].add, RB_VALUE_ADDEND);
    assert_int_equal(graph->classes, 7 * 5 * 5);
    const rb_problem again = rb_problem_of_node(graph, 0);
    assert_true(rb_problem_equal(&p, &again));
    assert_int_equal(rb_problem_tensor_elements(&p), 7 * 27 + 5 * 7);
    rb_problem_graph_destroy(graph);
    rb_problem_graph_destroy(NULL);
}

static void every_field_tells_problems_apart(void **state) {
    static const char *const others[] = {
        "mb2ic4ih8oc4kh3ph1",  "ic5ih8oc4kh3ph1",       "ic4ih9iw8oc4kh3ph1",
        "ic4ih8iw9oc4kh3ph1",  "ic4ih8oc5kh3ph1",       "ic4ih8oc4kh4kw3ph1",
        "ic4ih8oc4kh3kw4ph1",  "ic4ih8oc4kh3sh2sw1ph1", "ic4ih8oc4kh3sw2ph1",
        "ic4ih8oc4kh3ph2pw1",  "ic4ih8oc4kh3ph1pw2",    "ic4ih8oc4oh7ow8kh3ph1",
        "ic4ih8oc4ow7kh3ph1",  "ic4ih8oc4kh3ph1+bias",  "ic4ih8oc4kh3ph1+bn",
        "ic4ih8oc4kh3ph1+add", "ic4ih8oc4kh3ph1+relu",  "maxpool:ic4ih8kh3ph1",
    };
    const rb_problem base = parse("ic4ih8oc4kh3ph1");
    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        const rb_problem other = parse(others[i]);
        if (rb_problem_equal(&base, &other))
            fail_msg("%s is another problem", others[i]);
    }
}

/* Each refusal quotes the text and names what is wrong. */
static void wrong_texts_are_refused(void **state) {
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "ic is missing"},
        {"+relu", "ic is missing"},
        {"ih5oc1", "ic is missing"},
        {"ic64ih56", "oc is missing"},
        {"fc:ic64", "oc is missing"},
        {"ic0ih5oc1", "ic needs a number of 1.."},
        {"mb0ic1ih5oc1", "mb needs a number of 1.."},
        {"ic1ih0oc1", "ih needs a number of 1.."},
        {"ic1ih5oc0", "oc needs a number of 1.."},
        {"ic1ih5oc1kh0", "kh needs a number of 1.."},
        {"ic1ih5oc1sh0", "sh needs a number of 1.."},
        {"ic1ih5oc1ph-1", "ph needs a number of 0.."},
        {"ic1ih5oc1kh6", "contradict"}, /* the window does not fit */
        {"ic1ih5oc1oh9kh3ph1sh2", "nothing but padding"},
        {"ic64ih56oc64oh99kh3ph1", "nothing but padding"},
        {"ic64ih56oc64oh20kh3ph1", "contradict"},
        {"fc:ic64ih2oc10", "contradict"},
        {"avgpool:ic64ih7kh3", "contradict"},
        {"avgpool:ic64ih7ph1", "contradict"},
        {"shortcut:ic64ih7oc32", "contradict"},
        {"shortcut:ic64ih7kh3", "contradict"},
        {"maxpool:ic64ih7oc32kh3", "contradict"},
        {"maxpool:ic64ih7kh3+bias", "no bias"},
        {"avgpool:ic64ih7+bn", "batch norm"},
        {"fc:ic64oc10+bn", "batch norm"},
        {"ic1ih5oc1ih5", "ih stands twice"},
        {"ic1ih5oc1+relu+relu", "each once"},
        {"ic1ih5oc1+gelu", "what may follow"},
        {"ic1ih5oc1+relu ", "what may follow"},
        {"ic1ih5oc1+reluic1", "what may follow"},
        {"ic1ih5oc1 ", "not known"},
        {" ic1ih5oc1", "not known"},
        {"ic1ih5oc1dh2", "not known"},
        {"IC1ih5oc1", "not known"},
        {"pool:ic1ih5", "not known"},
        {"conv:conv:ic1ih5oc1", "not known"},
        {"ic", "ic needs a number"},
        {"ic-1ih5oc1", "ic needs a number"},
        {"ic+1ih5oc1", "ic needs a number"},
        {"ic 1ih5oc1", "ic needs a number"},
        {"ic0x10ih5oc1", "ic needs a number"},
        {"ic4x10ih5oc1", "not known"},
        {"ic1.5ih5oc1", "not known"},
        {"ic1000000001ih5oc1", "ic needs a number"},
        {"ic99999999999999999999999ih5oc1", "ic needs a number"},
        {"mb1000000000ic1000000000ih100000oc1", "too large"},
        {"ic100000000ih1oc100000000kh100ph50", "too large"},
        {"ic1ih1000000000oc1", "contradict"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        rb_problem problem;
        rb_error err = {""};
        if (rb_problem_parse(wrong[i].text, &problem, &err) != RB_ERR_USAGE)
            fail_msg("'%s' was not refused", wrong[i].text);
        assert_sentence(err);
        assert_contains(err.message, wrong[i].text);
        assert_contains(err.message, wrong[i].says);
    }
}

static void a_long_text_is_refused_in_one_sentence(void **state) {
    char text[4096];
    rb_problem problem;
    rb_error err = {""};
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(rb_problem_parse(text, &problem, &err), RB_ERR_USAGE);
    assert_sentence(err);
    assert_contains(err.message, "not known");
    memcpy(text, "ic1\nih2\033", 8);
    text[8] = '\0';
    assert_int_equal(rb_problem_parse(text, &problem, &err), RB_ERR_USAGE);
    assert_sentence(err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution_of_resnet),
        cmocka_unit_test(what_is_left_out),
        cmocka_unit_test(padding_behind_follows_from_the_extent),
        cmocka_unit_test(every_step_and_operation_round_trips),
        cmocka_unit_test(every_node_of_every_network_round_trips),
        cmocka_unit_test(a_nodes_windows_stay),
        cmocka_unit_test(a_graph_of_one_node),
        cmocka_unit_test(every_field_tells_problems_apart),
        cmocka_unit_test(wrong_texts_are_refused),
        cmocka_unit_test(a_long_text_is_refused_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
