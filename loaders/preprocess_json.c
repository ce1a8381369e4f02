#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "loaders/preprocess.h"

static const char *const members[] = {"order", "divisor", "mean", "std", "resize", "crop"};

#define MEMBER_COUNT (sizeof members / sizeof members[0])

static const char *type_name(const json_t *value) {
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "a list",    [JSON_STRING] = "a text",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null"};
    return names[json_typeof(value)];
}

static rb_status wrong(const char *where, const char *member, const char *expected,
                       const json_t *found, rb_error *error) {
    return rb_fail(error, RB_ERR_INPUT, "%s: preprocessing: %s must be %s, found %s", where, member,
                   expected, type_name(found));
}

/* All six and no other. */
static rb_status check_members(const json_t *object, const char *where, rb_error *error) {
    const char *name;
    json_t *value;
    for (size_t m = 0; m < MEMBER_COUNT; m++)
        if (!json_object_get(object, members[m]))
            return rb_fail(error, RB_ERR_INPUT, "%s: preprocessing: %s is missing", where,
                           members[m]);
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        bool known = false;
        for (size_t m = 0; m < MEMBER_COUNT; m++)
            known = known || strcmp(name, members[m]) == 0;
        if (!known) {
            char shown[64];
            snprintf(shown, sizeof shown, "%s", name);
            rb_text_clean(shown);
            return rb_fail(error, RB_ERR_INPUT, "%s: preprocessing: member '%s' is unknown", where,
                           shown);
        }
    }
    return RB_OK;
}

static rb_status read_order(const json_t *object, const char *where, bool *bgr, rb_error *error) {
    const json_t *value = json_object_get(object, "order");
    const char *text = json_string_value(value);
    if (!text)
        return wrong(where, "order", "\"RGB\" or \"BGR\"", value, error);
    *bgr = strcmp(text, "BGR") == 0;
    if (!*bgr && strcmp(text, "RGB") != 0)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: preprocessing: order must be \"RGB\" or \"BGR\", found another text",
                       where);
    return RB_OK;
}

static rb_status read_three(const json_t *object, const char *where, const char *member,
                            float values[3], rb_error *error) {
    const json_t *list = json_object_get(object, member);
    if (!json_is_array(list))
        return wrong(where, member, "a list of three numbers", list, error);
    if (json_array_size(list) != 3)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: preprocessing: %s must be a list of three numbers, found a list of %zu",
                       where, member, json_array_size(list));
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value))
            return wrong(where, member, "a list of three numbers", value, error);
        values[i] = (float)json_number_value(value);
    }
    return RB_OK;
}

static rb_status read_sizes(const json_t *object, const char *where, rb_preprocess *preprocess,
                            rb_error *error) {
    const json_t *resize = json_object_get(object, "resize");
    const json_t *crop = json_object_get(object, "crop");
    if (!json_is_null(resize) && !json_is_integer(resize))
        return wrong(where, "resize", "an integer or null", resize, error);
    preprocess->resize = json_integer_value(resize); /* 0 of null */
    if (json_is_integer(resize) && preprocess->resize < 1)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: preprocessing: resize must be at least 1, or null for none, found %lld",
                       where, (long long)preprocess->resize);
    if (json_is_null(crop))
        return RB_OK;
    if (!json_is_array(crop) || json_array_size(crop) != 2 ||
        !json_is_integer(json_array_get(crop, 0)) || !json_is_integer(json_array_get(crop, 1)))
        return wrong(where, "crop", "a list of two integers, height and width, or null", crop,
                     error);
    preprocess->crop_height = json_integer_value(json_array_get(crop, 0));
    preprocess->crop_width = json_integer_value(json_array_get(crop, 1));
    if (preprocess->crop_height < 1 || preprocess->crop_width < 1)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: preprocessing: crop must be at least 1 x 1, found %lld x %lld", where,
                       (long long)preprocess->crop_height, (long long)preprocess->crop_width);
    return RB_OK;
}

/* rb_preprocess_check, to which an open crop is fine. */
static rb_status check_values(const rb_preprocess *preprocess, rb_error *error) {
    rb_preprocess cropped = *preprocess;
    if (cropped.crop_height == 0 && cropped.crop_width == 0)
        cropped.crop_height = cropped.crop_width = 1;
    return rb_preprocess_check(&cropped, error);
}

static rb_status read_object(const json_t *object, const char *where, rb_preprocess *preprocess,
                             rb_error *error) {
    rb_error reason;
    rb_status status = check_members(object, where, error);
    if (status == RB_OK)
        status = read_order(object, where, &preprocess->bgr, error);
    if (status != RB_OK)
        return status;
    const json_t *divisor = json_object_get(object, "divisor");
    if (!json_is_number(divisor))
        return wrong(where, "divisor", "a number", divisor, error);
    preprocess->divisor = (float)json_number_value(divisor);
    status = read_three(object, where, "mean", preprocess->mean, error);
    if (status == RB_OK)
        status = read_three(object, where, "std", preprocess->std, error);
    if (status == RB_OK)
        status = read_sizes(object, where, preprocess, error);
    if (status == RB_OK && check_values(preprocess, &reason) != RB_OK)
        status = rb_fail(error, RB_ERR_INPUT, "%s: preprocessing: %.400s", where, reason.message);
    return status;
}

