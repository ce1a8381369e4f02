/* Which groups of cells a shard of a run measures. */
#ifndef BENCH_RUN_SHARE_H
#define BENCH_RUN_SHARE_H

#include "bench/run_cells.h"
#include "bench/run_source.h"

/* Of a run that is not split: all zero, and everything is its own. */
typedef struct rb_run_share {
    rb_cell_group *groups; /* of the whole plan */
    int32_t *owner;        /* the shard of each, from 1 */
    size_t count;
    int32_t shard;
} rb_run_share;

/* Groups go to shards by their work (bench/shard.h), with all their engines and modes, which take
 * turns. sources are as plan->networks. RB_ERR_USAGE when there are more groups than
 * RB_MAX_SHARED_GROUPS, or fewer than shards. The caller releases *share. */
#define RB_MAX_SHARED_GROUPS 4096
rb_status rb_run_share_make(const rb_plan *plan, rb_run_source *sources, rb_run_share *share,
                            rb_error *err);
void rb_run_share_release(rb_run_share *share);

bool rb_run_share_has(const rb_run_share *share, const rb_cell_group *group);

/* The work that is left of a network at one size; 0: all rows of the share stand. */
double rb_run_pending_work(const rb_plan *plan, const rb_run_share *share,
                           const rb_record_list *records, const rb_network *network,
                           rb_plan_size size);

/* Rows of the share. */
size_t rb_run_share_rows(const rb_plan *plan, const rb_run_share *share);

#endif
