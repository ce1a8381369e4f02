/* What resbench check says while it works, at its end, and in files. */
#ifndef CLI_CHECK_CONSOLE_H
#define CLI_CHECK_CONSOLE_H

#include "bench/progress.h"
#include "check/check.h"

typedef struct rb_check_console {
    const char *json, *junit; /* files, or NULL */
    char engine_version[96];
    const rb_check_plan *plan;
    const char *part; /* of the check that goes on */
    rb_progress progress;
    size_t shown[RB_VERDICT_COUNT]; /* rows as they came */
} rb_check_console;

/* Says what is checked, and makes the plan tell of its rows. */
void rb_check_console_begin(rb_check_console *console, rb_check_plan *plan);

/* A part begins, whose progress goes from 0 to 1. */
void rb_check_console_part(rb_check_console *console, const char *part);

/* Prints tables and the summary, writes the files; the exit code. status and err are how the check
 * ended. */
int rb_check_console_end(rb_check_console *console, const rb_check_rows *rows, rb_status status,
                         const rb_error *err);

#endif
