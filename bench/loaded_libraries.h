/* Shared libraries of this process. */
#ifndef BENCH_LOADED_LIBRARIES_H
#define BENCH_LOADED_LIBRARIES_H

#include <jansson.h>

/* The names of the files, links followed, so that they show versions: ["libgomp.so.1.0.0", ...]. A
 * new reference. */
json_t *rb_loaded_libraries(void);

/* Those of `all` that are not in `known`. A new reference. */
json_t *rb_libraries_beyond(const json_t *all, const json_t *known);

#endif
