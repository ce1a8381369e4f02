/* What chained, network and task share: one network that is checked. */
#ifndef CHECK_NETWORKS_H
#define CHECK_NETWORKS_H

#include "bench/inputs.h"
#include "bench/parity.h"
#include "bench/remote_case.h"
#include "check/check.h"
#include "loaders/weights_file.h"

typedef struct rb_net {
    const rb_check_plan *plan;
    rb_check_rows *rows;
    const rb_network *network;
    size_t index;          /* of the network in the plan */
    rb_worker_options own; /* of oracle and reference */
    char weights[RB_PATH_CAPACITY];
    rb_weights_info info;
    rb_inputs inputs; /* at least two images and one batch */
    rb_graph *graph;
    rb_case_spec spec;
    char offender[192]; /* first node out of bounds; "" none, or not looked at */
} rb_net;

void rb_net_row_init(const rb_net *net, rb_check_level level, const char *name, rb_check_row *row);

/* Adds the row, tells of it, and fills in how to repeat it. */
rb_status rb_net_row_add(rb_net *net, rb_check_row *row, rb_error *err);

/* elements: values of one image. */
void rb_net_figures(const rb_parity *parity, int64_t elements, rb_check_figures *figures);

/* Whether a call's failure costs a row alone. */
bool rb_net_is_engine_failure(rb_status status);

/* Whether the engine is the one of ours at that path. */
bool rb_net_is(const rb_net *net, const char *own_path);

/* share: of this network. */
void rb_net_progress(const rb_net *net, double share, const char *what);

rb_status rb_net_check_chained(rb_net *net, rb_error *err);
rb_status rb_net_check_logits(rb_net *net, rb_error *err);
rb_status rb_check_task(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err);

#endif
