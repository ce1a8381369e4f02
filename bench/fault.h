/* Overruns of a worker's engine, told by name: an access to the pages next to a guarded buffer is
 * answered with a sentence before the signal ends the process. */
#ifndef BENCH_FAULT_H
#define BENCH_FAULT_H

/* The engine that the sentences are about; copied. Has no effect where nothing is installed. */
void rb_fault_name_engine(const char *name);

/* From now on, in any thread. Signals that no guarded buffer explains go where they went before.
 * fd: of the conversation with the harness. */
void rb_fault_install(int fd);

/* Round every message that the worker sends, so that two do not mix. */
void rb_fault_hold(void);
void rb_fault_release(void);

#endif
