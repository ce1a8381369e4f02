#include "results/accuracy_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "results/json_fields.h"
#include "results/report_file.h"

/* One array for each member of rb_accuracy_image. */
typedef struct field {
    const char *name;
    bool integer; /* int32_t, or double with null for NaN */
    size_t offset;
} field;

#define FIELD(name, integer)                                                                       \
    { #name, integer, offsetof(rb_accuracy_image, name) }

static const field fields[] = {
    FIELD(top1, true),    FIELD(rank, true),          FIELD(score, false),
    FIELD(margin, false), FIELD(oracle_score, false), FIELD(max_abs_error, false),
    FIELD(rel_l2, false),
};
static const size_t field_count = sizeof fields / sizeof fields[0];

static json_t *value_to_json(const field *f, const rb_accuracy_image *image) {
    const char *at = (const char *)image + f->offset;
    if (f->integer)
        return json_integer(*(const int32_t *)(const void *)at);
    return rb_json_number(*(const double *)(const void *)at);
}

static json_t *engine_to_json(const rb_accuracy_engine *engine) {
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:f, s:I, s:s, s:s}", "engine", engine->engine, "version",
                  engine->version, "done", (json_int_t)engine->done, "call_ns", engine->call_ns,
                  "called_images", (json_int_t)engine->called_images, "failure",
                  rb_verdict_name(engine->failure), "failure_note", engine->failure_note);
    for (size_t f = 0; f < field_count; f++) {
        json_t *values = json_array();
        for (int64_t i = 0; i < engine->done; i++)
            json_array_append_new(values, value_to_json(&fields[f], &engine->images[i]));
        json_object_set_new(object, fields[f].name, values);
    }
    return object;
}

/* NULL when no image has a name. */
static json_t *names_to_json(const rb_accuracy *accuracy) {
    json_t *names = json_array();
    bool any = false;
    for (int64_t i = 0; i < accuracy->count; i++) {
        const char *name = accuracy->name(accuracy->name_ctx, accuracy->first + i);
        json_array_append_new(names, json_string(name));
        any = any || *name;
    }
    if (any)
        return names;
    json_decref(names);
    return NULL;
}

rb_status rb_accuracy_images_write(const char *directory, const rb_accuracy *accuracy,
                                   rb_error *err) {
    json_t *root = json_object(), *engines = json_array(), *labels = json_array();
    json_t *names = names_to_json(accuracy), *notes = json_array();
    for (size_t e = 0; e < accuracy->engine_count; e++)
        json_array_append_new(engines, engine_to_json(&accuracy->engines[e]));
    for (int64_t i = 0; i < accuracy->count; i++)
        json_array_append_new(labels, json_integer(accuracy->labels[i]));
    json_object_set_new(root, "schema_version", json_integer(RB_ACCURACY_SCHEMA));
    json_object_set(root, "identity", accuracy->identity);
    json_object_set_new(root, "data", json_string(accuracy->data));
    for (size_t n = 0; n < accuracy->note_count; n++)
        json_array_append_new(notes, json_string(accuracy->notes[n]));
    json_object_set_new(root, "notes", notes);
    json_object_set_new(root, "labels", labels);
    if (names)
        json_object_set_new(root, "names", names);
    json_object_set_new(root, "moved_rel_l2", json_real(accuracy->moved_rel_l2));
    json_object_set_new(root, "engines", engines);
    return rb_report_json(directory, RB_ACCURACY_IMAGES, root, JSON_COMPACT, err);
}

static bool value_from_json(const field *f, const json_t *value, rb_accuracy_image *image) {
    char *at = (char *)image + f->offset;
    if (f->integer) {
        const json_int_t number = json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
        if (number < -1 || number > INT32_MAX)
            return false;
        *(int32_t *)(void *)at = (int32_t)number;
        return true;
    }
    if (!json_is_number(value) && !json_is_null(value))
        return false;
    *(double *)(void *)at = json_is_null(value) ? NAN : json_number_value(value);
    return true;
}

/* What the values of one image say of each other. */
static bool holds_together(const rb_accuracy *accuracy, int64_t index,
                           const rb_accuracy_image *image) {
    return image->top1 < accuracy->classes && image->rank >= 0 &&
           image->rank <= accuracy->classes + 1 &&
           (image->rank == 0) == (accuracy->labels[index] < 0) &&
           (image->top1 < 0) == isnan(image->score) &&
           isnan(image->rel_l2) == isnan(image->max_abs_error) && !(image->margin < 0) &&
           !(image->max_abs_error < 0) && !(image->rel_l2 < 0);
}

static bool copy_text(const json_t *object, const char *key, char *text, size_t capacity) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) || json_string_length(value) >= capacity)
        return false;
    memcpy(text, json_string_value(value), json_string_length(value) + 1);
    rb_text_clean(text);
    return true;
}

