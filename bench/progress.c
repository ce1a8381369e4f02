#include "bench/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "bench/clock.h"

#define CLEAR_LINE "\r\033[K"

void rb_progress_start(rb_progress *progress, double total) {
    *progress =
        (rb_progress){.shown = isatty(STDERR_FILENO), .total = total, .start_ns = rb_now_ns()};
}

void rb_progress_show(const rb_progress *progress, const char *text) {
    if (!progress->shown)
        return;
    double share = progress->total > 0 ? progress->done / progress->total : 0;
    share = share < 1 ? share : 1;
    fprintf(stderr, CLEAR_LINE "[%3.0f%%] %.80s", 100 * share, text);
    if (share > 0.02) {
        const double spent = (double)(rb_now_ns() - progress->start_ns) * 1e-9;
        const long left = (long)(spent / share * (1 - share) + 0.5);
        fprintf(stderr, ", %ld:%02ld left", left / 60, left % 60);
    }
    fflush(stderr);
}

void rb_progress_advance(rb_progress *progress, double done) {
    progress->done += done;
}

void rb_progress_clear(const rb_progress *progress) {
    if (progress->shown)
        fputs(CLEAR_LINE, stderr);
}
