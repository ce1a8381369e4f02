/* Where the engines of another build or installation lie. */
#ifndef BENCH_BUILD_DIRECTORY_H
#define BENCH_BUILD_DIRECTORY_H

#include "base/atomic_file.h"

/* The shared object of an engine: directory/<lib>/resbench/NAME.so, where <lib> is lib, lib64 or a
 * directory within lib. RB_ERR_USAGE names the directory when there is none. */
rb_status rb_build_engine(const char *directory, const char *name, char path[RB_PATH_CAPACITY],
                          rb_error *err);

#endif
