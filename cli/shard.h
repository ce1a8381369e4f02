/* --shard i/n: the i-th of n parts of a job, for as many machines. */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include <argp.h>

#include "bench/shard.h"

/* "2/8"; a usage error when text is something else. */
rb_shard rb_cli_shard(const struct argp_state *state, const char *text);

#endif
