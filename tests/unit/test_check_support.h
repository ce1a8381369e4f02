/* Made-up rows of the judge. */
#ifndef TEST_CHECK_SUPPORT_H
#define TEST_CHECK_SUPPORT_H

#include "test_support.h"

#include <math.h>

#include "results/check_record.h"

static inline rb_check_row make_check_row(rb_check_level level, const char *name,
                                          rb_verdict verdict) {
    rb_check_row row = {.level = level,
                        .seed = 7,
                        .batch = 3,
                        .k = 2304,
                        .multiplicity = 5,
                        .threads = 2,
                        .other_threads = 1,
                        .verdict = verdict,
                        .seconds = 0.25,
                        .figures = {.elements = 1000,
                                    .differing = 5,
                                    .rel_l2 = 1.0 / 3e7,
                                    .nmse = 1.0 / 9e14,
                                    .max_abs = 1.25e-5,
                                    .max_ulp = 3.5,
                                    .element_share = 0.125,
                                    .norm_share = 0.0625,
                                    .worst = {2, 511, 6, 0},
                                    .found = -1.5,
                                    .expected = -1.25},
                        .limit = 1.0 / 1e6,
                        .images = 8,
                        .top1_differ = 1,
                        .near_ties = 2};
    snprintf(row.name, sizeof row.name, "%s", name);
    snprintf(row.input, sizeof row.input, "seeded");
    snprintf(row.why, sizeof row.why, "resnet50");
    snprintf(row.kernel, sizeof row.kernel, "brgconv:avx512_core_amx_with_a_long_name");
    if (verdict != RB_VERDICT_PASS) {
        snprintf(row.note, sizeof row.note, "not what it should be");
        snprintf(row.again, sizeof row.again, "resbench check e --problem %s --seed 7", name);
    }
    return row;
}

static inline void put_check_row(rb_check_rows *rows, rb_check_row row) {
    assert_ok(rb_check_rows_add(rows, &row, &err));
}

/* One row of each verdict at each level. */
static inline rb_check_rows all_verdicts(void) {
    rb_check_rows rows = {0};
    for (int level = 0; level < RB_LEVEL_COUNT; level++)
        for (int v = 0; v < RB_VERDICT_COUNT; v++)
            put_check_row(&rows, make_check_row((rb_check_level)level,
                                                "mb3ic256ih14oc512oh7kh3sh2ph1+bn+add+relu",
                                                (rb_verdict)v));
    return rows;
}

#endif
