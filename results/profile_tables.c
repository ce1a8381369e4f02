#include "results/profile_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 10

/* Lines that a column belongs to, as bits. */
enum { NODE = 1, GROUP = 2, FILES = 4, ALONE = 8, BOTH = NODE | GROUP };

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *of) {                                                      \
        const rb_profile_line *r = of;                                                             \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *of) {                                          \
        const rb_profile *p = all;                                                                 \
        const rb_profile_line *r = of;                                                             \
        (void)p;                                                                                   \
        return expression;                                                                         \
    }

static rb_roofline roofline(const rb_profile *p, const rb_profile_line *r) {
    return rb_roofline_of(&p->roof, r->macs, rb_profile_bytes(r), r->network_ns);
}

/* Which of the two limits a node: only a node has one. */
static double memory_bound(const rb_profile *p, const rb_profile_line *r) {
    const rb_roofline of = roofline(p, r);
    return isnan(of.bound_ns) ? NAN : of.memory_bound;
}

static double executed(const rb_profile_line *r) {
    return r->executed_macs < 0 || r->macs == 0 ? NAN : (double)r->executed_macs / (double)r->macs;
}

/* Nothing was executed where nothing is to be multiplied. */
static double percent(const rb_profile_line *r, double share) {
    return r->macs == 0 ? NAN : 100 * share;
}

TEXT(engine, r->engine)
TEXT(name, r->name)
TEXT(op, r->op)
TEXT(stage, r->stage)
TEXT(shape, r->shape)
TEXT(problem, r->problem)
TEXT(kernel, r->kernel)
TEXT(alone_as, r->alone_as)
TEXT(alone_kernel, r->alone_kernel)
TEXT(alone, r->alone == RB_VERDICT_NONE ? "" : rb_verdict_name(r->alone))
TEXT(alone_note, r->alone_note)
NUMBER(nodes, (double)r->nodes)
NUMBER(network_ms, r->network_ns * 1e-6)
NUMBER(share, 100 * r->network_ns / r->call_ns)
NUMBER(hot_ms, r->hot_ns * 1e-6)
NUMBER(cold_ms, r->cold_ns * 1e-6)
NUMBER(hot_call_ms, r->hot_call_ns * 1e-6)
NUMBER(cold_call_ms, r->cold_call_ns * 1e-6)
NUMBER(bound_ms, r->bound_ns * 1e-6)
NUMBER(mmacs, r->macs == 0 ? NAN : (double)r->macs * 1e-6)
NUMBER(macs, (double)r->macs)
NUMBER(executed_macs, r->executed_macs < 0 ? NAN : (double)r->executed_macs)
NUMBER(executed_ratio, executed(r))
NUMBER(mbytes, (double)rb_profile_bytes(r) * 1e-6)
NUMBER(weight_bytes, (double)r->weight_bytes)
NUMBER(src_bytes, (double)r->src_bytes)
NUMBER(dst_bytes, (double)r->dst_bytes)
NUMBER(addend_bytes, (double)r->addend_bytes)
NUMBER(intensity, r->macs == 0 ? NAN : roofline(p, r).intensity)
NUMBER(peak, percent(r, roofline(p, r).share_of_peak))
NUMBER(bandwidth, 100 * roofline(p, r).share_of_bandwidth)
NUMBER(roof, 100 * r->bound_ns / r->network_ns)
NUMBER(hot_roof, 100 * r->bound_ns / r->hot_ns)
NUMBER(cold_roof, 100 * r->bound_ns / r->cold_ns)
NUMBER(is_memory_bound, memory_bound(p, r))

