/* What resbench check says while it works and at its end. */
#ifndef CLI_CHECK_CONSOLE_H
#define CLI_CHECK_CONSOLE_H

#include "bench/progress.h"
#include "check/check.h"
#include "cli/check_files.h"

typedef struct rb_check_console {
    rb_check_files files;
    const rb_check_plan *plan;
    rb_progress progress;
    size_t shown[RB_VERDICT_COUNT]; /* rows as they came */
} rb_check_console;

/* Says what is checked, and makes the plan tell of its rows. */
void rb_check_console_begin(rb_check_console *console, rb_check_plan *plan);

/* A part begins, whose progress goes from 0 to 1. */
void rb_check_console_part(rb_check_console *console);

/* Prints tables and the summary, writes the files; the exit code. status and err are how the check
 * ended. */
int rb_check_console_end(rb_check_console *console, const rb_check_rows *rows, rb_status status,
                         const rb_error *err);

#endif
