#include "results/merge.h"

#include <stdlib.h>
#include <string.h>

#include "results/likeness.h"

typedef struct merger {
    const char *const *paths;
    rb_report *reports;
    size_t count;
    bool partial;
} merger;

static rb_status load_all(merger *m, rb_error *err) {
    for (size_t i = 0; i < m->count; i++) {
        const rb_status status = rb_report_load(m->paths[i], &m->reports[i], err);
        if (status != RB_OK)
            return status;
    }
    return RB_OK;
}

static rb_status check_likeness(const merger *m, size_t b, rb_error *err) {
    rb_likeness likeness;
    rb_likeness_find(&m->reports[0], &m->reports[b], &likeness);
    const rb_difference *different = likeness.method_count > 0    ? &likeness.method[0]
                                     : likeness.machine_count > 0 ? &likeness.machine[0]
                                                                  : NULL;
    if (different)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s and %s cannot be one table: %s is %s in the first and %s in the second",
                       m->paths[0], m->paths[b], different->member, different->a, different->b);
    const char *one = json_string_value(json_object_get(m->reports[0].plan, "resbench"));
    const char *other = json_string_value(json_object_get(m->reports[b].plan, "resbench"));
    if (!one || !other || strcmp(one, other) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE, "%s is of resbench %s, %s of %s", m->paths[0],
                       one ? one : "unknown", m->paths[b], other ? other : "unknown");
    return RB_OK;
}

/* Two rows that contradict each other: what is one thing in one file is another in the other. */
static rb_status check_rows(const merger *m, size_t a, size_t b, const rb_record *one,
                            const rb_record *other, rb_error *err) {
    const bool one_engine = strcmp(one->engine, other->engine) == 0;
    if (one_engine && strcmp(one->network, other->network) == 0) {
        char name[256], other_name[256];
        rb_record_name(one, name, sizeof name);
        rb_record_name(other, other_name, sizeof other_name);
        if (strcmp(name, other_name) == 0)
            return rb_fail(err, RB_ERR_INPUT, "%s and %s both have the cell %s", m->paths[a],
                           m->paths[b], name);
    }
    if (one_engine && strcmp(one->engine_sha256, other->engine_sha256) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "the engine %s is one file in %s and another one in %s (SHA-256 %.12s and "
                       "%.12s)",
                       one->engine, m->paths[a], m->paths[b], one->engine_sha256,
                       other->engine_sha256);
    if (strcmp(one->network, other->network) != 0)
        return RB_OK;
    if (strcmp(one->weights_sha256, other->weights_sha256) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s has other weights in %s than in %s (SHA-256 %.12s and %.12s)",
                       one->network, m->paths[a], m->paths[b], one->weights_sha256,
                       other->weights_sha256);
    if (strcmp(one->preprocessing, other->preprocessing) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "images of %s were prepared in another way in %s than in %s", one->network,
                       m->paths[a], m->paths[b]);
    return RB_OK;
}

static rb_status check_pair(const merger *m, size_t a, size_t b, rb_error *err) {
    const rb_record_list *left = &m->reports[a].records, *right = &m->reports[b].records;
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < left->count; i++)
        for (size_t j = 0; status == RB_OK && j < right->count; j++)
            status = check_rows(m, a, b, &left->items[i], &right->items[j], err);
    return status;
}

/* "2/4" of a report's plan; false when it is no part of a split run. */
static bool shard_of(const rb_report *report, int *index, int *count) {
    const char *text = json_string_value(json_object_get(report->plan, "shard"));
    return text && sscanf(text, "%d/%d", index, count) == 2 && *index >= 1 && *index <= *count;
}

static rb_status check_whole(const merger *m, size_t i, rb_error *err) {
    const json_t *planned = json_object_get(m->reports[i].context, "planned_rows");
    const size_t rows = m->reports[i].records.count;
    if (m->partial || !planned || (json_int_t)rows >= json_integer_value(planned))
        return RB_OK;
    return rb_fail(
        err, RB_ERR_INPUT,
        "%s: has %zu of %lld rows: finish it with 'resbench run --resume', or merge with "
        "--partial",
        m->paths[i], rows, (long long)json_integer_value(planned));
}