#define T(key, title, lines, letters, use, get)                                                    \
    { key, title, lines, RB_FORMAT_TEXT, letters, RB_COLUMN_##use, get, NULL }
#define N(key, title, lines, format, digits, use, get)                                             \
    { key, title, lines, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("engine", "engine", FILES, 12, DETAIL, engine),
    T("name", "node", BOTH, 22, SUMMARY, name),
    T("op", "op", NODE, 10, DETAIL, op),
    T("stage", "stage", NODE, 8, DETAIL, stage),
    T("shape", "value", NODE, 12, DETAIL, shape),
    N("nodes", "nodes", GROUP, COUNT, 0, SUMMARY, nodes),
    N("network_ms", "ms", BOTH, FIXED, 3, SUMMARY, network_ms),
    N("call_percent", "%", BOTH, FIXED, 1, SUMMARY, share),
    N("hot_ms", "hot ms", BOTH | ALONE, FIXED, 3, SUMMARY, hot_ms),
    N("cold_ms", "cold ms", BOTH | ALONE, FIXED, 3, SUMMARY, cold_ms),
    N("mmacs", "MMAC", BOTH, FIXED, 1, SUMMARY, mmacs),
    N("executed_ratio", "exec", BOTH, FIXED, 2, SUMMARY, executed_ratio),
    N("mbytes", "MB", BOTH, FIXED, 3, SUMMARY, mbytes),
    N("macs_per_byte", "MAC/B", BOTH, SIGNIFICANT, 3, SUMMARY, intensity),
    N("peak_percent", "peak%", BOTH, FIXED, 1, SUMMARY, peak),
    N("bandwidth_percent", "bw%", BOTH, FIXED, 0, SUMMARY, bandwidth),
    N("roof_percent", "roof%", BOTH, FIXED, 0, SUMMARY, roof),
    T("kernel", "kernel", BOTH, 18, WITH_ROOM, kernel),
    N("bound_ms", "roof ms", BOTH, FIXED, 3, DETAIL, bound_ms),
    N("memory_bound", "memory bound", NODE, COUNT, 0, DETAIL, is_memory_bound),
    N("hot_roof_percent", "hot roof%", BOTH | ALONE, FIXED, 0, DETAIL, hot_roof),
    N("cold_roof_percent", "cold roof%", BOTH | ALONE, FIXED, 0, DETAIL, cold_roof),
    N("hot_call_ms", "hot call ms", BOTH | ALONE, FIXED, 3, DETAIL, hot_call_ms),
    N("cold_call_ms", "cold call ms", BOTH | ALONE, FIXED, 3, DETAIL, cold_call_ms),
    N("macs", "MACs", BOTH, COUNT, 0, DETAIL, macs),
    N("executed_macs", "executed MACs", BOTH, COUNT, 0, DETAIL, executed_macs),
    N("weight_bytes", "weight bytes", BOTH, COUNT, 0, DETAIL, weight_bytes),
    N("src_bytes", "source bytes", BOTH, COUNT, 0, DETAIL, src_bytes),
    N("dst_bytes", "value bytes", BOTH, COUNT, 0, DETAIL, dst_bytes),
    N("addend_bytes", "addend bytes", BOTH, COUNT, 0, DETAIL, addend_bytes),
    T("problem", "problem", NODE, 40, DETAIL, problem),
    T("alone", "alone", NODE | ALONE, 12, DETAIL, alone),
    T("alone_as", "alone as", NODE | ALONE, 22, DETAIL, alone_as),
    T("alone_kernel", "kernel alone", NODE | ALONE, 18, DETAIL, alone_kernel),
    T("alone_note", "note", NODE | ALONE, 40, DETAIL, alone_note),
};

const rb_column *rb_profile_columns(size_t *count) {
    *count = sizeof columns / sizeof columns[0];
    return columns;
}

/* Every column but those of sums. */
static bool of_files(const rb_grid *grid, const rb_column *column) {
    (void)grid;
    return column->section != GROUP;
}

static bool of_lines(const rb_grid *grid, const rb_column *column) {
    const rb_profile *p = grid->all;
    return (column->section & grid->section) != 0 && (p->alone || !(column->section & ALONE));
}

static bool of_lines_in_summary(const rb_grid *grid, const rb_column *column) {
    return column->use != RB_COLUMN_DETAIL && of_lines(grid, column);
}

/* Lines for one table, and how it is to look. */
typedef struct sheet {
    const rb_profile *profile;
    const rb_profile_engine *engine;
    FILE *out;
    bool markdown;
} sheet;

static void print_lines(const sheet *s, const char *title, const rb_profile_line *lines,
                        size_t count, int kind) {
    const rb_grid grid = {.rows = lines,
                          .row_bytes = sizeof *lines,
                          .row_count = count,
                          .all = s->profile,
                          .columns = columns,
                          .column_count = sizeof columns / sizeof columns[0],
                          .column_shown =
                              s->markdown && kind == NODE ? of_lines : of_lines_in_summary,
                          .section = kind};
    fprintf(s->out, s->markdown ? "\n### %s\n\n" : "\n%s\n", title);
    if (s->markdown)
        rb_grid_markdown(&grid, s->out);
    else
        rb_grid_aligned(&grid, s->out);
}

static void print_groups(const sheet *s, const char *title, rb_profile_key key) {
    const int32_t count = s->profile->node_count;
    rb_profile_line *lines = calloc((size_t)count + 1, sizeof *lines);
    if (lines) {
        const size_t groups = rb_profile_groups(s->engine, count, key, lines);
        print_lines(s, title, lines, groups, GROUP);
    }
    free(lines);
}

static void print_longest(const sheet *s) {
    rb_profile_line lines[LONGEST];
    const rb_profile *p = s->profile;
    double sum = 0;
    char title[96];
    const size_t count = rb_profile_longest(s->engine, p->node_count, LONGEST, lines);
    for (size_t i = 0; i < count; i++)
        sum += lines[i].network_ns;
    snprintf(title, sizeof title, "Where the time goes: %zu of %d nodes take %.0f %% of a call",
             count, p->node_count, 100 * sum / s->engine->call_ns);
    print_lines(s, title, lines, count, NODE);
}

static void print_part(const sheet *s, const char *name, double ns, const char *more) {
    const double share = 100 * ns / s->engine->call_ns;
    if (s->markdown)
        fprintf(s->out, "| %s | %.3f | %.1f |%s%s |\n", name, ns * 1e-6, share, *more ? " " : "",
                more);
    else
        fprintf(s->out, "%-24s %12.3f  %6.1f  %s\n", name, ns * 1e-6, share, more);
}

static void print_call(const sheet *s) {
    const rb_profile_engine *e = s->engine;
    const rb_profile_line all = rb_profile_total(e, s->profile->node_count);
    char calls[96], cost[96], cold[96];
    fprintf(s->out, "%s",
            s->markdown ? "\n### What a call is made of\n\n| | ms | % | |\n|---|---:|---:|---|\n"
                        : "\nWhat a call is made of             ms       %\n");
    snprintf(calls, sizeof calls, "median of %lld, in %lld %s", (long long)e->calls,
             (long long)e->workers, e->workers == 1 ? "process" : "processes");
    snprintf(cost, sizeof cost, "looking costs %+.2f %%", 100 * e->cost);
    print_part(s, "nodes of a call", e->nodes_ns, "");
    print_part(s, "unaccounted", rb_profile_remainder_ns(e), "an ordinary call minus its nodes");
    print_part(s, "ordinary call", e->call_ns, calls);
    print_part(s, "profiled call", e->profiled_ns, cost);
    print_part(s, "medians of nodes", all.network_ns, "added up: what they take undisturbed");
    if (isnan(all.hot_ns))
        return;
    snprintf(cold, sizeof cold, "added up; with cold caches %.3f ms", all.cold_ns * 1e-6);
    print_part(s, "nodes alone, hot", all.hot_ns, cold);
}

/* A node alone that is no PASS. */
static void print_wrong_nodes(const sheet *s) {
    for (int32_t i = 0; i < s->profile->node_count; i++) {
        const rb_profile_line *node = &s->engine->nodes[i];
        if (node->alone != RB_VERDICT_NONE && node->alone != RB_VERDICT_PASS &&
            strcmp(node->name, node->alone_as) == 0)
            fprintf(s->out, "%s%s alone: %s: %s\n", s->markdown ? "\n" : "", node->name,
                    rb_verdict_name(node->alone), node->alone_note);
    }
}

static void print_engine(const sheet *s, bool every) {
    const rb_profile_engine *e = s->engine;
    fprintf(s->out, "%s%s %s: %s", s->markdown ? "\n## " : "\n", e->name, e->version,
            rb_verdict_name(e->verdict));
    if (isfinite(e->rel_l2))
        fprintf(s->out, ", relative L2 %.1e, limit %.1e", e->rel_l2, e->rel_l2_limit);
    fprintf(s->out, "\n");
    if (e->note[0])
        fprintf(s->out, "%s%s\n", s->markdown ? "\n" : "", e->note);
    if (isnan(e->call_ns))
        return;
    if (every)
        print_lines(s, "Nodes", e->nodes, (size_t)s->profile->node_count, NODE);
    print_groups(s, "By operation", RB_PROFILE_BY_OP);
    print_groups(s, "By stage", RB_PROFILE_BY_STAGE);
    print_longest(s);
    print_call(s);
    print_wrong_nodes(s);
}

static int64_t nodes_above_peak(const rb_profile *p) {
    int64_t above = 0;
    for (size_t e = 0; e < p->engine_count; e++)
        for (int32_t i = 0; i < p->node_count; i++)
            above += roofline(p, &p->engines[e].nodes[i]).share_of_peak > 1;
    return above;
}

static void print_facts(const rb_profile *p, FILE *out) {
    fprintf(out, "%s, batch %lld of %lldx%lld, %d %s, input: %s\n", p->network, (long long)p->batch,
            (long long)p->height, (long long)p->width, p->threads,
            p->threads == 1 ? "thread" : "threads", p->input);
    if (!p->complete)
        fprintf(out, "ended before all nodes were run alone: those that were not are blank\n");
    fprintf(out, "peak %.1f GMAC/s (%s), memory %.1f GB/s, measured with as many threads\n",
            p->roof.peak_gmacs, p->peak_isa, p->roof.bandwidth);
    rb_roofline_print_above(nodes_above_peak(p), out);
}

static void print_meaning(const rb_profile *p, FILE *out) {
    if (!rb_profile_is_measured(p))
        return;
    fprintf(
        out,
        "ms: within the running network; %%: of an ordinary call.%s exec: executed over nominal "
        "MACs, as\nthe engine tells. MB: weights, source, value and addend once. peak%%, bw%%: "
        "of the machine's MACs and\nbytes a second; bw%% above 100: they came from caches. "
        "roof%%: of the fastest that both allow.\n",
        p->alone ? " hot, cold: alone." : "");
}

/* The times of all engines beside each other. */
static void print_beside(const rb_profile *p, FILE *out) {
    fprintf(out, "\nSide by side, ms  %5s", "");
    for (size_t e = 0; e < p->engine_count; e++)
        fprintf(out, "  %12.12s", p->engines[e].name);
    fputc('\n', out);
    for (int32_t i = 0; i <= p->node_count; i++) {
        fprintf(out, "%-22.22s ", i < p->node_count ? p->engines[0].nodes[i].name : "a call");
        for (size_t e = 0; e < p->engine_count; e++) {
            const rb_profile_engine *engine = &p->engines[e];
            char text[RB_CELL_CAPACITY];
            const double ns = i < p->node_count ? engine->nodes[i].network_ns : engine->call_ns;
            rb_number_format(RB_FORMAT_FIXED, 3, ns * 1e-6, text);
            fprintf(out, "  %12s", text);
        }
        fputc('\n', out);
    }
}

void rb_profile_terminal(const rb_profile *profile, bool every, FILE *out) {
    print_facts(profile, out);
    for (size_t e = 0; e < profile->engine_count; e++)
        print_engine(&(sheet){.profile = profile, .engine = &profile->engines[e], .out = out},
                     every);
    if (profile->engine_count > 1)
        print_beside(profile, out);
    fprintf(out, "\n");
    print_meaning(profile, out);
}

void rb_profile_markdown(const rb_profile *profile, const char *title, FILE *out) {
    fprintf(out, "# %s\n\n", title);
    print_facts(profile, out);
    fprintf(out, "\n");
    print_meaning(profile, out);
    for (size_t e = 0; e < profile->engine_count; e++)
        print_engine(
            &(sheet){
                .profile = profile, .engine = &profile->engines[e], .out = out, .markdown = true},
            true);
}

void rb_profile_csv(const rb_profile *profile, FILE *out) {
    const size_t nodes = (size_t)profile->node_count;
    rb_profile_line *lines = calloc(profile->engine_count * nodes + 1, sizeof *lines);
    for (size_t e = 0; lines && e < profile->engine_count; e++)
        memcpy(lines + e * nodes, profile->engines[e].nodes, nodes * sizeof *lines);
    const rb_grid grid = {.rows = lines,
                          .row_bytes = sizeof *lines,
                          .row_count = lines ? profile->engine_count * nodes : 0,
                          .all = profile,
                          .columns = columns,
                          .column_count = sizeof columns / sizeof columns[0],
                          .column_shown = of_files};
    rb_grid_csv(&grid, out);
    free(lines);
}
