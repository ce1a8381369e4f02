#include "cli/check_console.h"

#include "cli/cli.h"
#include "results/check_tables.h"

#define MOST_SHOWN 12 /* rows of a verdict, as they come */

static void show_row(rb_check_console *console, const rb_check_row *row) {
    rb_progress_clear(&console->progress);
    printf("%s %s%s%s %s: %s", rb_check_level_name(row->level), row->network,
           row->network[0] ? " " : "", row->name, row->input, rb_verdict_name(row->verdict));
    if (row->verdict != RB_VERDICT_PASS)
        printf(": %s", row->note);
    printf("\n");
    if (row->again[0])
        printf("  again: %s\n", row->again);
    fflush(stdout);
}

static void on_row(void *ctx, const rb_check_row *row) {
    rb_check_console *console = ctx;
    if (console->plan->verbose) {
        show_row(console, row);
        return;
    }
    if (row->verdict == RB_VERDICT_PASS)
        return;
    const size_t before = console->shown[row->verdict]++;
    if (before < MOST_SHOWN) {
        show_row(console, row);
    } else if (before == MOST_SHOWN) {
        rb_progress_clear(&console->progress);
        printf("more rows are %s; --verbose shows them, --json and --junit write them\n",
               rb_verdict_name(row->verdict));
        fflush(stdout);
    }
}

static void on_progress(void *ctx, double share, const char *what) {
    rb_check_console *console = ctx;
    console->progress.done = share;
    rb_progress_show(&console->progress, what);
}

static bool is_used(const rb_check_plan *plan, rb_fill fill) {
    return plan->inputs[fill] &&
           plan->levels[fill == RB_FILL_INTEGER ? RB_LEVEL_EXACT : RB_LEVEL_OPERATION];
}

void rb_check_console_begin(rb_check_console *console, rb_check_plan *plan) {
    console->plan = plan;
    plan->on_row = on_row;
    plan->on_progress = on_progress;
    plan->ctx = console;
    printf("%s %s:", plan->engine.label, console->files.engine_version);
    for (int level = 0; level < RB_LEVEL_COUNT; level++)
        if (plan->levels[level])
            printf(" %s", rb_check_level_name((rb_check_level)level));
    if (plan->levels[RB_LEVEL_EXACT] || plan->levels[RB_LEVEL_OPERATION])
        printf("; input:");
    for (int fill = 0; fill < RB_FILL_COUNT; fill++)
        if (is_used(plan, (rb_fill)fill))
            printf(" %s", rb_fill_name((rb_fill)fill));
    if (plan->network_count > 0)
        printf("; networks:");
    for (size_t i = 0; i < plan->network_count; i++)
        printf(" %s", plan->networks[i]->name);
    printf("; threads %d, seed %llu\n", plan->threads, (unsigned long long)plan->seed);
    if (plan->conv_only)
        printf("a kernel plug-in: of operations only convolutions are checked, the others would be "
               "the reference's\n");
    printf("\n");
    fflush(stdout);
}

void rb_check_console_part(rb_check_console *console) {
    rb_progress_start(&console->progress, 1);
}

static rb_exit judge(const rb_check_counts *counts) {
    const size_t *of = counts->of;
    if (of[RB_VERDICT_FAIL] + of[RB_VERDICT_MARGINAL] + of[RB_VERDICT_MISTRUSTED] > 0)
        return RB_EXIT_WRONG;
    if (of[RB_VERDICT_CRASHED] + of[RB_VERDICT_TIMEOUT] > 0)
        return RB_EXIT_CRASHED;
    return of[RB_VERDICT_PASS] > 0 ? RB_EXIT_FINE : RB_EXIT_NOTHING;
}

int rb_check_console_end(rb_check_console *console, const rb_check_rows *rows, rb_status status,
                         const rb_error *err) {
    const rb_check_counts counts = rb_check_count(rows, RB_LEVEL_COUNT);
    char summary[1024];
    rb_error why = {""};
    rb_progress_clear(&console->progress);
    if (rows->count > counts.of[RB_VERDICT_PASS])
        printf("\n"); /* below the rows that were shown as they came */
    rb_check_terminal(rows, console->plan->verbose, stdout);
    const rb_status written =
        rb_check_files_write(&console->files, console->plan, rows, status == RB_OK, &why);
    rb_check_summary(rows, console->plan->engine.label, summary, sizeof summary);
    printf("%s\n", summary);
    fflush(stdout);
    if (written != RB_OK)
        rb_cli_fail(written, &why);
    if (status != RB_OK)
        return rb_cli_fail(status, err);
    return written == RB_OK ? (int)judge(&counts) : (int)rb_exit_of(written);
}
