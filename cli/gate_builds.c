#include <string.h>

#include "bench/build_directory.h"
#include "bench/environment.h"
#include "cli/gate_jobs.h"
#include "results/gate_report.h"

/* The engines of both builds, by name. */
static rb_status add_pairs(rb_gate_arguments *a, rb_error *err) {
    char list[1024], path[RB_PATH_CAPACITY], labelled[2 * RB_PATH_CAPACITY], *rest = list;
    rb_gate_plan *gate = &a->gate;
    rb_status status = RB_OK;
    if (snprintf(list, sizeof list, "%s", a->engines ? a->engines : "onednn") >= (int)sizeof list)
        return rb_fail(err, RB_ERR_USAGE, "--engines is too long");
    for (char *name; status == RB_OK && (name = strsep(&rest, ","));) {
        if (gate->plan.engine_count == RB_MAX_ENGINES)
            return rb_fail(err, RB_ERR_USAGE, "more than %d engines", RB_MAX_ENGINES);
        status = rb_build_engine(a->base, name, gate->base_paths[gate->plan.engine_count], err);
        if (status == RB_OK)
            status = rb_build_engine(a->head, name, path, err);
        if (status == RB_OK) {
            snprintf(labelled, sizeof labelled, "%s", path);
            status = rb_plan_add_engines(&gate->plan, labelled, err);
        }
    }
    return status;
}

static rb_status write_files(const rb_gate_arguments *a, const rb_gate_rows *rows, rb_error *err) {
    const rb_gate_report report = {.base = a->base,
                                   .head = a->head,
                                   .context = rb_environment_brief(a->engine_options.threads),
                                   .rows = rows};
    rb_status status = a->json ? rb_gate_json_write(a->json, &report, err) : RB_OK;
    if (status == RB_OK && a->junit)
        status = rb_gate_junit_write(a->junit, &report, err);
    if (status == RB_OK && a->markdown)
        status = rb_gate_markdown_write(a->markdown, &report, err);
    json_decref(report.context);
    return status;
}

int rb_gate_compare_builds(rb_gate_arguments *a) {
    static rb_gate_rows rows;
    rb_error err = {""};
    rb_status status = rb_gate_prepare_files(a, &err);
    if (status == RB_OK)
        status = rb_gate_add_cells(a, &err);
    if (status == RB_OK)
        status = add_pairs(a, &err);
    if (status == RB_OK)
        status = rb_gate_run(&a->gate, &rows, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_gate_terminal(&rows, stdout);
    status = write_files(a, &rows, &err);
    return status == RB_OK ? rb_gate_exit(rb_gate_rows_outcome(&rows)) : rb_cli_fail(status, &err);
}
