#include "cli/shard.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

rb_shard rb_cli_shard(const struct argp_state *state, const char *text) {
    char *slash, *end = NULL;
    errno = 0;
    const long index = strtol(text, &slash, 10);
    const long count = *slash == '/' ? strtol(slash + 1, &end, 10) : 0;
    if (!isdigit((unsigned char)*text) || errno || !end || *end || index < 1 || index > count ||
        count > RB_MAX_SHARDS)
        argp_error(state, "--shard takes i/n, 1 <= i <= n <= %d, not '%s'", RB_MAX_SHARDS, text);
    return (rb_shard){(int32_t)index, (int32_t)count};
}
