#include "results/trace_report.h"
#include "results/json_fields.h"

#include <math.h>
#include <string.h>

#include "results/report_file.h"

/* The bar: from 1e-9 to 1 on a log scale, the limit as a stroke within. */
#define BAR_WIDTH 27
#define LEAST_BAR 12
#define BAR_DECADES 9.0

static int bar_place(double value, int width) {
    const double place = (log10(value) + BAR_DECADES) / BAR_DECADES * width;
    return place > 0 ? place < width ? (int)place : width - 1 : 0;
}

/* What a line has room for. */
typedef struct trace_layout {
    int name, bar; /* characters; bar 0: none */
    bool all;      /* operation, shape, and a word at the first node out of bounds */
} trace_layout;

static trace_layout layout_of(const rb_trace *trace, int columns) {
    const int bare = 30, described = 24, verdict = 10, first = 20;
    trace_layout layout = {.name = (int)strlen("node"), .bar = BAR_WIDTH, .all = true};
    for (int32_t i = 0; i < trace->node_count; i++) {
        const int own = (int)strlen(trace->nodes[i].name);
        layout.name = own > layout.name ? own : layout.name;
    }
    if (columns <= 0)
        return layout;
    layout.bar = columns - layout.name - bare - described - first;
    layout.all = layout.bar >= LEAST_BAR;
    if (!layout.all)
        layout.bar = columns - layout.name - bare - verdict;
    if (layout.bar < LEAST_BAR)
        layout.bar = 0;
    if (layout.bar > BAR_WIDTH)
        layout.bar = BAR_WIDTH;
    return layout;
}

static void draw_bar(const rb_trace_node *node, int width, char text[BAR_WIDTH + 1]) {
    const int length = node->non_finite > 0 ? width
                       : node->rel_l2 > 0   ? bar_place(node->rel_l2, width) + 1
                                            : 0;
    for (int i = 0; i < width; i++)
        text[i] = i < length ? '=' : ' ';
    if (width > 0)
        text[bar_place(node->limit, width)] = '|';
    text[width] = '\0';
    for (int end = width; node->verdict == RB_VERDICT_PASS && end > 0 && text[end - 1] == ' ';)
        text[--end] = '\0';
}

static void print_node(const rb_trace_node *node, bool first, const trace_layout *layout,
                       FILE *out) {
    char shape[72], error[24] = "NaN", growth[24] = "", bar[BAR_WIDTH + 1];
    snprintf(shape, sizeof shape, "%lldx%lldx%lld", (long long)node->dims[1],
             (long long)node->dims[2], (long long)node->dims[3]);
    if (node->non_finite == 0) {
        snprintf(error, sizeof error, "%.1e", node->rel_l2);
        if (isfinite(node->growth))
            snprintf(growth, sizeof growth, "%.*f", node->growth < 9.995 ? 2 : 0, node->growth);
    }
    draw_bar(node, layout->bar, bar);
    fprintf(out, "%-*s", layout->name, node->name);
    if (layout->all)
        fprintf(out, "  %-8s  %-12s", node->op, shape);
    fprintf(out, "  %7s  %7.1e  %8s  %s", error, node->limit, growth, bar);
    if (node->verdict != RB_VERDICT_PASS)
        fprintf(out, "  %s%s", rb_verdict_name(node->verdict),
                first && layout->all ? "  <- the first" : "");
    fprintf(out, "\n");
}

static void print_nodes(const rb_trace *trace, int columns, FILE *out) {
    const trace_layout layout = layout_of(trace, columns);
    fprintf(out, "%-*s", layout.name, "node");
    if (layout.all)
        fprintf(out, "  %-8s  %-12s", "op", "shape");
    fprintf(out, "  %7s  %7s  %8s  %s\n", "rel L2", "limit", "growth",
            layout.bar > 0 ? "1e-9 .. 1, |: the limit" : "");
    for (int32_t i = 0; i < trace->node_count; i++)
        print_node(&trace->nodes[i], i == trace->first, &layout, out);
}

static void print_run(const rb_trace *trace, FILE *out) {
    if (trace->run == RB_VERDICT_PASS)
        return;
    const bool shown = trace->nodes[trace->node_count - 1].verdict == RB_VERDICT_PASS;
    if (trace->run_non_finite > 0)
        fprintf(out, "A plain run leaves %lld logits NaN, infinite or unwritten",
                (long long)trace->run_non_finite);
    else
        fprintf(out, "The logits of a plain run are off by %.1e, limit %.1e", trace->run_rel_l2,
                trace->run_limit);
    fprintf(out, "%s.\n",
            shown ? "; what the engine shows is right: the fault is in what it runs when nobody "
                    "watches"
                  : "");
}

