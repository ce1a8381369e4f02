/* test_refusals ENGINE: what open must refuse, before it takes any memory. A graph that passes must
 * not make an engine leave its buffers, so each field is spoilt in turn. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"

#define BATCH 3
#define HEIGHT 40 /* leaves 2x2 before the average pool */
#define WIDTH 36

static const rb_engine *engine;
static rb_test_graph *graph;
static rb_test_weights *weights;

static int set_up(void **state) {
    (void)state;
    graph = rb_test_graph_create("resnet18", BATCH, HEIGHT, WIDTH);
    weights = rb_test_weights_create(&graph->graph, 2);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rb_test_graph_destroy(graph);
    rb_test_weights_destroy(weights);
    return 0;
}

/* open must refuse with UNSUPPORTED and name both numbers. */
static void refused(const rb_host *host, const rb_options *options, const char *found,
                    const char *known) {
    rb_error err = {""};
    rb_session *session = (rb_session *)&err;
    assert_int_equal(
        engine->open(engine, host, &graph->graph, &weights->weights, options, &session, &err),
        RB_ERR_UNSUPPORTED);
    assert_null(session);
    assert_non_null(strstr(err.message, found));
    assert_non_null(strstr(err.message, known));
}

static void requests_it_cannot_meet_are_refused(void **state) {
    (void)state;
    rb_test_host host;
    rb_test_host_init(&host, 1);
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    char size[32];
    rb_host other = host.host;
    other.abi = 47;
    refused(&other, &options, "ABI 47", "ABI 1");
    other = host.host;
    other.size = 1234;
    snprintf(size, sizeof size, "%zu", sizeof other);
    refused(&other, &options, "1234", size);
    other = host.host;
    other.threads = 0;
    refused(&other, &options, "0", "1");
    rb_options changed = options;
    changed.size = 1234;
    snprintf(size, sizeof size, "%zu", sizeof changed);
    refused(&host.host, &changed, "1234", size);
    changed = options;
    changed.dtype = RB_F64;
    refused(&host.host, &changed, "2", "1");
    changed = options;
    changed.mode = RB_MODE_TRAINING;
    refused(&host.host, &changed, "2", "1");
    assert_int_equal(host.allocations, 0);
}

/* The same of graph and weights. */
static void refused_structs(const rb_graph *g, const rb_weights *w, const char *found,
                            const char *known) {
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_test_host host;
    rb_error err = {""};
    rb_session *session = (rb_session *)&err;
    rb_test_host_init(&host, 1);
    assert_int_equal(engine->open(engine, &host.host, g, w, &options, &session, &err),
                     RB_ERR_UNSUPPORTED);
    assert_null(session);
    if (!strstr(err.message, found) || !strstr(err.message, known))
        fail_msg("'%s' does not say '%s' and '%s'", err.message, found, known);
    assert_int_equal(host.allocations, 0);
}

static void structs_of_another_size_are_refused(void **state) {
    (void)state;
    char size[32];
    rb_graph g = graph->graph;
    g.size = 1234;
    snprintf(size, sizeof size, "%zu", sizeof g);
    refused_structs(&g, &weights->weights, "rb_graph of 1234", size);
    rb_weights w = weights->weights;
    w.size = 12;
    snprintf(size, sizeof size, "%zu", sizeof w);
    refused_structs(&graph->graph, &w, "rb_weights of 12", size);
}

