#include "bench/run_share.h"

#include <stdlib.h>

/* The plan's groups, as the runner goes through them. */
static rb_status list_groups(const rb_plan *plan, rb_run_source *sources, rb_run_share *share,
                             rb_error *err) {
    rb_plan_size sizes[RB_MAX_SIZES];
    rb_status status = RB_OK;
    for (size_t n = 0; status == RB_OK && n < plan->network_count; n++) {
        const size_t count =
            rb_run_sizes(plan, plan->networks[n], &sources[n], sizes, &status, err);
        if (share->count + count * plan->batch_count * plan->thread_count > RB_MAX_SHARED_GROUPS)
            return rb_fail(err, RB_ERR_USAGE, "more than %d groups of cells cannot be split",
                           RB_MAX_SHARED_GROUPS);
        for (size_t s = 0; s < count; s++)
            for (size_t b = 0; b < plan->batch_count; b++)
                for (size_t t = 0; t < plan->thread_count; t++)
                    share->groups[share->count++] =
                        (rb_cell_group){.network = plan->networks[n],
                                        .size = sizes[s],
                                        .batch = plan->batches[b],
                                        .threads = (int32_t)plan->threads[t]};
    }
    return status;
}

static rb_status assign(const rb_plan *plan, rb_run_share *share, rb_error *err) {
    const int32_t shards = plan->shard.count;
    if (share->count < (size_t)shards)
        return rb_fail(err, RB_ERR_USAGE,
                       "--shard %d/%d: the run has %zu groups of cells (network, size, batch and "
                       "threads), fewer than shards",
                       plan->shard.index, shards, share->count);
    double *work = malloc(share->count * sizeof *work);
    if (!work)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to split a run");
    for (size_t g = 0; g < share->count; g++)
        work[g] = rb_cell_group_work(&share->groups[g]);
    rb_shard_assign(work, share->count, shards, share->owner);
    free(work);
    return RB_OK;
}

rb_status rb_run_share_make(const rb_plan *plan, rb_run_source *sources, rb_run_share *share,
                            rb_error *err) {
    *share = (rb_run_share){.shard = plan->shard.index};
    share->groups = calloc(RB_MAX_SHARED_GROUPS, sizeof *share->groups);
    share->owner = calloc(RB_MAX_SHARED_GROUPS, sizeof *share->owner);
    rb_status status = share->groups && share->owner
                           ? list_groups(plan, sources, share, err)
                           : rb_fail(err, RB_ERR_MEMORY, "no memory to split a run");
    if (status == RB_OK)
        status = assign(plan, share, err);
    if (status != RB_OK)
        rb_run_share_release(share);
    return status;
}

void rb_run_share_release(rb_run_share *share) {
    free(share->groups);
    free(share->owner);
    *share = (rb_run_share){0};
}

bool rb_run_share_has(const rb_run_share *share, const rb_cell_group *group) {
    for (size_t g = 0; g < share->count; g++) {
        const rb_cell_group *other = &share->groups[g];
        if (other->network == group->network && other->size.height == group->size.height &&
            other->size.width == group->size.width && other->batch == group->batch &&
            other->threads == group->threads)
            return share->owner[g] == share->shard;
    }
    return true;
}

size_t rb_run_share_rows(const rb_plan *plan, const rb_run_share *share) {
    size_t groups = 0;
    for (size_t g = 0; g < share->count; g++)
        groups += share->owner[g] == share->shard;
    return groups * plan->engine_count * plan->mode_count;
}

double rb_run_pending_work(const rb_plan *plan, const rb_run_share *share,
                           const rb_record_list *records, const rb_network *network,
                           rb_plan_size size) {
    rb_pending_row pending[RB_MAX_PENDING];
    double work = 0;
    for (size_t b = 0; b < plan->batch_count; b++)
        for (size_t t = 0; t < plan->thread_count; t++) {
            const rb_cell_group group = {.network = network,
                                         .size = size,
                                         .batch = plan->batches[b],
                                         .threads = (int32_t)plan->threads[t]};
            const size_t count = rb_run_share_has(share, &group)
                                     ? rb_cell_group_pending(plan, records, &group, pending)
                                     : 0;
            if (count > 0)
                work += (double)count * rb_cell_group_work(&group);
        }
    return work;
}
