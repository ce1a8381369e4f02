#include "bench/process_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

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

bool rb_process_memory_forget_peak(void) {
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool done = write(fd, "5", 1) == 1;
    close(fd);
    return done;
}

rb_page_faults rb_page_faults_now(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (rb_page_faults){usage.ru_minflt, usage.ru_majflt};
}

rb_page_faults rb_page_faults_since(rb_page_faults before) {
    const rb_page_faults now = rb_page_faults_now();
    return (rb_page_faults){now.minor - before.minor, now.major - before.major};
}
