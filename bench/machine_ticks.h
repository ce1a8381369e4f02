/* Processor time that a hypervisor gave to others. */
#ifndef BENCH_MACHINE_TICKS_H
#define BENCH_MACHINE_TICKS_H

#include <stdint.h>

/* Since boot, in ticks summed over processors (man proc_stat); both 0 where the kernel does not
 * tell. */
typedef struct rb_machine_ticks {
    uint64_t steal, all;
} rb_machine_ticks;

rb_machine_ticks rb_machine_ticks_now(void);

/* root: see bench/system_file.h. */
rb_machine_ticks rb_machine_ticks_read(const char *root);

/* Share of processor time stolen between two moments; -1 unknown. */
double rb_machine_steal_share(rb_machine_ticks from, rb_machine_ticks to);

#endif
