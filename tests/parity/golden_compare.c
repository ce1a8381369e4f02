#include "golden_compare.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_includes.h"

rb_test_graph *rb_golden_graph(const rb_golden *golden, const char *variant) {
    char name[RB_GOLDEN_NAME + 8];
    snprintf(name, sizeof name, "%s%s", golden->network, variant);
    return rb_test_graph_build(name, &(rb_graph_shape){.batch = golden->batch,
                                                       .height = golden->height,
                                                       .width = golden->width,
                                                       .conv_bias = golden->conv_bias});
}

typedef struct rb_comparison {
    const rb_graph *graph;
    const rb_golden *golden;
    rb_golden_tamper tamper;
    bool *seen; /* [module_count] */
    rb_golden_score *score;
} rb_comparison;

double rb_relative_l2(const double *found, const double *expected, int64_t count) {
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(found[i]))
            return INFINITY;
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return count > 0 && norm > 0 ? sqrt(difference / norm) : INFINITY;
}

/* |found - expected| in units of scale; where that is 0, absolutely. */
static double scaled(double found, double expected, double scale) {
    const double difference = fabs(found - expected);
    return scale > 0 ? difference / scale : difference;
}

static void note(rb_golden_score *score, const char *module, const char *what, double error) {
    if (error <= score->module_error)
        return;
    score->module_error = isnan(error) ? INFINITY : error;
    snprintf(score->worst, sizeof score->worst, "%s (%s)", module, what);
}

/* Sums of one run of values, kept short so that rounding stays far below the limit. */
static double sum_of(const double *x, int64_t count, double centre, int power) {
    double total = 0;
    for (int64_t start = 0; start < count; start += 1024) {
        const int64_t end = start + 1024 < count ? start + 1024 : count;
        double part[4] = {0};
        for (int64_t i = start; i < end; i++) {
            const double d = x[i] - centre;
            part[i & 3] += power == 1 ? d : d * d;
        }
        total += (part[0] + part[1]) + (part[2] + part[3]);
    }
    return total;
}

static void compare_module(rb_golden_score *score, const rb_golden_module *m, const double *x,
                           int64_t count) {
    double absmax = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            note(score, m->name, "not finite", INFINITY);
            return;
        }
        absmax = fabs(x[i]) > absmax ? fabs(x[i]) : absmax;
    }
    const double mean = sum_of(x, count, 0, 1) / (double)count;
    note(score, m->name, "mean", scaled(mean, m->mean, m->std));
    note(score, m->name, "std",
         scaled(sqrt(sum_of(x, count, mean, 2) / (double)count), m->std, m->std));
    note(score, m->name, "l2", scaled(sqrt(sum_of(x, count, 0, 2)), m->l2, m->l2));
    note(score, m->name, "absmax", scaled(absmax, m->absmax, m->absmax));
    double difference = 0, norm = 0;
    for (int i = 0; i < RB_GOLDEN_PROBES; i++) {
        if (m->index[i] < 0 || m->index[i] >= count)
            fail_msg("the golden file probes %s outside its shape", m->name);
        const double d = x[m->index[i]] - m->value[i];
        difference += d * d;
        norm += m->value[i] * m->value[i];
    }
    /* After ReLU most probes may be 0: they are measured against as many typical values then. */
    const double typical = m->l2 * sqrt((double)RB_GOLDEN_PROBES / (double)count);
    note(score, m->name, "probes", scaled(sqrt(difference), 0, fmax(sqrt(norm), typical)));
}

/* Compares what was observed with the module called name. */
static void observe(rb_comparison *c, const char *name, const int64_t dims[4], const double *data) {
    const int64_t count = dims[0] * dims[1] * dims[2] * dims[3];
    for (int64_t i = 0; i < c->golden->module_count; i++) {
        const rb_golden_module *m = &c->golden->modules[i];
        if (strcmp(m->name, name) != 0)
            continue;
        c->score->compared += c->seen[i] ? 0 : 1;
        c->seen[i] = true;
        if (memcmp(m->dims, dims, sizeof m->dims) != 0) {
            note(c->score, name, "shape", INFINITY);
            return;
        }
        double *copy = rb_test_alloc((size_t)count * sizeof *copy);
        memcpy(copy, data, (size_t)count * sizeof *copy);
        if (c->tamper)
            c->tamper(name, copy, count);
        compare_module(c->score, m, copy, count);
        rb_test_free(copy);
        return;
    }
    c->score->unknown++;
    print_message("%s is not in the golden file\n", name);
}

