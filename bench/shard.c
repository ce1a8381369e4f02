#include "bench/shard.h"

#include <string.h>

void rb_shard_assign(const double *work, size_t tasks, int32_t shards, int32_t *owner) {
    double load[RB_MAX_SHARDS] = {0};
    memset(owner, 0, tasks * sizeof *owner);
    for (size_t done = 0; done < tasks; done++) {
        size_t largest = tasks;
        int32_t least = 0;
        for (size_t i = 0; i < tasks; i++)
            if (owner[i] == 0 && (largest == tasks || work[i] > work[largest]))
                largest = i;
        for (int32_t s = 1; s < shards; s++)
            if (load[s] < load[least])
                least = s;
        load[least] += work[largest];
        owner[largest] = least + 1;
    }
}

void rb_shard_range(rb_shard shard, int64_t tasks, int64_t *first, int64_t *count) {
    if (shard.count == 0)
        shard = (rb_shard){1, 1};
    const int64_t each = tasks / shard.count, more = tasks % shard.count;
    const int64_t before = shard.index - 1;
    *first = before * each + (before < more ? before : more);
    *count = each + (before < more ? 1 : 0);
}
