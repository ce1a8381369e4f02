/* The list of problems: what it has is derived from the table of networks, and it misses nothing.
 */
#include "test_graph_support.h"

#include "check/problem_list.h"

static rb_problem_list list_of(rb_check_level level, bool quick) {
    rb_problem_list list;
    assert_ok(rb_problem_list_create(level, quick, &list, &err));
    return list;
}

/* The convolution alone, one image. */
static rb_problem bare(rb_problem p) {
    p.batch = 1;
    p.bias = p.bn = p.add = p.relu = false;
    return p;
}

static size_t count_distinct(const rb_problem *problems, size_t count) {
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        while (before < i && !rb_problem_equal(&problems[before], &problems[i]))
            before++;
        distinct += before == i;
    }
    return distinct;
}

/* Distinct convolutions of the networks that want says yes to. */
static size_t count_shapes(bool (*want)(const rb_network *)) {
    static rb_problem shapes[20000];
    size_t networks, count = 0;
    const rb_network *table = rb_network_table(&networks);
    for (size_t n = 0; n < networks; n++) {
        if (!want(&table[n]))
            continue;
        rb_graph *graph = build(table[n].name, (rb_graph_shape){.batch = 1});
        for (int32_t i = 0; i < graph->node_count; i++)
            if (graph->nodes[i].op == RB_OP_CONV && count < COUNT(shapes))
                shapes[count++] = bare(rb_problem_of_node(graph, i));
        rb_graph_destroy(graph);
    }
    return count_distinct(shapes, count);
}

static bool is_18(const rb_network *n) {
    return strcmp(n->name, "resnet18") == 0;
}
static bool is_34(const rb_network *n) {
    return strcmp(n->name, "resnet34") == 0;
}
static bool is_50(const rb_network *n) {
    return strcmp(n->name, "resnet50") == 0;
}
static bool is_101(const rb_network *n) {
    return strcmp(n->name, "resnet101") == 0;
}
static bool is_152(const rb_network *n) {
    return strcmp(n->name, "resnet152") == 0;
}
static bool is_imagenet(const rb_network *n) {
    return n->stem == RB_STEM_IMAGENET;
}
static bool is_torchvision(const rb_network *n) {
    return is_imagenet(n) && !strstr(n->name, "-v1");
}

/* The paper's table 1 and torchvision's models, counted by hand from their definitions: 11 for 18
 * and 34, 23 for each of 50, 101, 152; 29 over all five, 32 with the stride of v1. */
static void distinct_convolutions(void **state) {
    (void)state;
    assert_int_equal(count_shapes(is_18), 11);
    assert_int_equal(count_shapes(is_34), 11);
    assert_int_equal(count_shapes(is_50), 23);
    assert_int_equal(count_shapes(is_101), 23);
    assert_int_equal(count_shapes(is_152), 23);
    assert_int_equal(count_shapes(is_torchvision), 29);
    assert_int_equal(count_shapes(is_imagenet), 32);
}

static bool has(const rb_problem_list *list, const rb_problem *problem) {
    for (size_t i = 0; i < list->count; i++)
        if (rb_problem_equal(&list->items[i].problem, problem))
            return true;
    return false;
}

static void expect(const rb_problem_list *list, const rb_problem *problem) {
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(problem, text);
    if (!has(list, problem))
        fail_msg("%s is not in the list", text);
}

static rb_problem of_level(rb_check_level level, rb_problem p) {
    p.bias = level == RB_LEVEL_EXACT;
    p.bn = level == RB_LEVEL_OPERATION;
    return p;
}

/* Batch 1 and 3, plain, with ReLU, with addition and ReLU. */
static void every_imagenet_convolution_in_every_form(void **state) {
    static const rb_check_level levels[] = {RB_LEVEL_EXACT, RB_LEVEL_OPERATION};
    size_t networks;
    const rb_network *table = rb_network_table(&networks);
    (void)state;
    for (size_t l = 0; l < COUNT(levels); l++) {
        rb_problem_list list = list_of(levels[l], false);
        for (size_t n = 0; n < networks; n++) {
            rb_graph *graph = build(table[n].name, (rb_graph_shape){.batch = 1});
            for (int32_t i = 0; is_imagenet(&table[n]) && i < graph->node_count; i++)
                for (int form = 0; graph->nodes[i].op == RB_OP_CONV && form < 6; form++) {
                    rb_problem p = of_level(levels[l], bare(rb_problem_of_node(graph, i)));
                    p.batch = form < 3 ? 1 : 3;
                    p.relu = form % 3 > 0;
                    p.add = form % 3 > 1;
                    expect(&list, &p);
                }
            rb_graph_destroy(graph);
        }
        rb_problem_list_release(&list);
    }
}

