/* Resident memory of this process. */
#ifndef BENCH_PROCESS_MEMORY_H
#define BENCH_PROCESS_MEMORY_H

#include <stdint.h>

typedef struct rb_process_memory {
    int64_t resident_bytes; /* now; -1 where the kernel does not tell */
    int64_t peak_bytes;     /* at most since the start */
    int64_t virtual_bytes;  /* address space, at most since the start */
} rb_process_memory;

/* VmRSS, VmHWM and VmPeak of /proc/self/status (man proc_pid_status). */
rb_process_memory rb_process_memory_now(void);

#endif
