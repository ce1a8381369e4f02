/* test_problem_kernels kernels|values NETWORK BATCH: a node of a network, posed to onednn as a
 * problem of its own, runs the kernel that the network runs there; and it is right. */
#include <stdlib.h>
#include <string.h>

#include "bench/remote_problem.h"
#include "check/figures.h"
#include "cmocka_includes.h"
#include "engine_fixture.h"

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

static const char *path_of(const char *engine) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s.so", RESBENCH_ENGINE_DIR, engine);
    return path;
}

/* Fails the test unless onednn is within the bound of the level operation on seeded operands. */
static rb_status judge(rb_worker *worker, const rb_problem *p, rb_error *err) {
    rb_operands operands;
    rb_problem_truth truth = {0};
    rb_remote_problem_facts facts;
    double *dst = rb_test_alloc((size_t)rb_problem_dst_elements(p) * sizeof *dst);
    rb_status status = rb_operands_seeded(p, 1, &operands, err);
    if (status == RB_OK)
        status =
            rb_problem_truth_compute(worker, path_of("oracle"), p, &operands, THREADS, &truth, err);
    const rb_case_problem spec = {.engine_path = path_of("onednn"),
                                  .problem = *p,
                                  .tensors = operands.tensors,
                                  .tensor_bytes =
                                      (size_t)rb_problem_tensor_elements(p) * sizeof(float),
                                  .epsilon = operands.epsilon,
                                  .threads = THREADS,
                                  .guard = RB_GUARD_PAGE_BEHIND};
    if (status == RB_OK)
        status = rb_remote_problem_open(worker, &spec, &facts, err);
    if (status == RB_OK)
        status = rb_remote_problem_input(worker, p, operands.src, operands.addend, err);
    if (status == RB_OK)
        status = rb_remote_problem_run(worker, p, &facts, dst, err);
    if (status == RB_OK) {
        char note[256], text[RB_PROBLEM_CAPACITY];
        const rb_check_figures f = rb_figures_compare(p, &truth, facts.algorithm, dst);
        rb_problem_format(p, text);
        if (rb_figures_judge_operation(&f, note, sizeof note) != RB_VERDICT_PASS)
            fail_msg("%s: %s", text, note);
    }
    rb_operands_release(&operands);
    rb_problem_truth_release(&truth);
    rb_test_free(dst);
    return status;
}

static bool is_repeated(const rb_graph *graph, int32_t node) {
    const rb_problem problem = rb_problem_of_node(graph, node);
    for (int32_t i = 0; i < node; i++) {
        const rb_problem other = rb_problem_of_node(graph, i);
        if (rb_problem_equal(&other, &problem))
            return true;
    }
    return false;
}

static void every_problem_is_right(void **state) {
    (void)state;
    const rb_worker_options options = {.in_process = true, .timeout_seconds = 60};
    rb_test_graph *network = rb_test_graph_create(network_name, batch, 0, 0);
    rb_worker *worker;
    rb_error err = {""};
    assert_int_equal(rb_worker_start(&options, &worker, &err), RB_OK);
    for (int32_t i = 0; i < network->graph.node_count; i++) {
        const rb_problem problem = rb_problem_of_node(&network->graph, i);
        if (!is_repeated(&network->graph, i) && judge(worker, &problem, &err) != RB_OK)
            fail_msg("%s: %s", network->nodes[i].name, err.message);
    }
    rb_worker_stop(worker);
    rb_test_graph_destroy(network);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return EXIT_FAILURE;
    network_name = argv[2];
    batch = atoll(argv[3]);
    const struct CMUnitTest kernels[] = {cmocka_unit_test(every_problem_runs_the_networks_kernel)};
    const struct CMUnitTest values[] = {cmocka_unit_test(every_problem_is_right)};
    return strcmp(argv[1], "values") == 0 ? cmocka_run_group_tests(values, NULL, NULL)
                                          : cmocka_run_group_tests(kernels, NULL, NULL);
}