/* Of every node of every network the list has the shape: no operation is left out. */
static void every_node_of_every_network(void **state) {
    size_t networks;
    const rb_network *table = rb_network_table(&networks);
    rb_problem_list shapes = list_of(RB_LEVEL_EXACT, false);
    (void)state;
    for (size_t i = 0; i < shapes.count; i++)
        shapes.items[i].problem = bare(shapes.items[i].problem);
    for (size_t n = 0; n < networks; n++) {
        rb_graph *graph = build(table[n].name, (rb_graph_shape){.batch = 1});
        for (int32_t i = 0; i < graph->node_count; i++) {
            const rb_problem p = bare(rb_problem_of_node(graph, i));
            expect(&shapes, &p);
        }
        rb_graph_destroy(graph);
    }
    rb_problem_list_release(&shapes);
}

/* 21 + 37 + 54 + 105 + 156 convolutions and FCs, less the five FCs. */
static void multiplicities_add_up(void **state) {
    rb_problem_list list = list_of(RB_LEVEL_OPERATION, false);
    int64_t sum = 0;
    (void)state;
    for (size_t i = 0; i < list.count; i++) {
        const rb_problem *p = &list.items[i].problem;
        if (p->batch == 1 && !p->relu && !p->add)
            sum += list.items[i].multiplicity;
    }
    assert_int_equal(sum, 21 + 37 + 54 + 105 + 156 - 5);
    rb_problem_list_release(&list);
}

/* Whether any problem of the list is one that the question asks for. */
static void expect_some(const rb_problem_list *list, const char *what,
                        bool (*is)(const rb_problem *)) {
    for (size_t i = 0; i < list->count; i++)
        if (is(&list->items[i].problem))
            return;
    fail_msg("the list has no problem with %s", what);
}

static bool conv(const rb_problem *p) {
    return p->op == RB_OP_CONV;
}
static bool odd_tail(const rb_problem *p) {
    return conv(p) && p->oc % 4 && p->ic % 4;
}
static bool tail_of_8(const rb_problem *p) {
    return conv(p) && p->oc % 16 == 8;
}
static bool tail_of_4(const rb_problem *p) {
    return conv(p) && p->oc % 8 == 4;
}
static bool tiny(const rb_problem *p) {
    return conv(p) && p->ih == 1 && p->iw == 1;
}
static bool kernel_beyond(const rb_problem *p) {
    return conv(p) && p->kh > p->ih;
}
static bool strides_over(const rb_problem *p) {
    return conv(p) && p->stride_h > p->kh;
}
static bool asymmetric(const rb_problem *p) {
    return conv(p) && p->pad_top != p->pad_bottom;
}
static bool thin(const rb_problem *p) {
    return conv(p) && p->iw == 1 && p->ih > 1;
}
static bool oblong_kernel(const rb_problem *p) {
    return conv(p) && p->kh != p->kw;
}
static bool unlike_strides(const rb_problem *p) {
    return conv(p) && p->stride_h != p->stride_w;
}
static bool one_channel(const rb_problem *p) {
    return conv(p) && p->ic == 1 && p->oc == 1;
}
static bool many_images(const rb_problem *p) {
    return conv(p) && p->batch > 16;
}
static bool odd_fc(const rb_problem *p) {
    return p->op == RB_OP_FC && p->ic % 2 && p->oc % 2;
}
static bool asymmetric_pool(const rb_problem *p) {
    return p->op == RB_OP_MAXPOOL && p->pad_top != p->pad_bottom;
}
static bool odd_average(const rb_problem *p) {
    return p->op == RB_OP_AVGPOOL && p->ih != p->iw;
}
static bool odd_shortcut(const rb_problem *p) {
    return p->op == RB_OP_SHORTCUT && p->ih % 2;
}

