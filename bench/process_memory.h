/* Resident memory of this process, and its page faults. */
#ifndef BENCH_PROCESS_MEMORY_H
#define BENCH_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rb_process_memory {
    int64_t resident_bytes; /* now; -1 where the kernel does not tell */
    int64_t peak_bytes;     /* at most since the start, or since rb_process_memory_forget_peak */
    int64_t virtual_bytes;  /* address space, at most since the start */
} rb_process_memory;

/* VmRSS, VmHWM and VmPeak of /proc/self/status (man proc_pid_status). */
rb_process_memory rb_process_memory_now(void);

/* From now on the peak is that of what follows ("5" to /proc/self/clear_refs, man proc_pid). false
 * where the kernel does not let the process. */
bool rb_process_memory_forget_peak(void);

/* Of all threads so far (getrusage(2)): a minor one maps memory that is there, a major one waits
 * for a disk. */
typedef struct rb_page_faults {
    int64_t minor, major;
} rb_page_faults;

rb_page_faults rb_page_faults_now(void);
rb_page_faults rb_page_faults_since(rb_page_faults before);

#endif
