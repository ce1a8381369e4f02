#include "check/problem_list.h"

#include <stdlib.h>
#include <string.h>

#include "model/graph_build.h"

/* Name and why. Of what no ImageNet network has. */
typedef struct awkward {
    const char *text, *why;
    bool quick;
} awkward;

static const awkward convolutions[] = {
    {"ic17ih23iw19oc33oh23ow19kh3ph1", "odd everything", true},
    {"mb2ic5ih9oc7oh9kh3ph1", "fewer channels than a vector", true},
    {"ic64ih14oc65oh14kh3ph1", "one channel out beyond the blocks", true},
    {"ic65ih14oc64oh14kh3ph1", "one channel in beyond the blocks", true},
    {"ic24ih13oc40oh13kh3ph1", "blocks of 8", true},
    {"ic36ih13oc20oh13kh1", "blocks of 4", false},
    {"ic64oc128oh1kh1", "1x1 images", true},
    {"ic32oc48oh1kh3ph1", "1x1 image, all of the kernel but its middle outside", true},
    {"mb2ic16ih2oc24oh2kh3ph1", "2x2 images", false},
    {"ic16ih4oc16oh6kh5ph3", "kernel beyond the image on every side", false},
    {"ic16ih5oc16oh5kh7ph3", "kernel larger than the image", false},
    {"ic32ih15oc32oh8kh3sh2ph1", "stride over an odd edge", true},
    {"ic32ih16oc32oh8kh3sh2ph0", "padding behind only", true},
    {"ic32ih14oc64oh7kh1sh2", "1x1 with stride", true},
    {"ic32ih15oc64oh8kh1sh2", "1x1 with stride, odd", false},
    {"ic16ih17oc16oh6kh2sh3", "stride beyond the kernel", false},
    {"ic16ih20oc24oh5kh3sh4", "stride beyond the kernel, window at the edge", false},
    {"ic3ih225iw223oc64oh113ow112kh7sh2ph3", "stem, odd image", false},
    {"ic3ih33iw97oc64oh17ow49kh7sh2ph3", "stem, small and wide", true},
    {"ic3ih32oc16oh16kh7sh2ph2", "stem, SAME padding", false},
    {"ic1ih28oc1oh28kh3ph1", "one channel in and out", true},
    {"ic1ih12oc17oh12kh5ph2", "one channel in", false},
    {"ic33ih12oc1oh12kh3ph1", "one channel out", false},
    {"ic16ih31iw1oc16oh31ow1kh3ph1", "planes one pixel wide", true},
    {"ic16ih1iw31oc16oh1ow31kh3ph1", "planes one pixel high", false},
    {"ic16ih11iw29oc32oh11ow29kh1kw7ph0pw3", "1x7 kernel", false},
    {"ic16ih29iw11oc32oh29ow11kh7kw1ph3pw0", "7x1 kernel", false},
    {"ic16ih21iw22oc32oh11ow8kh3sh2sw3ph1", "unlike strides", false},
    {"ic16ih18oc32oh18ow20kh3ph1pw2", "unlike padding", false},
    {"mb17ic8ih3oc8oh3kh3ph1", "many tiny images", true},
    {"ic515ih3oc9oh3kh3ph1", "long sums, few results", false},
    {"ic16ih9iw15oc16oh9ow15kh3ph1", "width one short of two vectors", false},
    {"ic16ih9iw17oc16oh9ow17kh3ph1", "width one beyond a vector", false},
};

/* What follows a convolution in the networks. */
static const struct { bool add, relu; } steps[] = {{false, false}, {false, true}, {true, true}};
#define STEPS (sizeof steps / sizeof steps[0])

