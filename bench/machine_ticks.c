#include "bench/machine_ticks.h"

#include <stdio.h>

#include "bench/system_file.h"

rb_machine_ticks rb_machine_ticks_read(const char *root) {
    char line[512];
    unsigned long long value[8];
    rb_machine_ticks ticks = {0, 0};
    if (rb_system_value(root, "/proc/stat", "cpu", line, sizeof line) &&
        sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &value[0], &value[1], &value[2],
               &value[3], &value[4], &value[5], &value[6], &value[7]) == 8) {
        ticks.steal = value[7];
        for (int i = 0; i < 8; i++)
            ticks.all += value[i];
    }
    return ticks;
}

rb_machine_ticks rb_machine_ticks_now(void) {
    return rb_machine_ticks_read("");
}

double rb_machine_steal_share(rb_machine_ticks from, rb_machine_ticks to) {
    if (to.all <= from.all || to.steal < from.steal)
        return -1;
    return (double)(to.steal - from.steal) / (double)(to.all - from.all);
}