/* Every reserved member in turn: what is not 0 asks for something newer. */
static void reserved_members_are_refused(void **state) {
    (void)state;
    static const char version[] = "version 1";
    rb_test_host host;
    rb_test_host_init(&host, 1);
    const rb_options options = {.size = sizeof options, .dtype = RB_F32, .mode = RB_MODE_INFERENCE};
    rb_host other = host.host;
    other.reserved = 1;
    refused(&other, &options, "rb_host", version);
    for (size_t i = 0; i < sizeof other.reserved_members / sizeof other.reserved_members[0]; i++) {
        other = host.host;
        other.reserved_members[i] = &host;
        refused(&other, &options, "rb_host", version);
    }
    for (size_t i = 0; i < sizeof options.reserved / sizeof options.reserved[0]; i++) {
        rb_options changed = options;
        changed.reserved[i] = 1;
        refused(&host.host, &changed, "rb_options", version);
    }
    assert_int_equal(host.allocations, 0);
    rb_graph g = graph->graph;
    g.reserved = 1;
    refused_structs(&g, &weights->weights, "rb_graph", version);
    rb_weights w = weights->weights;
    w.reserved = 1;
    refused_structs(&graph->graph, &w, "rb_weights", version);
    static const char *const names[] = {"conv1", "layer3.1.conv2", "fc"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        rb_node *n = rb_test_node(graph, names[k]);
        for (size_t i = 0; i < sizeof n->reserved / sizeof n->reserved[0]; i++) {
            n->reserved[i] = i % 2 ? -1 : 1;
            refused_structs(&graph->graph, &weights->weights, names[k], version);
            n->reserved[i] = 0;
        }
        n->relu += 2;
        refused_structs(&graph->graph, &weights->weights, names[k], version);
        n->relu -= 2;
    }
}

static void operations_of_later_headers_are_refused(void **state) {
    (void)state;
    rb_node *n = rb_test_node(graph, "layer3.1.conv2");
    for (int i = 0; i < 2; i++) {
        n->op = i ? (rb_op)47 : (rb_op)0;
        refused_structs(&graph->graph, &weights->weights, i ? "operation 47" : "operation 0",
                        "1 to 5");
    }
    n->op = RB_OP_CONV;
}

/* open must refuse the graph as it is now: status INPUT, or MEMORY when a size is absurd. name:
 * the node that the sentence must name, or NULL. */
static void refuses(const char *name, bool absurd) {
    rb_test_host host;
    rb_error err = {""};
    rb_session *session = (rb_session *)&err;
    rb_test_host_init(&host, 1);
    const rb_status status =
        rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err);
    if (status != RB_ERR_INPUT && !(absurd && status == RB_ERR_MEMORY))
        fail_msg("status %d for a graph that contradicts itself: %s", (int)status, err.message);
    assert_null(session);
    if (name && !strstr(err.message, name))
        fail_msg("the refusal does not name %s: %s", name, err.message);
    assert_true(strlen(err.message) > 0);
    assert_int_equal(host.allocations, 0);
}

/* Spoils one field, expects a refusal, and puts it back. */
static void contradiction(const char *name, int64_t *field, int64_t value) {
    const int64_t kept = *field;
    *field = value;
    refuses(name, value > INT32_MAX);
    *field = kept;
}

/* The same for a reference to a value or a tensor. */
static void dangling(const char *name, int32_t *field, int32_t value) {
    const int32_t kept = *field;
    *field = value;
    refuses(name, false);
    *field = kept;
}

static void contradictory_shapes_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"conv1", "maxpool", "layer2.0.conv1", "avgpool", "fc"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        rb_node *n = rb_test_node(graph, names[k]);
        int64_t *const fields[] = {&n->ic,         &n->ih,       &n->iw,      &n->oc,
                                   &n->oh,         &n->ow,       &n->kh,      &n->kw,
                                   &n->stride_h,   &n->stride_w, &n->pad_top, &n->pad_left,
                                   &n->pad_bottom, &n->pad_right};
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            contradiction(names[k], fields[i], -1);
            contradiction(names[k], fields[i], INT64_MAX);
            contradiction(names[k], fields[i], INT64_MIN);
        }
        contradiction(names[k], &n->kh, 9);
        contradiction(names[k], &n->kw, 9);
        contradiction(names[k], &n->oh, n->oh + 1);
        contradiction(names[k], &n->ow, n->ow + 1);
        contradiction(names[k], &n->oc, n->oc + 1);
        contradiction(names[k], &n->pad_bottom, n->pad_bottom + 64);
    }
    rb_graph *const g = &graph->graph;
    int64_t *const extents[] = {&g->batch, &g->channels, &g->height, &g->width, &g->classes};
    for (size_t i = 0; i < sizeof extents / sizeof extents[0]; i++) {
        contradiction(NULL, extents[i], 0);
        contradiction(NULL, extents[i], -1);
        contradiction(NULL, extents[i], INT64_MAX);
    }
    contradiction(NULL, &g->classes, 10);
    contradiction(NULL, &g->classes, g->classes + 1);
    contradiction(NULL, &g->height, HEIGHT + 1);
    dangling(NULL, &g->node_count, 0);
}

