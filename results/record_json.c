#include "results/record_json.h"

#include "results/json_fields.h"

/* The members of rb_record that go to the file, by their own names. */
#define FIELD(kind, name) RB_JSON_FIELD(rb_record, kind, name)

static const rb_json_field fields[] = {
    FIELD(TEXT, network),
    FIELD(TEXT, engine),
    FIELD(TEXT, engine_version),
    FIELD(TEXT, engine_sha256),
    FIELD(TEXT, weights_sha256),
    FIELD(TEXT, preprocessing),
    FIELD(TEXT, settings),
    FIELD(TEXT, settings_tried),
    FIELD(INT32, depth),
    FIELD(INT32, blocks),
    FIELD(INT64, batch),
    FIELD(INT64, height),
    FIELD(INT64, width),
    FIELD(INT32, threads),
    FIELD(TEXT, affinity),
    FIELD(TEXT, processors),
    FIELD(INT32, processor_count),
    FIELD(INT32, cores),
    FIELD(INT32, numa_nodes),
    FIELD(DOUBLE, cpu_quota),
    FIELD(TEXT, mode),
    FIELD(TEXT, scenario),
    FIELD(INT64, stretch_batches),
    FIELD(INT64, parameters),
    FIELD(INT64, macs),
    FIELD(TEXT, note),
    FIELD(INT64, images),
    FIELD(DOUBLE, rel_l2),
    FIELD(DOUBLE, rel_l2_limit),
    FIELD(DOUBLE, max_abs_error),
    FIELD(INT64, top1_agree),
    FIELD(TEXT, kernel_plan),
    FIELD(INT32, reorders),
    FIELD(DOUBLE, load_ns),
    FIELD(DOUBLE, open_ns),
    FIELD(DOUBLE, first_run_ns),
    FIELD(DOUBLE, yardstick_spread),
    FIELD(DOUBLE, steal_share),
    FIELD(DOUBLE, harness_overhead_ns),
    FIELD(DOUBLE, peak_gmacs),
    FIELD(INT64, weight_bytes),
    FIELD(INT64, packed_weight_bytes),
    FIELD(INT64, activation_bytes),
    FIELD(INT64, activation_bound_bytes),
    FIELD(INT64, scratch_bytes),
    FIELD(INT64, peak_rss_bytes),
    FIELD(INT64, peak_rss_after_start_bytes),
    FIELD(INT64, steady_rss_bytes),
    FIELD(COUNT, foreseen_bytes),
};

static const size_t field_count = sizeof fields / sizeof fields[0];

json_t *rb_record_to_json(const rb_record *record) {
    char name[256];
    rb_record_name(record, name, sizeof name);
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "verdict", json_string(rb_verdict_name(record->verdict)));
    rb_json_fields_write(fields, field_count, record, object);
    rb_json_fields_write(rb_ledger_fields, rb_ledger_field_count, &record->ledger, object);
    rb_json_fields_write(rb_call_counts_fields, rb_call_counts_field_count, &record->counts,
                         object);
    return object;
}

rb_status rb_record_from_json(const json_t *object, rb_record *record, rb_error *err) {
    rb_record_init(record);
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    if (!verdict || !rb_verdict_parse(verdict, &record->verdict))
        return rb_fail(err, RB_ERR_INPUT, "a record has no valid verdict");
    rb_error why;
    rb_status status = rb_json_fields_read(fields, field_count, object, record, &why);
    if (status == RB_OK)
        status = rb_json_fields_read(rb_ledger_fields, rb_ledger_field_count, object,
                                     &record->ledger, &why);
    if (status == RB_OK)
        status = rb_json_fields_read(rb_call_counts_fields, rb_call_counts_field_count, object,
                                     &record->counts, &why);
    return status == RB_OK ? RB_OK : rb_fail(err, status, "a record's %s", why.message);
}
