/* How fast several threads were together in their best moment. */
#ifndef BENCH_BEST_WINDOW_H
#define BENCH_BEST_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* One thread's equal portions of work, without a pause between them. */
typedef struct rb_marks {
    const int64_t *ns; /* [count], ascending: ns[0] the start, ns[i] the end of portion i */
    size_t count;      /* 0: the thread did nothing */
} rb_marks;

/* The most portions a nanosecond that all threads together did within any window_ns that begins at
 * a mark of thread 0, or within the whole time if that is shorter. A portion that the window cuts
 * counts by the share of its time that lies within. So threads that take turns on one processor are
 * together no faster than one, while a thread that is displaced for a moment costs that moment. 0:
 * no work, or no time passed. */
double rb_best_window(const rb_marks *threads, size_t thread_count, int64_t window_ns);

#endif