/* RB_ERR_INPUT with the member that is wrong. */
static rb_status engine_from_json(const json_t *object, const rb_accuracy *accuracy,
                                  rb_accuracy_engine *engine, rb_error *err) {
    char name[sizeof engine->engine], failure[32];
    const json_t *call_ns = json_object_get(object, "call_ns");
    const json_t *called = json_object_get(object, "called_images");
    const json_t *done = json_object_get(object, "done");
    if (!copy_text(object, "engine", name, sizeof name) || strcmp(name, engine->engine) != 0)
        return rb_fail(err, RB_ERR_INPUT, "engine");
    if (!copy_text(object, "version", engine->version, sizeof engine->version))
        return rb_fail(err, RB_ERR_INPUT, "version");
    if (!copy_text(object, "failure_note", engine->failure_note, sizeof engine->failure_note))
        return rb_fail(err, RB_ERR_INPUT, "failure_note");
    if (!copy_text(object, "failure", failure, sizeof failure) ||
        !rb_verdict_parse(failure, &engine->failure))
        return rb_fail(err, RB_ERR_INPUT, "failure");
    if (!json_is_number(call_ns) || !(json_number_value(call_ns) >= 0))
        return rb_fail(err, RB_ERR_INPUT, "call_ns");
    if (!json_is_integer(called) || json_integer_value(called) < 0)
        return rb_fail(err, RB_ERR_INPUT, "called_images");
    engine->done = json_is_integer(done) ? json_integer_value(done) : -1;
    if (engine->done < 0 || engine->done > accuracy->count ||
        (engine->done < accuracy->count && engine->done % accuracy->batch != 0))
        return rb_fail(err, RB_ERR_INPUT, "done");
    engine->call_ns = json_number_value(call_ns);
    engine->called_images = json_integer_value(called);
    for (size_t f = 0; f < field_count; f++) {
        const json_t *values = json_object_get(object, fields[f].name);
        if (json_array_size(values) != (size_t)engine->done)
            return rb_fail(err, RB_ERR_INPUT, "%s", fields[f].name);
        for (int64_t i = 0; i < engine->done; i++)
            if (!value_from_json(&fields[f], json_array_get(values, (size_t)i), &engine->images[i]))
                return rb_fail(err, RB_ERR_INPUT, "%s", fields[f].name);
    }
    for (int64_t i = 0; i < engine->done; i++)
        if (!holds_together(accuracy, i, &engine->images[i]))
            return rb_fail(err, RB_ERR_INPUT, "image %lld", (long long)i);
    return RB_OK;
}

static rb_status check_identity(const json_t *theirs, const json_t *ours, const char *path,
                                rb_error *err) {
    char differing[256] = "";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)ours, key, value) {
        const size_t used = strlen(differing);
        if (!json_equal(value, json_object_get(theirs, key)))
            snprintf(differing + used, sizeof differing - used, "%s%s", used ? ", " : "", key);
    }
    if (differing[0])
        return rb_fail(err, RB_ERR_NOT_COMPARABLE, "%s: was made with another %s; use another -o",
                       path, differing);
    return RB_OK;
}

static rb_status check_schema(const json_t *root, const char *path, rb_error *err) {
    const json_t *version = json_object_get(root, "schema_version");
    if (!json_is_integer(version) || json_integer_value(version) != RB_ACCURACY_SCHEMA ||
        !json_is_object(json_object_get(root, "identity")))
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: is not a file of schema version %d written by 'resbench accuracy'",
                       path, RB_ACCURACY_SCHEMA);
    return RB_OK;
}

static rb_status read_engines(const json_t *root, const char *path, rb_accuracy *accuracy,
                              rb_error *err) {
    rb_error member;
    const json_t *engines = json_object_get(root, "engines");
    const json_t *moved = json_object_get(root, "moved_rel_l2");
    if (!json_is_number(moved) || !(json_number_value(moved) >= 0))
        return rb_fail(err, RB_ERR_INPUT, "%s: is damaged: moved_rel_l2", path);
    accuracy->moved_rel_l2 = json_number_value(moved);
    if (json_array_size(engines) != accuracy->engine_count)
        return rb_fail(err, RB_ERR_INPUT, "%s: is damaged: %zu engines, expected %zu", path,
                       json_array_size(engines), accuracy->engine_count);
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (engine_from_json(json_array_get(engines, e), accuracy, &accuracy->engines[e],
                             &member) != RB_OK)
            return rb_fail(err, RB_ERR_INPUT, "%s: is damaged: %s of engine %zu", path,
                           member.message, e);
    return RB_OK;
}

/* NULL, with a sentence, when there is no such file, or none of our schema. */
static json_t *load(const char *path, rb_error *err) {
    json_t *root;
    if (rb_report_load_json(path, JSON_REJECT_DUPLICATES, &root, err) != RB_OK ||
        check_schema(root, path, err) == RB_OK)
        return root;
    json_decref(root);
    return NULL;
}

rb_status rb_accuracy_images_read(const char *directory, rb_accuracy *accuracy, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    rb_status status = rb_path_in(directory, RB_ACCURACY_IMAGES, path, err);
    if (status != RB_OK)
        return status;
    json_t *root = load(path, err);
    if (!root)
        return RB_ERR_INPUT;
    status = check_identity(json_object_get(root, "identity"), accuracy->identity, path, err);
    if (status == RB_OK)
        status = read_engines(root, path, accuracy, err);
    json_decref(root);
    return status;
}

