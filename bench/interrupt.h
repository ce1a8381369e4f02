/* Ctrl-C and SIGTERM end a run in order: what is measured is written first. */
#ifndef BENCH_INTERRUPT_H
#define BENCH_INTERRUPT_H

#include <poll.h>
#include <stdbool.h>
#include <time.h>

/* From here on the first SIGINT and the first SIGTERM only set a flag. A second one ends the
 * process. */
void rb_interrupt_install(void);
bool rb_interrupted(void);

/* Waits like ppoll for one descriptor, but returns -1 at once when the flag is set: no signal is
 * lost between a look at the flag and the wait. timeout NULL: no limit. */
int rb_interruptible_poll(struct pollfd *entry, const struct timespec *timeout);

#endif