static void print_verdict(const rb_trace *trace, FILE *out) {
    if (trace->first >= 0) {
        const rb_trace_node *node = &trace->nodes[trace->first];
        if (node->non_finite > 0)
            fprintf(out,
                    "%s is the first node out of bounds: %lld of its values are NaN or "
                    "infinite.\n",
                    node->name, (long long)node->non_finite);
        else
            fprintf(out, "%s is the first node out of bounds: %.1e, limit %.1e.\n", node->name,
                    node->rel_l2, node->limit);
    }
    for (int32_t i = 0; i < trace->node_count; i++)
        if (trace->nodes[i].finding[0])
            fprintf(out, "%s\n", trace->nodes[i].finding);
    print_run(trace, out);
    if (rb_trace_is_right(trace)) {
        double most = 0;
        int32_t worst = 0;
        for (int32_t i = 0; i < trace->node_count; i++)
            if (trace->nodes[i].rel_l2 / trace->nodes[i].limit > most) {
                most = trace->nodes[i].rel_l2 / trace->nodes[i].limit;
                worst = i;
            }
        fprintf(out, "No node is out of bounds: %s of %d has most of its limit, %.0f %%.\n",
                trace->nodes[worst].name, trace->node_count, 100 * most);
    }
}

void rb_trace_print(const rb_trace *trace, int columns, FILE *out) {
    fprintf(out, "%s, %s %s against %s %s, batch %lld of %lldx%lld, input: %s\n\n", trace->network,
            trace->engine, trace->engine_version, trace->against, trace->against_version,
            (long long)trace->batch, (long long)trace->height, (long long)trace->width,
            trace->input);
    print_nodes(trace, columns, out);
    fprintf(out, "\n");
    print_verdict(trace, out);
}

static json_t *node_json(const rb_trace_node *node) {
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:[I, I, I, I], s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:o, s:s, "
        "s:o, s:s, s:s}",
        "name", node->name, "value_name", node->value_name, "op", node->op, "kernel", node->kernel,
        "dims", (json_int_t)node->dims[0], (json_int_t)node->dims[1], (json_int_t)node->dims[2],
        (json_int_t)node->dims[3], "verdict", rb_verdict_name(node->verdict), "rel_l2",
        rb_json_number(node->rel_l2), "limit", rb_json_number(node->limit), "growth",
        rb_json_number(node->growth), "non_finite", (json_int_t)node->non_finite, "oracle_share",
        rb_json_number(node->oracle_share), "against_share", rb_json_number(node->against_share),
        "step", rb_verdict_name(node->step), "step_share", rb_json_number(node->step_share),
        "alone", rb_verdict_name(node->alone), "alone_share", rb_json_number(node->alone_share),
        "cause", rb_trace_cause_name(node->cause), "finding", node->finding);
}

static json_t *trace_json(const rb_trace *trace) {
    json_t *nodes = json_array();
    for (int32_t i = 0; i < trace->node_count; i++)
        if (json_array_append_new(nodes, node_json(&trace->nodes[i])) != 0) {
            json_decref(nodes);
            return NULL;
        }
    return json_pack(
        "{s:{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:o, s:{s:s, s:o, "
        "s:o, s:I}, s:o}}",
        "trace", "schema_version", RB_TRACE_SCHEMA, "resbench", RB_VERSION, "network",
        trace->network, "engine", trace->engine, "engine_version", trace->engine_version, "against",
        trace->against, "against_version", trace->against_version, "weights_sha256",
        trace->weights_sha256, "input", trace->input, "batch", (json_int_t)trace->batch, "height",
        (json_int_t)trace->height, "width", (json_int_t)trace->width, "threads", trace->threads,
        "first", trace->first >= 0 ? json_string(trace->nodes[trace->first].name) : json_null(),
        "run", "verdict", rb_verdict_name(trace->run), "rel_l2", rb_json_number(trace->run_rel_l2),
        "limit", rb_json_number(trace->run_limit), "non_finite", (json_int_t)trace->run_non_finite,
        "nodes", nodes);
}

rb_status rb_trace_write(const rb_trace *trace, json_t *context, const char *path, rb_error *err) {
    json_t *root = trace_json(trace);
    json_object_set_new(root, "context", context);
    return rb_report_json(NULL, path, root, JSON_INDENT(1), err);
}