static const awkward others[] = {
    {"fc:ic2048oc1000+bias", "resnet50", false},
    {"fc:mb3ic2048oc1000+bias", "resnet50", true},
    {"fc:mb3ic512oc1000+bias", "resnet18", false},
    {"fc:mb3ic64oc10+bias", "resnet20", true},
    {"fc:mb5ic67oc13", "odd, no bias", true},
    {"fc:ic1oc1+bias", "one product", false},
    {"fc:mb2ic100oc30+bias+relu", "with ReLU", false},
    {"maxpool:ic64ih112oh56kh3sh2ph1", "resnet18", true},
    {"maxpool:mb3ic64ih112oh56kh3sh2ph1", "resnet18", false},
    {"maxpool:mb3ic64ih17iw49oh9ow25kh3sh2ph1", "odd planes", true},
    {"maxpool:mb2ic5ih9oh5kh3sh2ph1", "fewer channels than a vector", false},
    {"maxpool:ic16ih8oh4kh3sh2", "padding behind only", false},
    {"avgpool:mb3ic512ih7", "resnet18", false},
    {"avgpool:mb3ic2048ih7", "resnet50", true},
    {"avgpool:mb3ic64ih8", "resnet20", true},
    {"avgpool:mb2ic17ih5iw3", "odd", true},
    {"avgpool:ic33", "one value", false},
    {"shortcut:mb3ic16ih32oc32oh16sh2", "resnet20", true},
    {"shortcut:mb3ic32ih16oc64oh8sh2", "resnet20", false},
    {"shortcut:mb2ic5ih9iw7oc9oh5ow4sh2", "odd", true},
};

/* The shapes that every quick check has of the networks. */
static const char *const quick_shapes[] = {"ic3ih224oc64oh112kh7sh2ph3",  "ic64ih56oc64oh56kh3ph1",
                                           "ic128ih56oc128oh28kh3sh2ph1", "ic512ih7oc512oh7kh3ph1",
                                           "ic256ih56oc512oh28kh1sh2",    "ic512ih7oc2048oh7kh1"};

static rb_status append(rb_problem_list *list, const rb_problem *problem, const char *why,
                        int32_t multiplicity, rb_error *err) {
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 256;
        rb_listed_problem *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu problems", capacity);
        list->items = items;
        list->capacity = capacity;
    }
    rb_listed_problem *item = &list->items[list->count++];
    *item = (rb_listed_problem){.problem = *problem, .multiplicity = multiplicity};
    snprintf(item->why, sizeof item->why, "%s", why);
    return RB_OK;
}

/* Adds the problem, or counts it where the list has it already. */
static rb_status count_in(rb_problem_list *list, const rb_problem *problem, const char *why,
                          int32_t multiplicity, rb_error *err) {
    for (size_t i = 0; i < list->count; i++)
        if (rb_problem_equal(&list->items[i].problem, problem)) {
            list->items[i].multiplicity += multiplicity;
            return RB_OK;
        }
    return append(list, problem, why, multiplicity, err);
}

static bool is_imagenet(const rb_network *network) {
    return network->stem == RB_STEM_IMAGENET;
}

/* Distinct convolutions of all networks of the one kind; bare: shapes alone, without the steps that
 * follow. v1.5 rows come first in the table, so that those of v1 alone count nothing. */
static rb_status collect(bool imagenet, bool bare, rb_problem_list *shapes, rb_error *err) {
    size_t networks;
    const rb_network *table = rb_network_table(&networks);
    rb_status status = RB_OK;
    for (size_t n = 0; status == RB_OK && n < networks; n++) {
        const rb_network *network = &table[n];
        rb_graph *graph;
        if (is_imagenet(network) != imagenet)
            continue;
        status = rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, err);
        if (status != RB_OK)
            return status;
        const bool counts = imagenet && !strstr(network->name, "-v1");
        for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++) {
            if (graph->nodes[i].op != RB_OP_CONV)
                continue;
            rb_problem problem = rb_problem_of_node(graph, i);
            problem.bias = problem.bn = false;
            if (bare)
                problem.add = problem.relu = false;
            status = count_in(shapes, &problem, network->name, counts, err);
        }
        rb_graph_destroy(graph);
    }
    return status;
}

