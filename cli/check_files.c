#include "cli/check_files.h"

#include <string.h>

#include "bench/environment.h"
#include "results/check_report.h"
#include "results/check_tables.h"
#include "results/report_file.h"

#define JSON_NAME "check.json"
#define MARKDOWN_NAME "check.md"
#define CSV_NAME "check.csv"

rb_status rb_check_files_prepare(const rb_check_files *files, rb_error *err) {
    if (files->json && files->junit && strcmp(files->json, files->junit) == 0)
        return rb_fail(err, RB_ERR_USAGE, "--json and --junit are one file: %s", files->json);
    rb_status status = files->json ? rb_check_directory_of(files->json, err) : RB_OK;
    if (status == RB_OK && files->junit)
        status = rb_check_directory_of(files->junit, err);
    if (status == RB_OK && files->directory)
        status = rb_make_directories(files->directory, err);
    return status;
}

static json_t *plan_to_json(const rb_check_plan *plan, bool complete) {
    json_t *root = json_object(), *levels = json_array(), *inputs = json_array();
    json_t *problems = json_array(), *networks = json_array();
    for (int i = 0; i < RB_LEVEL_COUNT; i++)
        if (plan->levels[i])
            json_array_append_new(levels, json_string(rb_check_level_name((rb_check_level)i)));
    for (int i = 0; i < RB_FILL_COUNT; i++)
        if (plan->inputs[i])
            json_array_append_new(inputs, json_string(rb_fill_name((rb_fill)i)));
    for (size_t i = 0; i < plan->problem_count; i++) {
        char text[RB_PROBLEM_CAPACITY];
        rb_problem_format(&plan->problems[i], text);
        json_array_append_new(problems, json_string(text));
    }
    for (size_t i = 0; i < plan->network_count; i++)
        json_array_append_new(networks, json_string(plan->networks[i]->name));
    json_object_set_new(root, "levels", levels);
    json_object_set_new(root, "inputs", inputs);
    json_object_set_new(root, "problems", problems);
    json_object_set_new(root, "networks", networks);
    json_object_set_new(root, "quick", json_boolean(plan->quick));
    json_object_set_new(root, "conv_only", json_boolean(plan->conv_only));
    json_object_set_new(root, "batch", json_integer(plan->batch));
    json_object_set_new(root, "threads", json_integer(plan->threads));
    json_object_set_new(root, "seed", json_integer((json_int_t)plan->seed));
    json_object_set_new(root, "engine_path", json_string(plan->engine.path));
    json_object_set_new(root, "engine_sha256", json_string(plan->engine.sha256));
    json_object_set_new(root, "weights", plan->weights ? json_string(plan->weights) : json_null());
    json_object_set_new(root, "images", plan->images ? json_string(plan->images) : json_null());
    json_object_set_new(root, "data", plan->data ? json_string(plan->data) : json_null());
    json_object_set_new(root, "complete", json_boolean(complete));
    return root;
}

/* What Markdown's heading is made of. */
typedef struct titled_rows {
    const rb_check_rows *rows;
    char title[256];
} titled_rows;

static void print_markdown(const void *ctx, FILE *out) {
    const titled_rows *t = ctx;
    rb_check_markdown(t->rows, t->title, out);
}

static void print_csv(const void *ctx, FILE *out) {
    rb_check_csv(ctx, out);
}

static rb_status write_directory(const rb_check_files *files, const rb_check_plan *plan,
                                 const rb_check_report *report, rb_error *err) {
    char json[RB_PATH_CAPACITY];
    titled_rows titled = {.rows = report->rows};
    const char *model = json_string_value(json_object_get(report->context, "cpu_model"));
    snprintf(titled.title, sizeof titled.title,
             "resbench " RB_VERSION " check %s %s: %s, %d threads, seed %llu", report->engine,
             report->version, model ? model : "unknown processor", plan->threads,
             (unsigned long long)plan->seed);
    rb_status status = rb_path_in(files->directory, JSON_NAME, json, err);
    if (status == RB_OK)
        status = rb_check_json_write(json, report, err);
    if (status == RB_OK)
        status = rb_report_print(files->directory, MARKDOWN_NAME, print_markdown, &titled, err);
    if (status == RB_OK)
        status = rb_report_print(files->directory, CSV_NAME, print_csv, report->rows, err);
    if (status == RB_OK)
        printf("\n%s/{%s,%s,%s}\n", files->directory, JSON_NAME, MARKDOWN_NAME, CSV_NAME);
    return status;
}

rb_status rb_check_files_write(const rb_check_files *files, const rb_check_plan *plan,
                               const rb_check_rows *rows, bool complete, rb_error *err) {
    if (!files->json && !files->junit && !files->directory)
        return RB_OK;
    const rb_check_report report = {.engine = plan->engine.label,
                                    .version = files->engine_version,
                                    .context = rb_environment_brief(plan->threads),
                                    .plan = plan_to_json(plan, complete),
                                    .rows = rows};
    rb_status status = files->json ? rb_check_json_write(files->json, &report, err) : RB_OK;
    if (status == RB_OK && files->junit)
        status = rb_check_junit_write(files->junit, &report, err);
    if (status == RB_OK && files->directory)
        status = write_directory(files, plan, &report, err);
    json_decref(report.context);
    json_decref(report.plan);
    return status;
}
