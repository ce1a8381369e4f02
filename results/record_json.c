#include "results/record_json.h"

#include <math.h>
#include <string.h>

typedef enum field_kind { FIELD_TEXT, FIELD_INT32, FIELD_INT64, FIELD_DOUBLE } field_kind;

/* The members of rb_record that go to the file, by their own names. */
typedef struct record_field {
    const char *name;
    field_kind kind;
    size_t offset, size;
} record_field;

#define FIELD(kind, name)                                                                          \
    { #name, kind, offsetof(rb_record, name), sizeof(((rb_record *)0)->name) }

static const record_field fields[] = {
    FIELD(FIELD_TEXT, network),
    FIELD(FIELD_TEXT, engine),
    FIELD(FIELD_TEXT, engine_version),
    FIELD(FIELD_TEXT, engine_sha256),
    FIELD(FIELD_TEXT, weights_sha256),
    FIELD(FIELD_TEXT, preprocessing),
    FIELD(FIELD_INT32, depth),
    FIELD(FIELD_INT32, blocks),
    FIELD(FIELD_INT64, batch),
    FIELD(FIELD_INT64, height),
    FIELD(FIELD_INT64, width),
    FIELD(FIELD_INT32, threads),
    FIELD(FIELD_INT64, parameters),
    FIELD(FIELD_INT64, macs),
    FIELD(FIELD_TEXT, note),
    FIELD(FIELD_INT64, images),
    FIELD(FIELD_DOUBLE, rel_l2),
    FIELD(FIELD_DOUBLE, rel_l2_limit),
    FIELD(FIELD_DOUBLE, max_abs_error),
    FIELD(FIELD_INT64, top1_agree),
    FIELD(FIELD_TEXT, kernel_plan),
    FIELD(FIELD_INT32, reorders),
    FIELD(FIELD_DOUBLE, load_ns),
    FIELD(FIELD_DOUBLE, open_ns),
    FIELD(FIELD_DOUBLE, first_run_ns),
    FIELD(FIELD_DOUBLE, yardstick_spread),
    FIELD(FIELD_DOUBLE, steal_share),
    FIELD(FIELD_DOUBLE, peak_gmacs),
    FIELD(FIELD_INT64, weight_bytes),
    FIELD(FIELD_INT64, packed_weight_bytes),
    FIELD(FIELD_INT64, activation_bytes),
    FIELD(FIELD_INT64, activation_bound_bytes),
    FIELD(FIELD_INT64, scratch_bytes),
    FIELD(FIELD_INT64, peak_rss_bytes),
    FIELD(FIELD_INT64, peak_rss_after_start_bytes),
    FIELD(FIELD_INT64, steady_rss_bytes),
};

static const size_t field_count = sizeof fields / sizeof fields[0];

/* JSON has no NaN: null stands for it. */
static json_t *number_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *field_to_json(const record_field *field, const rb_record *record) {
    const char *at = (const char *)record + field->offset;
    switch (field->kind) {
    case FIELD_TEXT:
        return json_string(at);
    case FIELD_INT32:
        return json_integer(*(const int32_t *)(const void *)at);
    case FIELD_INT64:
        return json_integer(*(const int64_t *)(const void *)at);
    case FIELD_DOUBLE:
        return number_or_null(*(const double *)(const void *)at);
    }
    return NULL;
}

json_t *rb_record_to_json(const rb_record *record) {
    char name[256];
    rb_record_name(record, name, sizeof name);
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "verdict", json_string(rb_verdict_name(record->verdict)));
    for (size_t i = 0; i < field_count; i++)
        json_object_set_new(object, fields[i].name, field_to_json(&fields[i], record));
    return object;
}

static bool field_from_json(const record_field *field, const json_t *value, rb_record *record) {
    char *at = (char *)record + field->offset;
    switch (field->kind) {
    case FIELD_TEXT:
        if (!json_is_string(value) || json_string_length(value) >= field->size)
            return false;
        memcpy(at, json_string_value(value), json_string_length(value) + 1);
        return true;
    case FIELD_INT32:
        if (!json_is_integer(value) || json_integer_value(value) > INT32_MAX ||
            json_integer_value(value) < INT32_MIN)
            return false;
        *(int32_t *)(void *)at = (int32_t)json_integer_value(value);
        return true;
    case FIELD_INT64:
        if (!json_is_integer(value))
            return false;
        *(int64_t *)(void *)at = json_integer_value(value);
        return true;
    case FIELD_DOUBLE:
        if (!json_is_number(value) && !json_is_null(value))
            return false;
        *(double *)(void *)at = json_is_null(value) ? NAN : json_number_value(value);
        return true;
    }
    return false;
}

rb_status rb_record_from_json(const json_t *object, rb_record *record, rb_error *err) {
    rb_record_init(record);
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    if (!verdict || !rb_verdict_parse(verdict, &record->verdict))
        return rb_fail(err, RB_ERR_INPUT, "a record has no valid verdict");
    for (size_t i = 0; i < field_count; i++)
        if (!field_from_json(&fields[i], json_object_get(object, fields[i].name), record))
            return rb_fail(err, RB_ERR_INPUT, "a record's member %s is missing or invalid",
                           fields[i].name);
    return RB_OK;
}
