#include "check/recorded_each.h"

#include <stdlib.h>

#include "bench/weights_source.h"
#include "check/problem_jobs.h"
#include "check/recorded.h"
#include "check/truth.h"
#include "model/graph_cost.h"

/* Problems that have been visited. */
typedef struct seen {
    rb_problem *items;
    size_t count, capacity;
} seen;

static bool is_among(const rb_problem *problem, const rb_problem *items, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rb_problem_equal(&items[i], problem))
            return true;
    return false;
}

/* Whether the plan asks for the problem, and nobody has so far. */
static bool is_new(const rb_check_plan *plan, const seen *s, const rb_problem *problem) {
    return !(plan->conv_only && problem->op != RB_OP_CONV) &&
           !(plan->problem_count > 0 && !is_among(problem, plan->problems, plan->problem_count)) &&
           !is_among(problem, s->items, s->count);
}

static rb_status remember(seen *s, const rb_problem *problem, rb_error *err) {
    if (s->count == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 64;
        rb_problem *items = realloc(s->items, capacity * sizeof *items);
        if (!items)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu problems", capacity);
        s->items = items;
        s->capacity = capacity;
    }
    s->items[s->count++] = *problem;
    return RB_OK;
}

/* One image; a problem that is asked for by name says how many. */
static int64_t batch_of(const rb_check_plan *plan) {
    return plan->problem_count > 0 ? plan->problems[0].batch : 1;
}

static bool has_new(const rb_check_plan *plan, const seen *s, const rb_graph *graph) {
    for (int32_t node = 0; node < graph->node_count; node++) {
        const rb_problem problem = rb_problem_of_node(graph, node);
        if (is_new(plan, s, &problem))
            return true;
    }
    return false;
}

static rb_status load_input(const rb_check_plan *plan, const rb_network *network,
                            const char *weights, const rb_weights_info *info, rb_inputs *inputs,
                            rb_error *err) {
    const rb_inputs_request request = {.images = plan->images,
                                       .least = batch_of(plan),
                                       .limit = batch_of(plan),
                                       .height = plan->height,
                                       .width = plan->width,
                                       .size = network->size,
                                       .resize = RB_RESIZE_STORED,
                                       .seed = plan->seed,
                                       .weights = weights,
                                       .preprocessing = info->preprocessing};
    return rb_inputs_make(&request, inputs, err);
}

static rb_status visit_node(const rb_recorded_visitor *visitor, const rb_recording *recording,
                            int32_t node, rb_error *err) {
    char where[128];
    rb_problem problem;
    rb_operands operands;
    rb_status status = rb_recording_problem(recording, node, &problem, &operands, err);
    if (status != RB_OK)
        return status;
    snprintf(where, sizeof where, "%s/%s", recording->source.graph->name,
             recording->source.graph->nodes[node].name);
    status = visitor->visit(visitor->ctx, where, &problem, &operands, err);
    rb_operands_release(&operands);
    return status;
}

static rb_status visit_network(const rb_check_plan *plan, const rb_network *network,
                               const rb_recorded_visitor *visitor, seen *s, rb_error *err) {
    char weights[RB_PATH_CAPACITY];
    rb_weights_info info = {.network = ""};
    const rb_worker_options own = rb_own_worker(&plan->worker);
    rb_inputs inputs = {0};
    rb_graph *graph = NULL;
    rb_recording recording = {0};
    rb_status status = rb_weights_source(plan->weights, network, plan->seed, weights, &info, err);
    if (status == RB_OK)
        status = load_input(plan, network, weights, &info, &inputs, err);
    const rb_graph_shape shape =
        rb_weights_graph_shape(&info, batch_of(plan), inputs.height, inputs.width);
    if (status == RB_OK)
        status = rb_graph_create(network, &shape, &graph, err);
    if (status == RB_OK && has_new(plan, s, graph)) {
        const rb_case_spec spec = {.network = network->name,
                                   .weights = weights,
                                   .batch = graph->batch,
                                   .height = inputs.height,
                                   .width = inputs.width,
                                   .classes = graph->classes,
                                   .threads = plan->threads};
        visitor->begin(visitor->ctx, network->name, (double)rb_graph_macs(graph));
        status = rb_recording_make(&own, &spec, &inputs, &recording, err);
        for (int32_t node = 0; status == RB_OK && node < graph->node_count; node++) {
            const rb_problem problem = rb_problem_of_node(graph, node);
            if (!is_new(plan, s, &problem))
                continue;
            status = remember(s, &problem, err);
            if (status == RB_OK)
                status = visit_node(visitor, &recording, node, err);
        }
    }
    rb_recording_release(&recording);
    rb_graph_destroy(graph);
    rb_inputs_release(&inputs);
    return status;
}

rb_status rb_recorded_each(const rb_check_plan *plan, const rb_recorded_visitor *visitor,
                           rb_error *err) {
    seen s = {0};
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < plan->network_count; i++)
        status = visit_network(plan, plan->networks[i], visitor, &s, err);
    for (size_t i = 0; status == RB_OK && i < plan->problem_count; i++)
        if (is_new(plan, &s, &plan->problems[i]))
            status = visitor->absent(visitor->ctx, &plan->problems[i], err);
    free(s.items);
    return status;
}

double rb_recorded_work(const rb_check_plan *plan) {
    seen s = {0};
    double work = 0;
    for (size_t i = 0; i < plan->network_count; i++) {
        rb_graph *graph;
        const rb_graph_shape shape = {
            .batch = batch_of(plan), .height = plan->height, .width = plan->width};
        if (rb_graph_create(plan->networks[i], &shape, &graph, NULL) != RB_OK)
            continue;
        if (has_new(plan, &s, graph))
            work += (double)rb_graph_macs(graph);
        for (int32_t node = 0; node < graph->node_count; node++) {
            const rb_problem problem = rb_problem_of_node(graph, node);
            if (is_new(plan, &s, &problem) && remember(&s, &problem, NULL) == RB_OK)
                work += rb_problem_work(&problem);
        }
        rb_graph_destroy(graph);
    }
    free(s.items);
    return work;
}