static const char *name_in_file(void *ctx, int64_t image) {
    const rb_accuracy_part *part = ctx;
    const json_t *names = json_object_get(part->root, "names");
    const char *name =
        json_string_value(json_array_get(names, (size_t)(image - part->accuracy.first)));
    return name ? name : "";
}

static bool whole_number(const json_t *object, const char *key, int64_t low, int64_t high,
                         int64_t *value) {
    const json_t *member = json_object_get(object, key);
    *value = json_is_integer(member) ? json_integer_value(member) : -1;
    return *value >= low && *value <= high;
}

/* What a job has of its plan and its data set, a file has written down. NULL, or the member that is
 * wrong. */
static const char *read_identity(const json_t *identity, rb_accuracy *accuracy) {
    const json_t *engines = json_object_get(identity, "engines");
    accuracy->engine_count = json_array_size(engines);
    if (accuracy->engine_count < 1 || accuracy->engine_count > RB_ACCURACY_MAX_ENGINES)
        return "engines";
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        rb_accuracy_engine *engine = &accuracy->engines[e];
        if (!copy_text(json_array_get(engines, e), "engine", engine->engine, sizeof engine->engine))
            return "engines";
    }
    if (!copy_text(identity, "network", accuracy->network, sizeof accuracy->network))
        return "network";
    if (!whole_number(identity, "batch", 1, INT32_MAX, &accuracy->batch))
        return "batch";
    if (!whole_number(identity, "classes", 1, INT32_MAX, &accuracy->classes))
        return "classes";
    if (!whole_number(identity, "of_images", 1, INT32_MAX, &accuracy->whole))
        return "of_images";
    if (!whole_number(identity, "first_image", 0, accuracy->whole - 1, &accuracy->first) ||
        accuracy->first % accuracy->batch != 0)
        return "first_image";
    if (!whole_number(identity, "images", 1, accuracy->whole - accuracy->first, &accuracy->count))
        return "images";
    return NULL;
}

/* Labels and names, one for each image; NULL, or the member that is wrong. */
static const char *check_lists(const json_t *root, const rb_accuracy *accuracy) {
    const json_t *labels = json_object_get(root, "labels"), *names = json_object_get(root, "names");
    const json_t *item;
    size_t i;
    if (json_array_size(labels) != (size_t)accuracy->count)
        return "labels";
    if (names && json_array_size(names) != (size_t)accuracy->count)
        return "names";
    json_array_foreach((json_t *)(uintptr_t)labels, i, item) {
        const json_int_t label = json_is_integer(item) ? json_integer_value(item) : INT64_MIN;
        if (label < INT32_MIN || label >= accuracy->classes)
            return "labels";
    }
    return NULL;
}

static rb_status copy_labels(rb_accuracy_part *part, rb_error *err) {
    const int64_t count = part->accuracy.count;
    const json_t *labels = json_object_get(part->root, "labels");
    part->labels = malloc((size_t)count * sizeof *part->labels);
    if (!part->labels)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %lld labels", (long long)count);
    for (int64_t i = 0; i < count; i++)
        part->labels[i] = (int32_t)json_integer_value(json_array_get(labels, (size_t)i));
    part->accuracy.labels = part->labels;
    return RB_OK;
}

static void read_notes(const json_t *root, rb_accuracy *accuracy) {
    const json_t *notes = json_object_get(root, "notes");
    for (size_t n = 0; n < json_array_size(notes); n++) {
        const char *note = json_string_value(json_array_get(notes, n));
        if (note)
            rb_accuracy_add_note(accuracy, "%s", note);
    }
}

rb_status rb_accuracy_part_load(const char *path, rb_accuracy_part *part, rb_error *err) {
    rb_accuracy *accuracy = &part->accuracy;
    *part = (rb_accuracy_part){0};
    part->root = load(path, err);
    if (!part->root)
        return RB_ERR_INPUT;
    accuracy->identity = json_object_get(part->root, "identity");
    accuracy->data = json_string_value(json_object_get(part->root, "data"));
    const char *wrong = accuracy->data ? read_identity(accuracy->identity, accuracy) : "data";
    if (!wrong)
        wrong = check_lists(part->root, accuracy);
    rb_status status = wrong ? rb_fail(err, RB_ERR_INPUT, "%s: is damaged: %s", path, wrong)
                             : copy_labels(part, err);
    accuracy->name = name_in_file;
    accuracy->name_ctx = part;
    if (status == RB_OK)
        status = rb_accuracy_allocate(accuracy, err);
    if (status == RB_OK)
        status = read_engines(part->root, path, accuracy, err);
    read_notes(part->root, accuracy);
    if (status != RB_OK)
        rb_accuracy_part_release(part);
    return status;
}

void rb_accuracy_part_release(rb_accuracy_part *part) {
    rb_accuracy_release(&part->accuracy);
    free(part->labels);
    json_decref(part->root);
    *part = (rb_accuracy_part){0};
}