static bool is_quick_shape(const rb_problem *shape) {
    rb_problem quick;
    for (size_t i = 0; i < sizeof quick_shapes / sizeof quick_shapes[0]; i++)
        if (rb_problem_parse(quick_shapes[i], &quick, NULL) == RB_OK &&
            rb_problem_equal(&quick, shape))
            return true;
    return false;
}

/* A convolution of the level, as its rows are. */
static rb_problem of_level(rb_check_level level, rb_problem shape) {
    shape.bias = level == RB_LEVEL_EXACT;
    shape.bn = level != RB_LEVEL_EXACT;
    return shape;
}

static rb_status add_imagenet(rb_check_level level, bool quick, rb_problem_list *list,
                              rb_error *err) {
    static const int64_t batches[] = {1, 3};
    rb_problem_list shapes = {0};
    rb_status status = collect(true, true, &shapes, err);
    size_t taken = 0;
    for (size_t i = 0; status == RB_OK && i < shapes.count; i++) {
        const rb_listed_problem *shape = &shapes.items[i];
        if (quick && !is_quick_shape(&shape->problem))
            continue;
        for (size_t v = 0; status == RB_OK && v < 2 * STEPS; v++) {
            if (quick && v != taken % (2 * STEPS))
                continue;
            rb_problem problem = of_level(level, shape->problem);
            problem.batch = batches[v / STEPS];
            problem.add = steps[v % STEPS].add;
            problem.relu = steps[v % STEPS].relu;
            status = append(list, &problem, shape->why, shape->multiplicity, err);
        }
        taken++;
    }
    rb_problem_list_release(&shapes);
    return status;
}

static rb_status add_cifar(rb_check_level level, rb_problem_list *list, rb_error *err) {
    rb_problem_list shapes = {0};
    rb_status status = collect(false, false, &shapes, err);
    for (size_t i = 0; status == RB_OK && i < shapes.count; i++) {
        rb_problem problem = of_level(level, shapes.items[i].problem);
        problem.batch = 3;
        status = append(list, &problem, shapes.items[i].why, 0, err);
    }
    rb_problem_list_release(&shapes);
    return status;
}

/* The steps go round, so that every kind of shape meets some of each. */
static rb_status add_awkward(rb_check_level level, bool quick, rb_problem_list *list,
                             rb_error *err) {
    rb_status status = RB_OK;
    rb_problem problem;
    for (size_t i = 0; status == RB_OK && i < sizeof convolutions / sizeof convolutions[0]; i++) {
        if (quick && !convolutions[i].quick)
            continue;
        status = rb_problem_parse(convolutions[i].text, &problem, err);
        problem = of_level(level, problem);
        for (size_t s = 0; status == RB_OK && s < STEPS; s++) {
            if (quick && s != i % STEPS)
                continue;
            problem.add = steps[s].add;
            problem.relu = steps[s].relu;
            status = append(list, &problem, convolutions[i].why, 0, err);
        }
    }
    for (size_t i = 0; status == RB_OK && i < sizeof others / sizeof others[0]; i++) {
        if (quick && !others[i].quick)
            continue;
        status = rb_problem_parse(others[i].text, &problem, err);
        if (status == RB_OK)
            status = append(list, &problem, others[i].why, 0, err);
    }
    return status;
}

rb_status rb_problem_list_create(rb_check_level level, bool quick, rb_problem_list *list,
                                 rb_error *err) {
    *list = (rb_problem_list){0};
    rb_status status = add_imagenet(level, quick, list, err);
    if (status == RB_OK && !quick)
        status = add_cifar(level, list, err);
    if (status == RB_OK)
        status = add_awkward(level, quick, list, err);
    if (status != RB_OK)
        rb_problem_list_release(list);
    return status;
}

void rb_problem_list_release(rb_problem_list *list) {
    free(list->items);
    *list = (rb_problem_list){0};
}
