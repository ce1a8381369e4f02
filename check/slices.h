/* A network's values in slices: what one message brings and one buffer holds. */
#ifndef CHECK_SLICES_H
#define CHECK_SLICES_H

#include <stdint.h>

#include "resbench/graph.h"

/* Values of `count` nodes from first on, all images. */
int64_t rb_slice_elements(const rb_graph *graph, int32_t first, int32_t count);

/* How many nodes from first on make one slice: at least one, 0 when there are no more. */
int32_t rb_slice_count(const rb_graph *graph, int32_t first);

/* Values of the largest slice. */
int64_t rb_slice_most(const rb_graph *graph);

#endif