static void dangling_references_are_refused(void **state) {
    (void)state;
    rb_node *n = rb_test_node(graph, "layer2.0.conv2");
    const rb_node *other = rb_test_node(graph, "layer4.1.conv1");
    const int32_t index = (int32_t)(n - graph->nodes), count = graph->graph.tensor_count;
    const int32_t wrong_values[] = {index,     index + 1, graph->graph.node_count, 0, -3,
                                    INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof wrong_values / sizeof wrong_values[0]; i++) {
        dangling(n->name, &n->src, wrong_values[i]);
        dangling(n->name, &n->add, wrong_values[i]);
    }
    dangling(n->name, &n->src, RB_NONE);
    dangling(n->name, &n->add, RB_VALUE_INPUT);
    int32_t *const tensors[] = {&n->wei,     &n->bn_weight, &n->bn_bias,
                                &n->bn_mean, &n->bn_var,    &n->bia};
    /* Out of range, and another layer's: of another size in either direction. */
    const int32_t wrong_tensors[] = {count,      INT32_MAX,        INT32_MIN, -1,
                                     other->wei, other->bn_weight, 0,         1};
    for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++) {
        for (size_t i = 0; i < sizeof wrong_tensors / sizeof wrong_tensors[0]; i++)
            dangling(n->name, tensors[t], wrong_tensors[i]);
        if (*tensors[t] != RB_NONE)
            dangling(n->name, tensors[t], RB_NONE); /* all four of batch norm, or none */
    }
}

/* The second input is there for the last node alone, to be added. */
static void a_misplaced_addend_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"conv1", "layer2.0.conv2", "layer4.1.conv2", "avgpool"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        rb_node *n = rb_test_node(graph, names[k]);
        dangling(names[k], &n->add, RB_VALUE_ADDEND);
        dangling(names[k], &n->src, RB_VALUE_ADDEND);
    }
    dangling("fc", &rb_test_node(graph, "fc")->src, RB_VALUE_ADDEND);
}

static void misplaced_parameters_are_refused(void **state) {
    (void)state;
    rb_node *fc = rb_test_node(graph, "fc"), *average = rb_test_node(graph, "avgpool");
    rb_node *pool = rb_test_node(graph, "maxpool"), *first = rb_test_node(graph, "conv1");
    dangling("fc", &fc->wei, first->wei);
    dangling("fc", &fc->wei, RB_NONE);
    dangling("fc", &fc->bia, first->bn_weight);
    dangling("fc", &fc->bia, graph->graph.tensor_count);
    rb_node *const plain[] = {fc, average, pool};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const rb_node kept = *plain[i];
        plain[i]->bn_weight = plain[i]->bn_bias = plain[i]->bn_mean = plain[i]->bn_var =
            i == 0 ? fc->bia : first->bn_weight;
        refuses(plain[i]->name, false);
        *plain[i] = kept;
    }
    dangling("maxpool", &pool->wei, first->wei);
    dangling("maxpool", &pool->wei, graph->graph.tensor_count);
    dangling("avgpool", &average->bia, first->bn_weight);
    /* FC on a plane of more than a pixel, with either idea of what its kernel is. */
    const rb_node kept = *fc;
    assert_true(average->ih > 1 && average->iw > 1);
    fc->src = average->src;
    fc->ih = average->ih;
    fc->iw = average->iw;
    refuses("fc", false);
    fc->kh = average->ih;
    fc->kw = average->iw;
    refuses("fc", false);
    *fc = kept;
}