static void awkward_shapes(void **state) {
    rb_problem_list list = list_of(RB_LEVEL_OPERATION, false);
    (void)state;
    expect_some(&list, "channel tails", odd_tail);
    expect_some(&list, "blocks of 8", tail_of_8);
    expect_some(&list, "blocks of 4", tail_of_4);
    expect_some(&list, "a 1x1 image", tiny);
    expect_some(&list, "a kernel larger than the image", kernel_beyond);
    expect_some(&list, "a stride beyond the kernel", strides_over);
    expect_some(&list, "asymmetric padding", asymmetric);
    expect_some(&list, "a plane one pixel wide", thin);
    expect_some(&list, "kh unlike kw", oblong_kernel);
    expect_some(&list, "sh unlike sw", unlike_strides);
    expect_some(&list, "one channel", one_channel);
    expect_some(&list, "many images", many_images);
    expect_some(&list, "odd FC", odd_fc);
    expect_some(&list, "asymmetric max-pool", asymmetric_pool);
    expect_some(&list, "an average over an oblong plane", odd_average);
    expect_some(&list, "odd shortcut", odd_shortcut);
    rb_problem_list_release(&list);
}

/* A row is its text: none stands twice, each has a reason, and each can be repeated. */
static void rows_are_distinct_and_repeat(void **state) {
    static const rb_check_level levels[] = {RB_LEVEL_EXACT, RB_LEVEL_OPERATION};
    (void)state;
    for (size_t l = 0; l < COUNT(levels); l++)
        for (int quick = 0; quick < 2; quick++) {
            rb_problem_list list = list_of(levels[l], quick != 0);
            for (size_t i = 0; i < list.count; i++) {
                char text[RB_PROBLEM_CAPACITY];
                rb_problem again;
                rb_problem_format(&list.items[i].problem, text);
                assert_ok(rb_problem_parse(text, &again, &err));
                assert_true(rb_problem_equal(&again, &list.items[i].problem));
                assert_true(list.items[i].why[0] != '\0');
                for (size_t j = 0; j < i; j++)
                    if (rb_problem_equal(&again, &list.items[j].problem))
                        fail_msg("%s stands twice", text);
                if (conv(&again))
                    assert_true(levels[l] == RB_LEVEL_EXACT ? again.bias && !again.bn
                                                            : again.bn && !again.bias);
            }
            rb_problem_list_release(&list);
        }
}

static bool max_pool(const rb_problem *p) {
    return p->op == RB_OP_MAXPOOL;
}
static bool plain(const rb_problem *p) {
    return conv(p) && !p->add && !p->relu;
}
static bool relu_alone(const rb_problem *p) {
    return conv(p) && !p->add && p->relu;
}
static bool add_and_relu(const rb_problem *p) {
    return conv(p) && p->add && p->relu;
}
static bool strided_3x3(const rb_problem *p) {
    return conv(p) && p->kh == 3 && p->stride_h == 2;
}
static bool batched(const rb_problem *p) {
    return conv(p) && p->batch > 1;
}

/* Few, and of every kind; all of them are in the whole list. */
static void the_quick_list_has_every_kind(void **state) {
    rb_problem_list list = list_of(RB_LEVEL_EXACT, true), whole = list_of(RB_LEVEL_EXACT, false);
    (void)state;
    assert_in_range(list.count, 20, 40);
    for (size_t i = 0; i < list.count; i++)
        expect(&whole, &list.items[i].problem);
    expect_some(&list, "no step", plain);
    expect_some(&list, "ReLU", relu_alone);
    expect_some(&list, "addition", add_and_relu);
    expect_some(&list, "stride", strided_3x3);
    expect_some(&list, "a batch", batched);
    expect_some(&list, "asymmetric padding", asymmetric);
    expect_some(&list, "channel tails", odd_tail);
    expect_some(&list, "max-pool", max_pool);
    expect_some(&list, "odd FC", odd_fc);
    expect_some(&list, "odd average", odd_average);
    expect_some(&list, "odd shortcut", odd_shortcut);
    rb_problem_list_release(&list);
    rb_problem_list_release(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distinct_convolutions),
        cmocka_unit_test(every_imagenet_convolution_in_every_form),
        cmocka_unit_test(every_node_of_every_network),
        cmocka_unit_test(multiplicities_add_up),
        cmocka_unit_test(awkward_shapes),
        cmocka_unit_test(rows_are_distinct_and_repeat),
        cmocka_unit_test(the_quick_list_has_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
