/* One line on a terminal that says what is going on and for how long; nothing when piped. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rb_progress {
    bool shown;
    double total, done; /* work in a unit of the caller's */
    int64_t start_ns;
} rb_progress;

/* Looks whether stderr is a terminal. */
void rb_progress_start(rb_progress *progress, double total);

/* Shows "[ 42%] text, 1:23 left"; the time once enough is done to tell. */
void rb_progress_show(const rb_progress *progress, const char *text);

void rb_progress_advance(rb_progress *progress, double done);

/* Takes the line away, so that other output can be printed. */
void rb_progress_clear(const rb_progress *progress);

#endif
