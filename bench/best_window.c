#include "bench/best_window.h"

/* Portions that a thread had done by a moment. */
static double done_by(const rb_marks *m, int64_t moment) {
    size_t low = 0, high = m->count;
    if (m->count == 0 || moment <= m->ns[0])
        return 0;
    while (high - low > 1) { /* ns[low] < moment */
        const size_t middle = low + (high - low) / 2;
        if (m->ns[middle] < moment)
            low = middle;
        else
            high = middle;
    }
    if (high == m->count)
        return (double)low;
    return (double)low + (double)(moment - m->ns[low]) / (double)(m->ns[high] - m->ns[low]);
}

static double rate(const rb_marks *threads, size_t count, int64_t from, int64_t to) {
    double portions = 0;
    for (size_t t = 0; t < count; t++)
        portions += done_by(&threads[t], to) - done_by(&threads[t], from);
    return to > from ? portions / (double)(to - from) : 0;
}

double rb_best_window(const rb_marks *threads, size_t thread_count, int64_t window_ns) {
    const rb_marks *first = &threads[0];
    if (thread_count == 0 || first->count == 0)
        return 0;
    int64_t from = first->ns[0], to = first->ns[first->count - 1];
    for (size_t t = 1; t < thread_count; t++)
        if (threads[t].count > 0) {
            const int64_t end = threads[t].ns[threads[t].count - 1];
            from = threads[t].ns[0] < from ? threads[t].ns[0] : from;
            to = end > to ? end : to;
        }
    double best = rate(threads, thread_count, from, to);
    for (size_t i = 0; i < first->count && first->ns[i] + window_ns <= to; i++) {
        const double found = rate(threads, thread_count, first->ns[i], first->ns[i] + window_ns);
        best = found > best ? found : best;
    }
    return best;
}
