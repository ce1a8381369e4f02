#include <string.h>

#include "bench/build_directory.h"
#include "bench/environment.h"
#include "bench/number_list.h"
#include "cli/gate_jobs.h"
#include "results/gate_report.h"

/* One engine of both builds. A name kept for engines of this program is theirs as well here: truth
 * is this program's, whatever is judged. */
static rb_status add_pair(rb_gate_arguments *a, const char *name, rb_error *err) {
    rb_gate_plan *gate = &a->gate;
    const size_t count = gate->plan.engine_count;
    if (count == RB_MAX_ENGINES)
        return rb_fail(err, RB_ERR_USAGE, "more than %d engines", RB_MAX_ENGINES);
    rb_plan_engine *engine = &gate->plan.engines[count];
    for (size_t i = 0; i < count; i++)
        if (strcmp(gate->plan.engines[i].label, name) == 0)
            return rb_fail(err, RB_ERR_USAGE, "engine %s is named twice", name);
    if (strlen(name) >= sizeof engine->label)
        return rb_fail(err, RB_ERR_USAGE, "an engine's name has at most %zu letters, not '%s'",
                       sizeof engine->label - 1, name);
    rb_status status = rb_build_engine(a->base, name, gate->base_paths[count], err);
    if (status == RB_OK)
        status = rb_build_engine(a->head, name, engine->path, err);
    strcpy(engine->label, name);
    gate->plan.engine_count += status == RB_OK;
    return status;
}

static rb_status add_pairs(rb_gate_arguments *a, rb_error *err) {
    const char *list = a->engines ? a->engines : "onednn";
    char name[RB_PATH_CAPACITY];
    rb_status status = *list ? RB_OK : rb_fail(err, RB_ERR_USAGE, "--engines names none");
    while (status == RB_OK && rb_list_next(&list, name, sizeof name))
        status = add_pair(a, name, err);
    return status;
}

static int32_t most_threads(const rb_plan *plan) {
    int64_t most = 1;
    for (size_t t = 0; t < plan->thread_count; t++)
        most = plan->threads[t] > most ? plan->threads[t] : most;
    return (int32_t)most;
}

static rb_status write_files(const rb_gate_arguments *a, const rb_gate_rows *rows, rb_error *err) {
    const rb_gate_report report = {.base = a->base,
                                   .head = a->head,
                                   .context = rb_environment_brief(most_threads(&a->gate.plan)),
                                   .rows = rows};
    rb_error why;
    rb_status status = a->json ? rb_gate_json_write(a->json, &report, err) : RB_OK;
    const rb_status others[] = {
        a->junit ? rb_gate_junit_write(a->junit, &report, &why) : RB_OK,
        a->markdown ? rb_gate_markdown_write(a->markdown, &report, &why) : RB_OK,
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (status == RB_OK && others[i] != RB_OK)
            status = rb_fail(err, others[i], "%s", why.message);
    json_decref(report.context);
    return status;
}

int rb_gate_compare_builds(rb_gate_arguments *a) {
    static rb_gate_rows rows;
    rb_error err = {""}, why = {""};
    rb_status status = rb_gate_prepare_files(a, &err);
    if (status == RB_OK)
        status = rb_gate_add_cells(a, &err);
    if (status == RB_OK)
        status = add_pairs(a, &err);
    if (status == RB_OK)
        status = rb_gate_run(&a->gate, &rows, &err);
    if (status != RB_OK && !rows.broken_off)
        return rb_cli_fail(status, &err);
    rb_gate_terminal(&rows, stdout);
    const rb_status written = write_files(a, &rows, status == RB_OK ? &err : &why);
    if (written != RB_OK && status != RB_OK)
        rb_cli_fail(written, &why);
    if (status == RB_OK)
        status = written;
    return status == RB_OK ? rb_gate_exit(rb_gate_rows_outcome(&rows)) : rb_cli_fail(status, &err);
}
