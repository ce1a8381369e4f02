#include "cli/check_console.h"

#include <string.h>

#include "cli/cli.h"

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

void rb_check_console_begin(rb_check_console *console, rb_check_plan *plan) {
    console->plan = plan;
    plan->on_row = on_row;
    plan->on_progress = on_progress;
    plan->ctx = console;
    printf("%s %s:", plan->engine.label, console->engine_version);
    for (int level = 0; level < RB_LEVEL_COUNT; level++)
        if (plan->levels[level])
            printf(" %s", rb_check_level_name((rb_check_level)level));
    printf("; input:");
    for (int fill = 0; fill < RB_FILL_COUNT; fill++)
        if (plan->inputs[fill])
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

void rb_check_console_part(rb_check_console *console, const char *part) {
    console->part = part;
    rb_progress_start(&console->progress, 1);
}

typedef struct tally {
    size_t of[RB_VERDICT_COUNT], all;
} tally;

static tally count(const rb_check_rows *rows) {
    tally t = {.all = rows->count};
    for (size_t i = 0; i < rows->count; i++)
        t.of[rows->items[i].verdict]++;
    return t;
}

static rb_exit judge(const tally *t) {
    if (t->of[RB_VERDICT_FAIL] + t->of[RB_VERDICT_MARGINAL] + t->of[RB_VERDICT_MISTRUSTED] > 0)
        return RB_EXIT_WRONG;
    if (t->of[RB_VERDICT_CRASHED] + t->of[RB_VERDICT_TIMEOUT] > 0)
        return RB_EXIT_CRASHED;
    return t->of[RB_VERDICT_PASS] > 0 ? RB_EXIT_FINE : RB_EXIT_NOTHING;
}

static void print_summary(const rb_check_console *console, const rb_check_rows *rows,
                          const tally *t) {
    const rb_check_row *worst = NULL;
    printf("%s: %zu check%s:", console->plan->engine.label, t->all, t->all == 1 ? "" : "s");
    const char *separator = " ";
    for (int verdict = RB_VERDICT_PASS; verdict < RB_VERDICT_COUNT; verdict++)
        if (t->of[verdict] > 0 || verdict == RB_VERDICT_PASS || verdict == RB_VERDICT_FAIL) {
            printf("%s%zu %s", separator, t->of[verdict], rb_verdict_name((rb_verdict)verdict));
            separator = ", ";
        }
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].level == RB_LEVEL_OPERATION &&
            rows->items[i].figures.element_share >= 0 &&
            !(worst && worst->figures.element_share >= rows->items[i].figures.element_share))
            worst = &rows->items[i];
    if (worst)
        printf("; worst element %.2g of its limit at %s", worst->figures.element_share,
               worst->name);
    printf("\n");
}

int rb_check_console_end(rb_check_console *console, const rb_check_rows *rows, rb_status status,
                         const rb_error *err) {
    const tally t = count(rows);
    rb_progress_clear(&console->progress);
    print_summary(console, rows, &t);
    fflush(stdout);
    return status == RB_OK ? (int)judge(&t) : rb_cli_fail(status, err);
}
