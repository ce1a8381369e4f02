#include "results/accuracy_report.h"
#include "results/json_fields.h"

#include "results/accuracy_file.h"
#include "results/accuracy_tables.h"
#include "results/report_file.h"

static json_t *difference(const rb_accuracy *accuracy, const rb_accuracy_engine *engine, int64_t i,
                          double limit) {
    const rb_accuracy_image *truth = &rb_accuracy_oracle(accuracy)->images[i];
    const rb_accuracy_image *image = &engine->images[i];
    json_t *object = json_object();
    json_object_set_new(object, "engine", json_string(engine->engine));
    json_object_set_new(object, "image", json_integer(accuracy->first + i));
    json_object_set_new(object, "name",
                        json_string(accuracy->name(accuracy->name_ctx, accuracy->first + i)));
    json_object_set_new(object, "label",
                        accuracy->labels[i] < 0 ? json_null() : json_integer(accuracy->labels[i]));
    json_object_set_new(object, "oracle_top1", json_integer(truth->top1));
    json_object_set_new(object, "oracle_score", rb_json_number(truth->score));
    json_object_set_new(object, "top1", image->top1 < 0 ? json_null() : json_integer(image->top1));
    json_object_set_new(object, "score", rb_json_number(image->score));
    json_object_set_new(object, "oracle_score_of_top1", rb_json_number(image->oracle_score));
    json_object_set_new(object, "margin", rb_json_number(truth->margin));
    json_object_set_new(object, "limit", rb_json_number(limit));
    json_object_set_new(object, "allowed", json_boolean(rb_accuracy_may_differ(truth, limit)));
    return object;
}

static json_t *all_differences(const rb_accuracy *accuracy) {
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    json_t *all = json_array();
    for (size_t e = 0; oracle && e < accuracy->engine_count; e++) {
        const rb_accuracy_engine *engine = &accuracy->engines[e];
        const double limit = rb_accuracy_sum(accuracy, engine).margin_limit;
        for (int64_t i = 0; i < engine->done && i < oracle->done; i++)
            if (rb_accuracy_differs(&oracle->images[i], &engine->images[i]))
                json_array_append_new(all, difference(accuracy, engine, i, limit));
    }
    return all;
}

static json_t *all_pairs(const rb_accuracy *accuracy) {
    json_t *all = json_array();
    for (size_t a = 0; a < accuracy->engine_count; a++)
        for (size_t b = a + 1; b < accuracy->engine_count; b++) {
            int64_t images, same;
            rb_accuracy_agreement(&accuracy->engines[a], &accuracy->engines[b], &images, &same);
            json_array_append_new(all, json_pack("{s:[s, s], s:I, s:I}", "engines",
                                                 accuracy->engines[a].engine,
                                                 accuracy->engines[b].engine, "images",
                                                 (json_int_t)images, "same", (json_int_t)same));
        }
    return all;
}

static json_t *to_json(const rb_accuracy *accuracy) {
    json_t *root = json_object(), *rows = json_array(), *notes = json_array();
    for (size_t e = 0; e < accuracy->engine_count; e++)
        json_array_append_new(rows, rb_accuracy_row(accuracy, e));
    for (size_t n = 0; n < accuracy->note_count; n++)
        json_array_append_new(notes, json_string(accuracy->notes[n]));
    json_object_set_new(root, "schema_version", json_integer(RB_ACCURACY_SCHEMA));
    json_object_set(root, "context", accuracy->context);
    json_object_set(root, "identity", accuracy->identity);
    json_object_set_new(root, "title", json_string(accuracy->title));
    json_object_set_new(root, "network", json_string(accuracy->network));
    json_object_set_new(root, "images", json_integer(accuracy->count));
    json_object_set_new(root, "moved_rel_l2", rb_json_number(accuracy->moved_rel_l2));
    json_object_set_new(root, "notes", notes);
    json_object_set_new(root, "engines", rows);
    json_object_set_new(root, "agreement", all_pairs(accuracy));
    json_object_set_new(root, "differences", all_differences(accuracy));
    return root;
}

static void print_markdown(const void *ctx, FILE *out) {
    rb_accuracy_markdown(ctx, out);
}

static void print_csv(const void *ctx, FILE *out) {
    rb_accuracy_csv(ctx, out);
}

rb_status rb_accuracy_report_write(const char *directory, const rb_accuracy *accuracy,
                                   rb_error *err) {
    rb_status status =
        rb_report_json(directory, RB_ACCURACY_JSON, to_json(accuracy), JSON_INDENT(1), err);
    if (status == RB_OK)
        status = rb_report_print(directory, RB_ACCURACY_MARKDOWN, print_markdown, accuracy, err);
    if (status == RB_OK)
        status = rb_report_print(directory, RB_ACCURACY_CSV, print_csv, accuracy, err);
    return status;
}
