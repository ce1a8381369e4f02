/* Ctrl-C and SIGTERM end a run in order: what is measured is written first. */
#ifndef BENCH_INTERRUPT_H
#define BENCH_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* From here on the signals are blocked, but for the waits below, and only set a flag. A second
 * one ends the process. */
void rb_interrupt_install(void);
bool rb_interrupted(void);

/* The signal mask to wait with (ppoll): the one the process started with. NULL before install. */
const sigset_t *rb_interrupt_wait_mask(void);

#endif