rb_status rb_preprocess_parse(const char *text, const char *where, rb_preprocess *preprocess,
                              rb_error *error) {
    json_error_t reason;
    rb_status status;
    *preprocess = (rb_preprocess){0};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    if (json_is_object(root)) {
        status = read_object(root, where, preprocess, error);
    } else {
        rb_text_clean(reason.text);
        status = rb_fail(error, RB_ERR_INPUT, "%s: preprocessing is no JSON object: %s", where,
                         root ? type_name(root) : reason.text);
    }
    json_decref(root);
    if (status != RB_OK)
        *preprocess = (rb_preprocess){0};
    return status;
}

/* The fewest digits that give the value back: 6 are safe in a float, 9 always enough. */
static void append_number(char *text, size_t capacity, float value) {
    char digits[32];
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if ((float)strtod(digits, NULL) == value)
            break;
    }
    const size_t used = strlen(text);
    snprintf(text + used, capacity - used, "%s", digits);
}

static void append_text(char *text, size_t capacity, const char *more) {
    const size_t used = strlen(text);
    snprintf(text + used, capacity - used, "%s", more);
}

static void append_three(char *text, size_t capacity, const char *member, const float values[3]) {
    append_text(text, capacity, member);
    for (int c = 0; c < 3; c++) {
        append_text(text, capacity, c ? "," : "[");
        append_number(text, capacity, values[c]);
    }
}

rb_status rb_preprocess_format(const rb_preprocess *preprocess, char *text, size_t capacity,
                               rb_error *error) {
    char full[RB_PREPROCESS_CAPACITY] = "{\"order\":", sizes[128];
    text[0] = '\0';
    const rb_status status = check_values(preprocess, error);
    if (status != RB_OK)
        return status;
    append_text(full, sizeof full, preprocess->bgr ? "\"BGR\"" : "\"RGB\"");
    append_text(full, sizeof full, ",\"divisor\":");
    append_number(full, sizeof full, preprocess->divisor);
    append_three(full, sizeof full, ",\"mean\":", preprocess->mean);
    append_three(full, sizeof full, "],\"std\":", preprocess->std);
    if (preprocess->resize > 0)
        snprintf(sizes, sizeof sizes, "],\"resize\":%lld", (long long)preprocess->resize);
    append_text(full, sizeof full, preprocess->resize > 0 ? sizes : "],\"resize\":null");
    if (preprocess->crop_height > 0)
        snprintf(sizes, sizeof sizes, ",\"crop\":[%lld,%lld]}", (long long)preprocess->crop_height,
                 (long long)preprocess->crop_width);
    append_text(full, sizeof full, preprocess->crop_height > 0 ? sizes : ",\"crop\":null}");
    if (strlen(full) >= capacity)
        return rb_fail(error, RB_ERR_USAGE, "the text of a preprocessing needs %zu bytes, not %zu",
                       strlen(full) + 1, capacity);
    strcpy(text, full);
    return RB_OK;
}

rb_status rb_preprocess_named(const char *name, rb_preprocess *preprocess, rb_error *error) {
    const bool raw = strcmp(name, "raw") == 0, small = raw || strcmp(name, "cifar") == 0;
    rb_preprocess_init(preprocess, small ? 32 : RB_PREPROCESS_CROP,
                       small ? 32 : RB_PREPROCESS_CROP);
    if (small)
        preprocess->resize = 0;
    if (raw) {
        preprocess->divisor = 1;
        for (int c = 0; c < 3; c++) {
            preprocess->mean[c] = 0;
            preprocess->std[c] = 1;
        }
    } else if (strcmp(name, "caffe") == 0) {
        static const float mean[3] = {103.939f, 116.779f, 123.68f};
        preprocess->bgr = true;
        preprocess->divisor = 1;
        for (int c = 0; c < 3; c++) {
            preprocess->mean[c] = mean[c];
            preprocess->std[c] = 1;
        }
    } else if (!small && strcmp(name, "torchvision") != 0) {
        *preprocess = (rb_preprocess){0};
        return rb_fail(error, RB_ERR_USAGE,
                       "there is no preprocessing '%.100s': torchvision, caffe, cifar and raw are "
                       "known",
                       name);
    }
    return RB_OK;
}

rb_status rb_preprocess_choose(const char *stored, const char *where, int64_t resize,
                               int64_t height, int64_t width, int64_t own,
                               rb_preprocess *preprocess, rb_error *error) {
    const bool none = strcmp(stored, "none") == 0;
    rb_status status = RB_OK;
    if (none)
        rb_preprocess_init(preprocess, RB_PREPROCESS_CROP, RB_PREPROCESS_CROP);
    else
        status = rb_preprocess_parse(stored, where, preprocess, error);
    if (status != RB_OK)
        return status;
    if (height)
        rb_preprocess_fit(preprocess, height, width);
    else if (none || preprocess->crop_height == 0)
        rb_preprocess_fit(preprocess, own, own);
    if (resize != RB_RESIZE_STORED)
        preprocess->resize = resize;
    return rb_preprocess_check(preprocess, error);
}
