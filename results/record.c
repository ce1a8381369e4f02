#include "results/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "results/students_t.h"

static const char *const verdict_names[RB_VERDICT_COUNT] = {
    [RB_VERDICT_NONE] = "-",
    [RB_VERDICT_PASS] = "PASS",
    [RB_VERDICT_MARGINAL] = "MARGINAL",
    [RB_VERDICT_FAIL] = "FAIL",
    [RB_VERDICT_MISTRUSTED] = "MISTRUSTED",
    [RB_VERDICT_UNSUPPORTED] = "UNSUPPORTED",
    [RB_VERDICT_CRASHED] = "CRASHED",
    [RB_VERDICT_TIMEOUT] = "TIMEOUT",
};

const char *rb_verdict_name(rb_verdict verdict) {
    return verdict_names[verdict];
}

rb_verdict rb_verdict_of_failure(rb_status status) {
    switch (status) {
    case RB_ERR_CRASHED:
        return RB_VERDICT_CRASHED;
    case RB_ERR_TIMEOUT:
        return RB_VERDICT_TIMEOUT;
    case RB_ERR_UNSUPPORTED:
        return RB_VERDICT_UNSUPPORTED;
    default:
        return RB_VERDICT_FAIL;
    }
}

bool rb_verdict_parse(const char *name, rb_verdict *verdict) {
    for (int i = 0; i < RB_VERDICT_COUNT; i++)
        if (strcmp(verdict_names[i], name) == 0) {
            *verdict = (rb_verdict)i;
            return true;
        }
    return false;
}

void rb_record_init(rb_record *record) {
    rb_summary none;
    rb_summarize_briefly(NULL, 0, &none, NULL);
    *record = (rb_record){.verdict = RB_VERDICT_NONE,
                          .mode = "steady",
                          .scenario = "calls",
                          .stretch_batches = 1,
                          .affinity = "none",
                          .processor_count = -1,
                          .cores = -1,
                          .numa_nodes = -1,
                          .cpu_quota = NAN,
                          .latency_ns = none,
                          .rel_l2 = NAN,
                          .rel_l2_limit = NAN,
                          .max_abs_error = NAN,
                          .top1_agree = -1,
                          .load_ns = NAN,
                          .open_ns = NAN,
                          .first_run_ns = NAN,
                          .yardstick_spread = NAN,
                          .steal_share = -1,
                          .harness_overhead_ns = NAN,
                          .peak_gmacs = NAN,
                          .weight_bytes = -1,
                          .packed_weight_bytes = -1,
                          .activation_bytes = -1,
                          .activation_bound_bytes = -1,
                          .scratch_bytes = -1,
                          .peak_rss_bytes = -1,
                          .peak_rss_after_start_bytes = -1,
                          .steady_rss_bytes = -1,
                          .foreseen_bytes = -1};
    rb_ledger_init(&record->ledger);
    rb_call_counts_init(&record->counts);
}

void rb_record_release(rb_record *record) {
    free(record->samples);
    record->samples = NULL;
    record->sample_count = 0;
}

rb_status rb_samples_summarize(const rb_sample *samples, size_t count, rb_summary *summary,
                               rb_error *err) {
    double *values = malloc((count + 1) * sizeof *values);
    int32_t *clusters = malloc((count + 1) * sizeof *clusters);
    rb_status status = RB_OK;
    if (values && clusters) {
        for (size_t i = 0; i < count; i++) {
            const rb_sample *sample = &samples[i];
            const bool same =
                i > 0 && sample->worker == sample[-1].worker && sample->turn == sample[-1].turn;
            values[i] = sample->real_ns;
            clusters[i] = i == 0 ? 0 : clusters[i - 1] + !same;
        }
        status = rb_summarize(values, clusters, count, summary, err);
    } else {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", count);
    }
    free(values);
    free(clusters);
    return status;
}

bool rb_record_is_offline(const rb_record *record) {
    return strcmp(record->scenario, "offline") == 0;
}

double rb_record_batch_ns(const rb_record *record) {
    return rb_record_is_offline(record) ? record->latency_ns.mean : record->latency_ns.median;
}

static void summarize_throughput(rb_summary *summary) {
    const double turns = (double)summary->count;
    const double half =
        turns > 1 ? rb_students_t_quantile(0.05, turns - 1) * summary->stddev / sqrt(turns) : NAN;
    summary->low = summary->mean - half;
    summary->high = summary->mean + half;
    for (size_t p = 0; p < RB_PERCENTILES; p++)
        summary->percentiles[p] = (rb_percentile){NAN, NAN, NAN};
}

rb_status rb_record_summarize(rb_record *record, rb_error *err) {
    const rb_status status =
        rb_samples_summarize(record->samples, record->sample_count, &record->latency_ns, err);
    if (status == RB_OK && rb_record_is_offline(record))
        summarize_throughput(&record->latency_ns);
    return status;
}

void rb_record_name(const rb_record *record, char *name, size_t capacity) {
    const bool steady = strcmp(record->mode, "steady") == 0;
    const bool calls = strcmp(record->scenario, "calls") == 0;
    snprintf(name, capacity, "%s/%s/batch:%lld/threads:%d/size:%lldx%lld%s%s%s%s", record->network,
             record->engine, (long long)record->batch, record->threads, (long long)record->height,
             (long long)record->width, steady ? "" : "/", steady ? "" : record->mode,
             calls ? "" : "/", calls ? "" : record->scenario);
}

static rb_record *find(const rb_record_list *list, const char *name) {
    char found[256];
    for (size_t i = 0; i < list->count; i++) {
        rb_record_name(&list->items[i], found, sizeof found);
        if (strcmp(found, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

const rb_record *rb_record_list_find(const rb_record_list *list, const char *name) {
    return find(list, name);
}

rb_status rb_record_list_put(rb_record_list *list, rb_record *record, rb_error *err) {
    char name[256];
    rb_text_clean(record->network);
    rb_text_clean(record->engine);
    rb_text_clean(record->engine_version);
    rb_text_clean(record->note);
    rb_record_name(record, name, sizeof name);
    rb_record *place = find(list, name);
    if (place) {
        rb_record_release(place);
    } else {
        if (list->count == list->capacity) {
            const size_t capacity = list->capacity ? 2 * list->capacity : 16;
            rb_record *items = realloc(list->items, capacity * sizeof *items);
            if (!items)
                return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu records", capacity);
            list->items = items;
            list->capacity = capacity;
        }
        place = &list->items[list->count++];
    }
    *place = *record;
    record->samples = NULL;
    record->sample_count = 0;
    return RB_OK;
}

void rb_record_list_release(rb_record_list *list) {
    for (size_t i = 0; i < list->count; i++)
        rb_record_release(&list->items[i]);
    free(list->items);
    *list = (rb_record_list){0};
}
