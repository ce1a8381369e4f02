/* Which weights file goes with a network. */
#ifndef BENCH_WEIGHTS_SOURCE_H
#define BENCH_WEIGHTS_SOURCE_H

#include "base/atomic_file.h"
#include "loaders/weights_file.h"
#include "model/graph_build.h"

/* Reads the weights file of one network once in a child (trial.h), then its attributes here, and
 * builds the graph they ask for at batch 1. RB_ERR_INPUT when the file cannot be used. The caller
 * owns *graph. */
rb_status rb_weights_inspect(const char *path, rb_weights_info *info, rb_graph **graph,
                             rb_error *err);

/* given: NULL for synthetic weights of seed (made on first use in the cache directory:
 * RESBENCH_CACHE, or resbench/weights under XDG_CACHE_HOME or ~/.cache), a directory that holds
 * <network>.h5, or a file. Fills path and info; RB_ERR_INPUT when the file cannot be used
 * or is not one for network. */
rb_status rb_weights_source(const char *given, const rb_network *network, uint64_t seed,
                            char path[RB_PATH_CAPACITY], rb_weights_info *info, rb_error *err);

/* The directory for what is made once, which is made if it is not there. */
rb_status rb_weights_cache(char path[RB_PATH_CAPACITY], rb_error *err);

/* The networks that given, a file or a directory, has weights for: a list as rb_plan_add_networks
 * reads it, "resnet50,resnet18-v1". RB_ERR_INPUT when there are none. */
rb_status rb_weights_networks(const char *given, char *list, size_t capacity, rb_error *err);

/* Whether the weights are synthetic, so that a top-1 class means nothing. */
bool rb_weights_are_synthetic(const rb_weights_info *info);

#endif
