/* SHA-256 over the tensors of a network, independent of how a file stores them:
 *   for each tensor, in the byte order of names:  NAME "\n" D0 " " D1 ... "\n" VALUES
 *   and last:  "epsilon\n" EPSILON
 * with decimal dimensions, little-endian float32 values and the little-endian float64 epsilon. */
#ifndef LOADERS_DIGEST_H
#define LOADERS_DIGEST_H

#include "resbench/graph.h"
#include "resbench/status.h"

#define RB_DIGEST_CAPACITY 65 /* 64 hexadecimal digits and the end */

/* tensors: one array for each of graph->tensors, in that order. */
rb_status rb_digest_tensors(const rb_graph *graph, const float *const *tensors, double epsilon,
                            char digest[RB_DIGEST_CAPACITY], rb_error *err);

/* SHA-256 over files as they lie on disk, one after the other. */
rb_status rb_digest_files(const char *const *paths, size_t count, char digest[RB_DIGEST_CAPACITY],
                          rb_error *err);

#endif
