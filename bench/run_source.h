/* Weights and input of the networks of a run. */
#ifndef BENCH_RUN_SOURCE_H
#define BENCH_RUN_SOURCE_H

#include "bench/inputs.h"
#include "bench/plan.h"
#include "bench/weights_source.h"
#include "results/record.h"

/* A network's weights. All zero: not looked for yet. */
typedef struct rb_run_source {
    const rb_network *network;
    char weights[RB_PATH_CAPACITY];
    rb_weights_info info;
} rb_run_source;

/* Looks for the weights of a network, unless *source has them already. */
rb_status rb_run_source_find(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                             rb_error *err);

/* The plan's sizes, or the one that photographs are cut to as the weights ask, or the network's
 * own. Returns how many there are; 0 with an error in *status. */
size_t rb_run_sizes(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                    rb_plan_size sizes[RB_MAX_SIZES], rb_status *status, rb_error *err);

/* The most images that a run takes from a folder. */
int64_t rb_run_image_limit(const rb_plan *plan);

/* Input of one size, of source's network. */
rb_status rb_run_inputs(const rb_plan *plan, const rb_run_source *source, rb_plan_size size,
                        rb_inputs *inputs, rb_error *err);

/* What images of a size go through now, as the text in a row: JSON, "" of synthetic input. */
rb_status rb_run_preprocessing(const rb_plan *plan, const rb_run_source *source, rb_plan_size size,
                               char text[RB_PREPROCESS_CAPACITY], rb_error *err);

/* RB_ERR_NOT_COMPARABLE when a row of the network was measured with other weights, or with images
 * prepared in another way, than a run of the plan would take for it. */
rb_status rb_run_check_rows(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                            const rb_record_list *records, rb_error *err);

#endif