/* All parts of one split, each once. */
static rb_status check_shards(const merger *m, rb_error *err) {
    int index, count, all = 0;
    if (!shard_of(&m->reports[0], &index, &all))
        all = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (!shard_of(&m->reports[i], &index, &count))
            count = 0;
        if (count != all)
            return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                           "%s is one of %d parts of a run, %s one of %d", m->paths[0],
                           all ? all : 1, m->paths[i], count ? count : 1);
        if (!json_equal(json_object_get(m->reports[0].plan, "shard_of"),
                        json_object_get(m->reports[i].plan, "shard_of")) &&
            count > 0)
            return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                           "%s and %s are parts of two runs: their lists of networks, sizes, "
                           "batches, threads, engines or modes differ",
                           m->paths[0], m->paths[i]);
        const rb_status status = check_whole(m, i, err);
        if (status != RB_OK)
            return status;
        for (size_t j = 0; j < i && count; j++) {
            int earlier, same;
            if (shard_of(&m->reports[j], &earlier, &same) && earlier == index)
                return rb_fail(err, RB_ERR_INPUT, "%s and %s are both shard %d/%d", m->paths[j],
                               m->paths[i], index, count);
        }
    }
    for (int wanted = 1; wanted <= all && !m->partial; wanted++) {
        bool found = false;
        for (size_t i = 0; i < m->count && !found; i++)
            found = shard_of(&m->reports[i], &index, &count) && index == wanted;
        if (!found)
            return rb_fail(err, RB_ERR_INPUT,
                           "shard %d/%d is missing; --partial merges what is there", wanted, all);
    }
    return RB_OK;
}

static rb_status check_all(const merger *m, rb_error *err) {
    rb_status status = check_shards(m, err);
    for (size_t b = 1; status == RB_OK && b < m->count; b++)
        status = check_likeness(m, b, err);
    for (size_t a = 0; a < m->count; a++)
        for (size_t b = a + 1; status == RB_OK && b < m->count; b++)
            status = check_pair(m, a, b, err);
    return status;
}

/* Context of the first, and what it cannot say of the others. */
static json_t *merge_contexts(const merger *m) {
    json_t *context = json_deep_copy(m->reports[0].context), *hosts = json_array();
    for (size_t i = 0; i < m->count; i++) {
        const json_t *other = m->reports[i].context;
        json_t *host = json_object_get(other, "host_name");
        const char *grade = json_string_value(json_object_get(other, "grade"));
        const char *worst = json_string_value(json_object_get(context, "grade"));
        if (host)
            json_array_append(hosts, host);
        if (grade && worst && strcmp(grade, worst) > 0) {
            json_object_set(context, "grade", json_object_get(other, "grade"));
            json_object_set(context, "grade_reasons", json_object_get(other, "grade_reasons"));
        }
    }
    json_object_set_new(context, "merged_hosts", hosts);
    json_object_set_new(context, "merged_files", json_integer((json_int_t)m->count));
    json_object_del(context, "planned_rows");
    return context;
}

static int compare_int(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* As a run would have measured them; rows of one group keep their order. */
static int by_cell(const void *a, const void *b) {
    const rb_record *x = *(const rb_record *const *)a, *y = *(const rb_record *const *)b;
    const int orders[] = {
        compare_int(x->depth, y->depth),
        strcmp(x->network, y->network),
        compare_int(x->height, y->height),
        compare_int(x->width, y->width),
        compare_int(x->batch, y->batch),
        compare_int(x->threads, y->threads),
        (x > y) - (x < y),
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (orders[i] != 0)
            return orders[i];
    return 0;
}

/* Moves all rows to one list, in order. */
static rb_status merge_records(merger *m, rb_record_list *records, rb_error *err) {
    rb_record_list all = {0};
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < m->count; i++)
        for (size_t r = 0; status == RB_OK && r < m->reports[i].records.count; r++)
            status = rb_record_list_put(&all, &m->reports[i].records.items[r], err);
    rb_record **order = calloc(all.count + 1, sizeof *order);
    if (status == RB_OK && !order)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %zu rows", all.count);
    for (size_t i = 0; status == RB_OK && i < all.count; i++)
        order[i] = &all.items[i];
    if (status == RB_OK)
        qsort(order, all.count, sizeof *order, by_cell);
    for (size_t i = 0; status == RB_OK && i < all.count; i++)
        status = rb_record_list_put(records, order[i], err);
    free(order);
    rb_record_list_release(&all);
    return status;
}

rb_status rb_merge(const char *const *paths, size_t count, bool partial, rb_report *merged,
                   rb_error *err) {
    merger m = {.paths = paths, .count = count, .partial = partial};
    *merged = (rb_report){0};
    m.reports = calloc(count, sizeof *m.reports);
    if (!m.reports)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu files", count);
    rb_status status = load_all(&m, err);
    if (status == RB_OK)
        status = check_all(&m, err);
    if (status == RB_OK) {
        merged->context = merge_contexts(&m);
        merged->plan = json_deep_copy(m.reports[0].plan);
        json_object_del(merged->plan, "shard");
        json_object_del(merged->plan, "shard_of");
        status = merge_records(&m, &merged->records, err);
    }
    if (status != RB_OK)
        rb_report_release(merged);
    for (size_t i = 0; i < count; i++)
        rb_report_release(&m.reports[i]);
    free(m.reports);
    return status;
}
