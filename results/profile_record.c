#include "results/profile_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void init_engine(rb_profile_engine *engine, int32_t node_count) {
    engine->rel_l2 = engine->rel_l2_limit = engine->call_ns = engine->profiled_ns = NAN;
    engine->nodes_ns = engine->cost = NAN;
    for (int32_t i = 0; i < node_count; i++)
        engine->nodes[i] = (rb_profile_line){.nodes = 1,
                                             .call_ns = NAN,
                                             .executed_macs = -1,
                                             .network_ns = NAN,
                                             .hot_ns = NAN,
                                             .cold_ns = NAN,
                                             .hot_call_ns = NAN,
                                             .cold_call_ns = NAN,
                                             .bound_ns = NAN};
}

rb_status rb_profile_create(size_t engine_count, int32_t node_count, rb_profile *profile,
                            rb_error *err) {
    *profile =
        (rb_profile){.node_count = node_count, .roof = {.peak_gmacs = NAN, .bandwidth = NAN}};
    profile->engines = calloc(engine_count + 1, sizeof *profile->engines);
    bool whole = profile->engines != NULL;
    for (size_t e = 0; whole && e < engine_count; e++) {
        rb_profile_engine *engine = &profile->engines[e];
        engine->nodes = calloc((size_t)node_count + 1, sizeof *engine->nodes);
        whole = engine->nodes != NULL;
        if (whole)
            init_engine(engine, node_count);
        profile->engine_count++;
    }
    if (whole)
        return RB_OK;
    rb_profile_release(profile);
    return rb_fail(err, RB_ERR_MEMORY, "no memory for a profile of %d nodes", node_count);
}

void rb_profile_release(rb_profile *profile) {
    for (size_t e = 0; e < profile->engine_count; e++)
        free(profile->engines[e].nodes);
    free(profile->engines);
    *profile = (rb_profile){0};
}

int64_t rb_profile_bytes(const rb_profile_line *line) {
    return line->weight_bytes + line->src_bytes + line->dst_bytes + line->addend_bytes;
}

void rb_profile_finish(rb_profile *profile, const rb_roof *roof) {
    profile->roof = *roof;
    for (size_t e = 0; e < profile->engine_count; e++)
        for (int32_t i = 0; i < profile->node_count; i++) {
            rb_profile_line *node = &profile->engines[e].nodes[i];
            memcpy(node->engine, profile->engines[e].name, sizeof node->engine);
            node->call_ns = profile->engines[e].call_ns;
            node->bound_ns =
                rb_roofline_of(roof, node->macs, rb_profile_bytes(node), node->network_ns).bound_ns;
        }
}

rb_profile_line rb_profile_sum(const rb_profile_line *const *lines, size_t count,
                               const char *name) {
    rb_profile_line sum = {.nodes = 0};
    snprintf(sum.name, sizeof sum.name, "%s", name);
    for (size_t i = 0; i < count; i++) {
        const rb_profile_line *line = lines[i];
        if (i == 0) {
            memcpy(sum.engine, line->engine, sizeof sum.engine);
            memcpy(sum.kernel, line->kernel, sizeof sum.kernel);
            sum.call_ns = line->call_ns;
        } else if (strcmp(sum.kernel, line->kernel) != 0)
            sum.kernel[0] = '\0';
        sum.nodes += line->nodes;
        sum.macs += line->macs;
        sum.executed_macs = sum.executed_macs < 0 || line->executed_macs < 0
                                ? -1
                                : sum.executed_macs + line->executed_macs;
        sum.weight_bytes += line->weight_bytes;
        sum.src_bytes += line->src_bytes;
        sum.dst_bytes += line->dst_bytes;
        sum.addend_bytes += line->addend_bytes;
        sum.network_ns += line->network_ns;
        sum.hot_ns += line->hot_ns;
        sum.cold_ns += line->cold_ns;
        sum.hot_call_ns += line->hot_call_ns;
        sum.cold_call_ns += line->cold_call_ns;
        sum.bound_ns += line->bound_ns;
    }
    return sum;
}

static const char *text_of(const rb_profile_line *line, rb_profile_key key) {
    return key == RB_PROFILE_BY_OP ? line->op : line->stage;
}

static bool is_first_of_its_kind(const rb_profile_engine *engine, int32_t node,
                                 rb_profile_key key) {
    for (int32_t i = 0; i < node; i++)
        if (strcmp(text_of(&engine->nodes[i], key), text_of(&engine->nodes[node], key)) == 0)
            return false;
    return true;
}

/* The sum of those nodes whose text is `name`; NULL: of all. */
static rb_profile_line sum_of(const rb_profile_engine *engine, int32_t node_count,
                              rb_profile_key key, const char *name) {
    const rb_profile_line **chosen = calloc((size_t)node_count + 1, sizeof *chosen);
    rb_profile_line sum = {.network_ns = NAN, .hot_ns = NAN, .cold_ns = NAN, .bound_ns = NAN};
    size_t count = 0;
    for (int32_t i = 0; chosen && i < node_count; i++)
        if (!name || strcmp(text_of(&engine->nodes[i], key), name) == 0)
            chosen[count++] = &engine->nodes[i];
    if (chosen)
        sum = rb_profile_sum(chosen, count, name ? name : "all nodes");
    free(chosen);
    return sum;
}

size_t rb_profile_groups(const rb_profile_engine *engine, int32_t node_count, rb_profile_key key,
                         rb_profile_line *lines) {
    size_t count = 0;
    for (int32_t i = 0; i < node_count; i++)
        if (is_first_of_its_kind(engine, i, key))
            lines[count++] = sum_of(engine, node_count, key, text_of(&engine->nodes[i], key));
    return count;
}

rb_profile_line rb_profile_total(const rb_profile_engine *engine, int32_t node_count) {
    return sum_of(engine, node_count, RB_PROFILE_BY_OP, NULL);
}

size_t rb_profile_longest(const rb_profile_engine *engine, int32_t node_count, size_t most,
                          rb_profile_line *lines) {
    size_t count = 0;
    for (int32_t i = 0; i < node_count; i++) {
        const rb_profile_line *node = &engine->nodes[i];
        size_t at = count;
        while (at > 0 && lines[at - 1].network_ns < node->network_ns)
            at--;
        if (isnan(node->network_ns) || at == most)
            continue;
        count += count < most;
        memmove(&lines[at + 1], &lines[at], (count - 1 - at) * sizeof *lines);
        lines[at] = *node;
    }
    return count;
}

double rb_profile_remainder_ns(const rb_profile_engine *engine) {
    return engine->call_ns - engine->nodes_ns;
}

bool rb_profile_is_measured(const rb_profile *profile) {
    for (size_t e = 0; e < profile->engine_count; e++)
        if (isfinite(profile->engines[e].call_ns))
            return true;
    return false;
}

/* A plug-in that is partial refuses nodes alone that it leaves to the reference in a network. */
static bool is_wrong(rb_verdict alone) {
    return alone != RB_VERDICT_NONE && alone != RB_VERDICT_PASS && alone != RB_VERDICT_UNSUPPORTED;
}

bool rb_profile_is_right(const rb_profile *profile) {
    for (size_t e = 0; e < profile->engine_count; e++) {
        const rb_profile_engine *engine = &profile->engines[e];
        if (engine->verdict != RB_VERDICT_PASS)
            return false;
        for (int32_t i = 0; i < profile->node_count; i++)
            if (is_wrong(engine->nodes[i].alone))
                return false;
    }
    return true;
}
