#include "bench/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    uint32_t type;
    uint64_t config;
    bool user_only;
} events[RB_COUNTERS] = {
    [RB_COUNTER_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, true},
    [RB_COUNTER_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, true},
    [RB_COUNTER_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, true},
    [RB_COUNTER_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, true},
    [RB_COUNTER_TASK_CLOCK] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, true},
    /* In user mode alone this one would be 0. */
    [RB_COUNTER_MIGRATIONS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, false},
};

static int open_event(int which) {
    struct perf_event_attr attr = {.size = sizeof attr,
                                   .type = events[which].type,
                                   .config = events[which].config,
                                   .inherit = 1,
                                   .exclude_kernel = events[which].user_only,
                                   .exclude_hv = 1,
                                   .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
                                                  PERF_FORMAT_TOTAL_TIME_RUNNING};
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* One sentence for a person who wonders where the figures are. */
static void say_why(int error, char why[RB_WHY_CAPACITY]) {
    int level;
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
    const bool read = file && fscanf(file, "%d", &level) == 1;
    if (file)
        fclose(file);
    if (error == ENOENT || error == ENODEV || error == EOPNOTSUPP)
        snprintf(why, RB_WHY_CAPACITY,
                 "perf_event_open: %s (the processor, or the virtual machine, shows no such "
                 "counter)",
                 strerror(error));
    else if (read && (error == EACCES || error == EPERM))
        snprintf(why, RB_WHY_CAPACITY,
                 "perf_event_open: %s (kernel.perf_event_paranoid is %d, and containers may forbid "
                 "the call)",
                 strerror(error), level);
    else
        snprintf(why, RB_WHY_CAPACITY, "perf_event_open: %s", strerror(error));
}

void rb_counters_open(rb_counters *counters) {
    *counters = (rb_counters){.fds = {0}};
    for (int i = 0; i < RB_COUNTERS; i++) {
        char *why = i < RB_COUNTERS_HARDWARE ? counters->why_hardware : counters->why_software;
        counters->fds[i] = open_event(i);
        if (counters->fds[i] < 0 && !why[0])
            say_why(errno, why);
    }
}

void rb_counters_close(rb_counters *counters) {
    for (int i = 0; i < RB_COUNTERS; i++) {
        if (counters->fds[i] >= 0)
            close(counters->fds[i]);
        counters->fds[i] = -1;
    }
}

void rb_counters_reset(rb_counters *counters) {
    memset(counters->sums, 0, sizeof counters->sums);
}

static bool read_event(const rb_counters *counters, int which, uint64_t now[3]) {
    const int fd = counters->fds[which];
    return fd >= 0 && read(fd, now, 3 * sizeof *now) == (ssize_t)(3 * sizeof *now);
}

void rb_counters_begin(rb_counters *counters) {
    for (int i = 0; i < RB_COUNTERS; i++)
        if (!read_event(counters, i, counters->before[i]))
            memset(counters->before[i], 0, sizeof counters->before[i]);
}

void rb_counters_end(rb_counters *counters) {
    uint64_t now[3];
    for (int i = 0; i < RB_COUNTERS; i++)
        if (read_event(counters, i, now))
            for (int k = 0; k < 3; k++)
                counters->sums[i][k] += now[k] - counters->before[i][k];
}

double rb_counters_sum(const rb_counters *counters, rb_counter which, double *share) {
    const uint64_t *sums = counters->sums[which];
    *share = NAN;
    if (counters->fds[which] < 0 || sums[1] == 0 || sums[2] == 0)
        return NAN;
    *share = (double)sums[2] / (double)sums[1];
    return (double)sums[0] / *share;
}
