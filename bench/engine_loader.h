/* Engines are shared objects, found by name or path. */
#ifndef BENCH_ENGINE_LOADER_H
#define BENCH_ENGINE_LOADER_H

#include <stddef.h>

#include "base/atomic_file.h"
#include "resbench/engine.h"

/* Path of the shared object: name itself when it holds a '/', otherwise NAME.so in the
 * directories of RESBENCH_ENGINE_PATH (separated by ':') and then in the program's own,
 * resbench in the library directory (../lib) beside the directory of the executable. RB_ERR_USAGE
 * when there is none. */
rb_status rb_engine_find(const char *name, char path[RB_PATH_CAPACITY], rb_error *err);

/* The same in the program's own directory alone: nobody can put himself in an engine's place. The
 * path is as rb_engine_find gives it. */
rb_status rb_engine_find_own(const char *name, char path[RB_PATH_CAPACITY], rb_error *err);

/* What a row calls the engine: the name, or for a path the file's name without ".so". */
void rb_engine_label(const char *name, char *label, size_t capacity);

/* Loads the shared object for the life of the process and checks its table: ABI version and size
 * (both numbers are named), that no required member is missing, and that nothing is asked for that
 * this version has no name for. A kernel plug-in (kernel.h) comes as the engine that the adapter
 * makes of it, with RB_ENGINE_CONV_ONLY; of a shared object that is both, the engine counts. A
 * second engine of one name is RB_ERR_UNSUPPORTED: two builds need a process each. Runs the
 * engine's own initialisers: only for worker processes. */
rb_status rb_engine_load(const char *path, const rb_engine **engine, rb_error *err);

/* Calls visit with the name of every engine that can be loaded by name, sorted, each once. */
rb_status rb_engine_each(void (*visit)(void *ctx, const char *name, const char *path), void *ctx,
                         rb_error *err);

#endif
