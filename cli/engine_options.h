/* Options that every command which runs engines has, as a child parser of argp. */
#ifndef CLI_ENGINE_OPTIONS_H
#define CLI_ENGINE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/worker_client.h"

typedef struct rb_engine_options {
    int32_t threads;         /* after parsing never 0, unless there is a thread_list */
    const char *thread_list; /* of rb_engine_sweep_children; NULL: not given */
    bool verbose;
    rb_worker_options worker;
} rb_engine_options;

/* --threads, --timeout, --no-worker and --verbose. The command's argp names these children, and its
 * parser hands them their place at ARGP_KEY_INIT: state->child_inputs[0] = &options. After parsing
 * everything has its default: this machine's cores, 300 seconds, a worker process. Which option
 * keys are taken: 't', 'v', and those from 512 on. */
extern const struct argp_child rb_engine_children[];

/* The same for a command that runs engines with several numbers of threads, one after the other:
 * --threads takes a list, which is the command's to read, and threads is the default. */
extern const struct argp_child rb_engine_sweep_children[];

/* The options of workers that are timed: kept to as many cores as their engine has threads, the
 * same ones for every engine. */
rb_worker_options rb_engine_options_timed(const rb_engine_options *options);

/* SIGINT and SIGTERM are heeded between the answers of workers; an engine in this process would not
 * hear of them, and is ended by them as usual. */
void rb_engine_options_watch(const rb_engine_options *options);

/* For commands that time nothing and have several engines open at once: threads that wait, sleep,
 * and leave the cores to those that work. An OMP_WAIT_POLICY that is there already stays. */
void rb_engine_options_let_threads_sleep(void);

#endif
