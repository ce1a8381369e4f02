#include "profile/profile.h"

#include <math.h>
#include <string.h>

#include "bench/bandwidth.h"
#include "bench/peak.h"
#include "loaders/weights_file.h"
#include "model/graph_build.h"
#include "model/graph_cost.h"
#include "profile/work.h"

void rb_profile_tell(const rb_profile_work *work, double share, const char *what) {
    if (work->plan->on_progress)
        work->plan->on_progress(work->plan->ctx, share, what);
}

static rb_status build_graph(const rb_profile_plan *plan, rb_graph **graph, rb_error *err) {
    const rb_case_spec *spec = &plan->spec;
    rb_weights_info info;
    const rb_status status = rb_weights_read_info(spec->weights, &info, err);
    if (status != RB_OK)
        return status;
    const rb_graph_shape shape =
        rb_weights_graph_shape(&info, spec->batch, spec->height, spec->width);
    return rb_graph_create(plan->network, &shape, graph, err);
}

static const char *op_name(rb_op op) {
    static const char *const names[] = {
        [RB_OP_CONV] = "conv", [RB_OP_MAXPOOL] = "maxpool",   [RB_OP_AVGPOOL] = "avgpool",
        [RB_OP_FC] = "fc",     [RB_OP_SHORTCUT] = "shortcut",
    };
    return names[op];
}

/* layer1 of layer1.0.conv1. */
static void name_stage(const rb_graph *graph, int32_t index, char *stage, size_t capacity) {
    const char *name = graph->nodes[index].name, *dot = strchr(name, '.');
    bool staged_before = false;
    for (int32_t i = 0; i < index; i++)
        staged_before = staged_before || strchr(graph->nodes[i].name, '.');
    if (dot)
        snprintf(stage, capacity, "%.*s", (int)(dot - name), name);
    else
        snprintf(stage, capacity, "%s", staged_before ? "head" : "stem");
}

/* What is known of a node before anybody runs it. */
static void describe(const rb_graph *graph, int32_t index, rb_profile_line *line) {
    const rb_node *n = &graph->nodes[index];
    const rb_problem problem = rb_problem_of_node(graph, index);
    const rb_node_traffic traffic = rb_node_compulsory_traffic(graph, n);
    snprintf(line->name, sizeof line->name, "%s", n->name);
    if (n->op == RB_OP_CONV)
        snprintf(line->op, sizeof line->op, "conv %lldx%lld", (long long)n->kh, (long long)n->kw);
    else
        snprintf(line->op, sizeof line->op, "%s", op_name(n->op));
    name_stage(graph, index, line->stage, sizeof line->stage);
    snprintf(line->shape, sizeof line->shape, "%lldx%lldx%lld", (long long)n->oc, (long long)n->oh,
             (long long)n->ow);
    rb_problem_format(&problem, line->problem);
    line->macs = rb_node_macs(graph, n);
    line->weight_bytes = traffic.weight_bytes;
    line->src_bytes = traffic.src_bytes;
    line->dst_bytes = traffic.dst_bytes;
    line->addend_bytes = traffic.addend_bytes;
}

static rb_status start(const rb_profile_plan *plan, const rb_graph *graph, rb_profile *profile,
                       rb_error *err) {
    const rb_status status = rb_profile_create(plan->engine_count, graph->node_count, profile, err);
    if (status != RB_OK)
        return status;
    snprintf(profile->network, sizeof profile->network, "%s", graph->name);
    snprintf(profile->weights_sha256, sizeof profile->weights_sha256, "%s", plan->weights_sha256);
    snprintf(profile->input, sizeof profile->input, "%s", plan->inputs->label);
    profile->batch = graph->batch;
    profile->height = graph->height;
    profile->width = graph->width;
    profile->threads = plan->spec.threads;
    profile->alone = plan->alone;
    for (size_t e = 0; e < plan->engine_count; e++) {
        rb_profile_engine *engine = &profile->engines[e];
        snprintf(engine->name, sizeof engine->name, "%s", plan->engines[e].label);
        snprintf(engine->sha256, sizeof engine->sha256, "%s", plan->engines[e].sha256);
        for (int32_t i = 0; i < graph->node_count; i++)
            describe(graph, i, &engine->nodes[i]);
    }
    return RB_OK;
}

/* The best of all looks counts: on a machine that is shared one is not enough. */
static rb_status look_at_machine(const rb_profile_plan *plan, rb_profile *profile, rb_roof *roof,
                                 rb_error *err) {
    rb_peak peak;
    double bandwidth;
    rb_status status = rb_peak_measure(plan->spec.threads, &peak, err);
    if (status == RB_OK)
        status = rb_bandwidth_measure(plan->spec.threads, &bandwidth, err);
    if (status != RB_OK)
        return status;
    if (!(peak.gmacs_per_second <= roof->peak_gmacs)) {
        roof->peak_gmacs = peak.gmacs_per_second;
        snprintf(profile->peak_isa, sizeof profile->peak_isa, "%s", peak.isa);
    }
    roof->bandwidth = fmax(roof->bandwidth, bandwidth);
    return RB_OK;
}

static rb_status measure(rb_profile_work *work, rb_roof *roof, rb_error *err) {
    const rb_profile_plan *plan = work->plan;
    rb_truth truth = {0};
    work->truth = &truth;
    rb_profile_tell(work, 0, "weights, oracle, reference");
    rb_status status = look_at_machine(plan, work->profile, roof, err);
    if (status == RB_OK)
        status = rb_truth_compute(&plan->worker, &plan->spec, plan->inputs, &truth, err);
    if (status == RB_OK)
        status = rb_profile_network(work, err);
    if (status == RB_OK && plan->alone)
        status = rb_profile_alone(work, err);
    if (status == RB_OK && !plan->quick)
        status = look_at_machine(plan, work->profile, roof, err);
    rb_truth_release(&truth);
    return status;
}

rb_status rb_profile_make(const rb_profile_plan *plan, rb_profile *profile, rb_error *err) {
    rb_graph *graph;
    rb_roof roof = {.peak_gmacs = NAN, .bandwidth = NAN};
    *profile = (rb_profile){0};
    rb_status status = build_graph(plan, &graph, err);
    if (status != RB_OK)
        return status;
    status = start(plan, graph, profile, err);
    if (status == RB_OK)
        status = measure(&(rb_profile_work){.plan = plan, .graph = graph, .profile = profile},
                         &roof, err);
    profile->complete = status == RB_OK;
    rb_profile_finish(profile, &roof);
    rb_graph_destroy(graph);
    return status;
}
