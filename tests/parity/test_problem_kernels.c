/* test_problem_kernels NETWORK BATCH: a node of a network, posed to onednn as a problem of its own,
 * runs the kernel that the network runs there. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"
#include "engine_fixture.h"
#include "model/problem.h"

#define THREADS 2

static const char *network_name;
static int64_t batch;

/* The kernel's name without what says that values were brought into its layouts. */
static void kernel_of(const rb_engine *engine, const rb_session *session, int32_t node,
                      char *kernel, size_t capacity) {
    snprintf(kernel, capacity, "%s", engine->kernel(session, node));
    kernel[strcspn(kernel, " ")] = '\0';
}

static rb_session *open_graph(const rb_engine *engine, const rb_test_host *host,
                              const rb_graph *graph, rb_test_weights **weights) {
    rb_session *session;
    rb_error err = {""};
    *weights = rb_test_weights_create(graph, 1);
    if (rb_test_open(engine, host, graph, &(*weights)->weights, &session, &err) != RB_OK)
        fail_msg("%s", err.message);
    return session;
}

static void every_problem_runs_the_networks_kernel(void **state) {
    (void)state;
    const rb_engine *engine = rb_test_engine("onednn");
    rb_test_graph *network = rb_test_graph_create(network_name, batch, 0, 0);
    rb_test_host host, other;
    rb_test_weights *weights, *problem_weights;
    int differing = 0;
    rb_test_host_init(&host, THREADS);
    rb_session *session = open_graph(engine, &host, &network->graph, &weights);
    for (int32_t i = 0; i < network->graph.node_count; i++) {
        const rb_problem problem = rb_problem_of_node(&network->graph, i);
        char expected[128], found[128], text[RB_PROBLEM_CAPACITY];
        rb_graph *graph;
        rb_error err = {""};
        if (rb_problem_graph_create(&problem, &graph, &err) != RB_OK)
            fail_msg("%s", err.message);
        rb_test_host_init(&other, THREADS);
        rb_session *alone = open_graph(engine, &other, graph, &problem_weights);
        kernel_of(engine, session, i, expected, sizeof expected);
        kernel_of(engine, alone, 0, found, sizeof found);
        rb_problem_format(&problem, text);
        if (strcmp(found, expected) != 0) {
            print_message("%s, %s: %s in the network, %s alone\n", network->nodes[i].name, text,
                          expected, found);
            differing++;
        }
        engine->close(alone);
        rb_test_weights_destroy(problem_weights);
        rb_problem_graph_destroy(graph);
    }
    engine->close(session);
    rb_test_weights_destroy(weights);
    rb_test_graph_destroy(network);
    assert_int_equal(differing, 0);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return EXIT_FAILURE;
    network_name = argv[1];
    batch = atoll(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_problem_runs_the_networks_kernel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