static void misshapen_tensors_are_refused(void **state) {
    (void)state;
    const rb_tensor_desc *origin = graph->graph.tensors;
    const size_t bytes = (size_t)graph->graph.tensor_count * sizeof *origin;
    rb_tensor_desc *tensors = rb_test_alloc(bytes);
    memcpy(tensors, origin, bytes);
    graph->graph.tensors = tensors;
    static const char *const names[] = {"layer3.0.conv1", "layer4.1.conv2", "fc"};
    const int32_t spoilt[] = {rb_test_node(graph, names[0])->wei,
                              rb_test_node(graph, names[1])->bn_var,
                              rb_test_node(graph, names[2])->wei};
    for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
        rb_tensor_desc *tensor = &tensors[spoilt[i]];
        dangling(names[i], &tensor->ndim, 0);
        dangling(names[i], &tensor->ndim, RB_MAX_DIMS + 1);
        dangling(names[i], &tensor->ndim, -1);
        contradiction(names[i], &tensor->dims[0], tensor->dims[0] - 1);
        contradiction(names[i], &tensor->dims[0], -tensor->dims[0]);
        contradiction(names[i], &tensor->dims[0], INT64_MAX);
        tensor->reserved = 1;
        refused_structs(&graph->graph, &weights->weights, names[i], "version 1");
        tensor->reserved = 0;
    }
    graph->graph.tensors = origin;
    rb_test_free(tensors);
}

/* In a graph of its own: what makes a shortcut more, or less, than every so many pixels and zero
 * channels. */
static void malformed_shortcuts_are_refused(void **state) {
    (void)state;
    static const char name[] = "layer2.0.shortcut";
    rb_test_graph *const kept_graph = graph;
    graph = rb_test_graph_create("resnet20", BATCH, HEIGHT, WIDTH);
    rb_node *n = rb_test_node(graph, name), *sum = rb_test_node(graph, "layer2.0.conv2");
    const rb_node kept = *n, kept_sum = *sum;
    int64_t *const fields[] = {&n->ic,         &n->ih,       &n->iw,      &n->oc,
                               &n->oh,         &n->ow,       &n->kh,      &n->kw,
                               &n->stride_h,   &n->stride_w, &n->pad_top, &n->pad_left,
                               &n->pad_bottom, &n->pad_right};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        contradiction(name, fields[i], -1);
        contradiction(name, fields[i], INT64_MAX);
        contradiction(name, fields[i], INT64_MIN);
    }
    n->kh = n->kw = 2; /* the shape is the same again */
    refuses(name, false);
    *n = kept;
    n->pad_bottom = n->pad_right = 1;
    refuses(name, false);
    *n = kept;
    n->oc = n->ic - 1; /* fewer channels, and who adds them agrees */
    sum->oc = n->oc;
    refuses(name, false);
    *n = kept;
    *sum = kept_sum;
    dangling(name, &n->wei, sum->wei);
    dangling(name, &n->bia, sum->bn_bias);
    n->bn_weight = n->bn_bias = n->bn_mean = n->bn_var = sum->bn_bias;
    refuses(name, false);
    *n = kept;
    dangling(name, &n->src, (int32_t)(n - graph->nodes));
    rb_test_graph_destroy(graph);
    graph = kept_graph;
}

/* Last: what was spoilt above is whole again, so that the refusals were of the spoilt place. */
static void the_graph_itself_is_accepted(void **state) {
    (void)state;
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    rb_test_host_init(&host, 1);
    assert_int_equal(rb_test_open(engine, &host, &graph->graph, &weights->weights, &session, &err),
                     RB_OK);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return EXIT_FAILURE;
    engine = rb_test_engine(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_it_cannot_meet_are_refused),
        cmocka_unit_test(structs_of_another_size_are_refused),
        cmocka_unit_test(reserved_members_are_refused),
        cmocka_unit_test(operations_of_later_headers_are_refused),
        cmocka_unit_test(contradictory_shapes_are_refused),
        cmocka_unit_test(dangling_references_are_refused),
        cmocka_unit_test(a_misplaced_addend_is_refused),
        cmocka_unit_test(misplaced_parameters_are_refused),
        cmocka_unit_test(misshapen_tensors_are_refused),
        cmocka_unit_test(malformed_shortcuts_are_refused),
        cmocka_unit_test(the_graph_itself_is_accepted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
