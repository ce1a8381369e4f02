#include "bench/process_memory.h"

#include <stdio.h>

rb_process_memory rb_process_memory_now(void) {
    rb_process_memory memory = {-1, -1, -1};
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        long long kib;
        if (sscanf(line, "VmRSS: %lld kB", &kib) == 1)
            memory.resident_bytes = kib * 1024;
        else if (sscanf(line, "VmHWM: %lld kB", &kib) == 1)
            memory.peak_bytes = kib * 1024;
        else if (sscanf(line, "VmPeak: %lld kB", &kib) == 1)
            memory.virtual_bytes = kib * 1024;
    }
    if (file)
        fclose(file);
    return memory;
}
