/* Made-up records, as a run of the main job would fill them. */
#ifndef TEST_RECORDS_H
#define TEST_RECORDS_H

#include "test_support.h"

#include "results/record.h"

/* Row of the depth table: blocks, MACs and parameters of the published networks. */
typedef struct record_row {
    const char *network;
    int32_t depth, blocks;
    int64_t macs, parameters;
} record_row;

static const record_row record_rows[] = {
    {"resnet18", 18, 8, 1814073344, 11689512},     {"resnet34", 34, 16, 3663761408, 21797672},
    {"resnet50", 50, 16, 4089184256, 25557032},    {"resnet101", 101, 33, 7801405440, 44549160},
    {"resnet152", 152, 50, 11513626624, 60192808},
};

/* A cell with `count` samples around ms milliseconds: the k-th is ms * (1 + k / 1000). */
static inline rb_record make_record(const record_row *row, const char *engine, int64_t batch,
                                    double ms, size_t count) {
    rb_record r;
    rb_record_init(&r);
    snprintf(r.network, sizeof r.network, "%s", row->network);
    snprintf(r.engine, sizeof r.engine, "%s", engine);
    r.depth = row->depth;
    r.blocks = row->blocks;
    r.batch = batch;
    r.height = r.width = 224;
    r.threads = 2;
    r.parameters = row->parameters;
    r.macs = row->macs * batch;
    r.verdict = RB_VERDICT_PASS;
    r.samples = calloc(count + 1, sizeof *r.samples);
    assert_non_null(r.samples);
    r.sample_count = count;
    for (size_t k = 0; k < count; k++)
        r.samples[k] = (rb_sample){.worker = (int32_t)(k % 2),
                                   .turn = (int32_t)(k / 4),
                                   .real_ns = ms * 1e6 * (1 + (double)k / 1000),
                                   .cpu_ns = ms * 2e6 * (1 + (double)k / 1000)};
    assert_ok(rb_record_summarize(&r, &err));
    return r;
}

/* Everything else that a run finds out, as large as it gets on a small machine. */
static inline void fill_in(rb_record *r, double rel_l2) {
    snprintf(r->engine_version, sizeof r->engine_version, "3.7.2 (OMP)");
    snprintf(r->kernel_plan, sizeof r->kernel_plan, "0123456789abcdef");
    r->rel_l2 = rel_l2;
    r->rel_l2_limit = 3.364e-6;
    r->max_abs_error = 1.25e-5;
    r->images = 8;
    r->reorders = 1;
    r->load_ns = 123456789.25;
    r->open_ns = 987654321.5;
    r->first_run_ns = 1.5e9 / 7;
    r->yardstick_spread = 1.0625;
    r->steal_share = 0.015625;
    r->peak_gmacs = 163.4;
    r->weight_bytes = 241691680;
    r->packed_weight_bytes = 240800000;
    r->activation_bytes = 5218304 * r->batch;
    r->activation_bound_bytes = 5218304 * r->batch;
    r->scratch_bytes = 1 << 20;
    r->steady_rss_bytes = (int64_t)600 << 20;
    r->peak_rss_bytes = (int64_t)1234 << 20;
    r->peak_rss_after_start_bytes = (int64_t)1200 << 20;
}

static inline void put(rb_record_list *list, rb_record record) {
    assert_ok(rb_record_list_put(list, &record, &err));
    assert_null(record.samples);
}

#endif
