#include "bench/gate_counter.h"
#include "cli/gate_jobs.h"
#include "results/report_file.h"

/* What print_markdown prints of. */
typedef struct count_pairs {
    rb_gate_count_pair items[RB_GATE_MAX_ROWS];
    size_t count;
} count_pairs;

static void print_counts(const void *ctx, FILE *out) {
    const count_pairs *pairs = ctx;
    rb_gate_counts_markdown(pairs->items, pairs->count, out);
}

static rb_status write_baseline(const char *path, const rb_gate_counts *counts, rb_error *err) {
    for (size_t i = 0; i < counts->count; i++)
        if (counts->items[i].instructions < 0 || counts->items[i].parity != RB_VERDICT_PASS)
            return rb_fail(err, RB_ERR_ENGINE, "%s/%s: %s; no baseline is written",
                           counts->items[i].network, counts->items[i].engine,
                           counts->items[i].note);
    const rb_status status = rb_gate_counts_write(path, counts, err);
    if (status == RB_OK)
        printf("%s: %zu cells\n", path, counts->count);
    return status;
}

int rb_gate_count_against(rb_gate_arguments *a) {
    static rb_gate_counts base, head;
    static count_pairs pairs;
    rb_error err = {""};
    rb_gate_outcome worst = RB_GATE_PASSED;
    rb_status status = a->update ? rb_check_directory_of(a->against, &err)
                                 : rb_gate_counts_read(a->against, &base, &err);
    if (status == RB_OK)
        status = rb_gate_prepare_files(a, &err);
    if (status == RB_OK)
        status = rb_gate_add_cells(a, &err);
    if (status == RB_OK)
        status = rb_plan_add_engines(&a->gate.plan, a->engines ? a->engines : "onednn", &err);
    if (status == RB_OK)
        status = rb_plan_refuse_peers(a->gate.plan.engines, a->gate.plan.engine_count,
                                      "its instructions are those of Python as well", &err);
    if (status == RB_OK)
        status = rb_gate_count_all(&a->gate.plan, &head, &err);
    if (status == RB_OK && a->update)
        status = write_baseline(a->against, &head, &err);
    if (a->update || (status != RB_OK && head.count == 0))
        return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
    /* Cells that were counted before an interrupt stand. */
    pairs.count = head.count;
    rb_gate_counts_compare(&base, &head, a->added >= 0 ? a->added : 0.001, pairs.items);
    rb_gate_counts_terminal(pairs.items, pairs.count, stdout);
    size_t left = base.count;
    for (size_t i = 0; i < pairs.count; i++) {
        worst = pairs.items[i].outcome > worst ? pairs.items[i].outcome : worst;
        left -= pairs.items[i].base != NULL;
    }
    if (left > 0)
        printf("cells of the baseline that were not counted now: %zu\n", left);
    if (a->markdown && status == RB_OK)
        status = rb_report_print(NULL, a->markdown, print_counts, &pairs, &err);
    return status == RB_OK ? rb_gate_exit(worst) : rb_cli_fail(status, &err);
}