static bool ends_with(const char *text, const char *suffix) {
    const size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* The value of a block's last convolution is that of its last ReLU, of the block, and after
 * the last block of a stage ("layer2.3") of the stage ("layer2"). */
static void observe_block(rb_comparison *c, int32_t index, const int64_t dims[4],
                          const double *data) {
    const rb_node *node = &c->graph->nodes[index];
    char name[RB_GOLDEN_NAME];
    snprintf(name, sizeof name, "%s.relu%s", node->value_name,
             ends_with(node->name, ".conv3") ? "++" : "+");
    observe(c, name, dims, data);
    snprintf(name, sizeof name, "%s", node->value_name);
    name[strcspn(name, ".") + 1] = '\0'; /* "layer2." */
    const char *next = index + 1 < c->graph->node_count ? c->graph->nodes[index + 1].name : "";
    if (strncmp(next, name, strlen(name)) != 0) {
        name[strlen(name) - 1] = '\0';
        observe(c, name, dims, data);
    }
}

static bool is_block(const char *value_name) {
    return strncmp(value_name, "layer", 5) == 0 && !strstr(value_name, "relu") &&
           !strstr(value_name, "downsample") && !strstr(value_name, "shortcut");
}

static void observe_stage(rb_comparison *c, int32_t index, rb_stage stage, const int64_t dims[4],
                          const double *data) {
    const rb_node *node = &c->graph->nodes[index];
    char name[RB_GOLDEN_NAME];
    if (stage == RB_STAGE_CONV) {
        observe(c, node->name, dims, data);
    } else if (stage == RB_STAGE_BN) { /* bn1.weight is a parameter of bn1 */
        snprintf(name, sizeof name, "%s", c->graph->tensors[node->bn_weight].name);
        *strrchr(name, '.') = '\0';
        observe(c, name, dims, data);
        if (ends_with(name, ".downsample.1")) { /* the last module of the sequence downsample */
            *strrchr(name, '.') = '\0';
            observe(c, name, dims, data);
        }
    } else {
        observe(c, node->value_name, dims, data);
        if (is_block(node->value_name))
            observe_block(c, index, dims, data);
    }
}

static double *widen(const void *data, rb_dtype dtype, int64_t count) {
    double *wide = rb_test_alloc((size_t)count * sizeof *wide);
    for (int64_t i = 0; i < count; i++)
        wide[i] = dtype == RB_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
    return wide;
}

static rb_status on_tap(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                        rb_dtype dtype, const void *data, rb_error *err) {
    (void)err;
    double *wide = widen(data, dtype, dims[0] * dims[1] * dims[2] * dims[3]);
    observe_stage(ctx, node, stage, dims, wide);
    rb_test_free(wide);
    return RB_OK;
}

void rb_golden_compare(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
                       const float *src, const rb_golden *golden, int32_t threads,
                       rb_golden_tamper tamper, rb_golden_score *score) {
    rb_test_host host;
    rb_session *session;
    rb_error err = {""};
    *score = (rb_golden_score){.worst = "none"};
    rb_comparison c = {graph, golden, tamper, NULL, score};
    c.seen = rb_test_alloc((size_t)golden->module_count * sizeof *c.seen);
    const int64_t count = graph->batch * graph->classes;
    assert_int_equal(count, golden->batch * golden->classes);
    void *dst = rb_test_alloc((size_t)count * sizeof(double));
    rb_test_host_init(&host, threads);
    const uint32_t stages = RB_STAGE_CONV | RB_STAGE_BN | RB_STAGE_VALUE;
    if (rb_test_open(engine, &host, graph, weights, &session, &err) != RB_OK ||
        engine->tap(session, src, NULL, dst, stages, on_tap, &c, &err) != RB_OK)
        fail_msg("%s: %s", engine->name, err.message);
    engine->close(session);
    assert_int_equal(host.blocks, 0);
    double *logits = widen(dst, engine->output_dtype, count);
    if (tamper)
        tamper("logits", logits, count);
    score->logits_error = rb_relative_l2(logits, golden->logits, count);
    for (int64_t n = 0; n < graph->batch; n++)
        score->worst_image_error =
            fmax(score->worst_image_error,
                 rb_relative_l2(logits + n * graph->classes, golden->logits + n * graph->classes,
                                graph->classes));
    score->missing = golden->module_count - score->compared;
    print_message("%s %s: logits %.2e, %lld modules, worst %.2e at %s\n", graph->name, engine->name,
                  score->logits_error, (long long)score->compared, score->module_error,
                  score->worst);
    rb_test_free(logits);
    rb_test_free(dst);
    rb_test_free(c.seen);
}
