#include "results/json_fields.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

json_t *rb_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

void rb_json_set_known(json_t *object, const char *key, double value) {
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

static json_t *to_json(const rb_json_field *field, const char *from) {
    const void *at = from + field->offset;
    switch (field->kind) {
    case RB_JSON_TEXT:
        return json_string(at);
    case RB_JSON_BOOL:
        return json_boolean(*(const bool *)at);
    case RB_JSON_INT32:
        return json_integer(*(const int32_t *)at);
    case RB_JSON_INT64:
        return json_integer(*(const int64_t *)at);
    case RB_JSON_COUNT:
        return *(const int64_t *)at < 0 ? json_null() : json_integer(*(const int64_t *)at);
    case RB_JSON_UINT64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case RB_JSON_DOUBLE:
        return rb_json_number(*(const double *)at);
    }
    return NULL;
}

void rb_json_fields_write(const rb_json_field *fields, size_t count, const void *from,
                          json_t *object) {
    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, fields[i].name, to_json(&fields[i], from));
}

static bool integer_in(const json_t *value, int64_t low, int64_t high) {
    return json_is_integer(value) && json_integer_value(value) >= low &&
           json_integer_value(value) <= high;
}

static bool from_json(const rb_json_field *field, const json_t *value, char *to) {
    void *at = to + field->offset;
    switch (field->kind) {
    case RB_JSON_TEXT:
        if (!json_is_string(value) || json_string_length(value) >= field->size)
            return false;
        memcpy(at, json_string_value(value), json_string_length(value) + 1);
        rb_text_clean(at);
        return true;
    case RB_JSON_BOOL:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case RB_JSON_INT32:
        if (!integer_in(value, INT32_MIN, INT32_MAX))
            return false;
        *(int32_t *)at = (int32_t)json_integer_value(value);
        return true;
    case RB_JSON_INT64:
        if (!integer_in(value, INT64_MIN, INT64_MAX))
            return false;
        *(int64_t *)at = json_integer_value(value);
        return true;
    case RB_JSON_COUNT:
        if (!json_is_null(value) && !integer_in(value, 0, INT64_MAX))
            return false;
        *(int64_t *)at = json_is_null(value) ? -1 : json_integer_value(value);
        return true;
    case RB_JSON_UINT64:
        if (!integer_in(value, 0, INT64_MAX))
            return false;
        *(uint64_t *)at = (uint64_t)json_integer_value(value);
        return true;
    case RB_JSON_DOUBLE:
        if (!json_is_number(value) && !json_is_null(value))
            return false;
        *(double *)at = json_is_null(value) ? NAN : json_number_value(value);
        return true;
    }
    return false;
}

rb_status rb_json_fields_read(const rb_json_field *fields, size_t count, const json_t *object,
                              void *to, rb_error *err) {
    for (size_t i = 0; i < count; i++)
        if (!from_json(&fields[i], json_object_get(object, fields[i].name), to))
            return rb_fail(err, RB_ERR_INPUT, "member %s is missing or invalid", fields[i].name);
    return RB_OK;
}
