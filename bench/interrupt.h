/* Ctrl-C and SIGTERM end a run in order: what is measured is written first. */
#ifndef BENCH_INTERRUPT_H
#define BENCH_INTERRUPT_H

#include <stdbool.h>

/* From here on the signals only set a flag. A second one ends the process at once. */
void rb_interrupt_install(void);
bool rb_interrupted(void);

#endif
