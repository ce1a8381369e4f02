#include "bench/weights_source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/graph_build.h"

static rb_status cache_directory(char path[RB_PATH_CAPACITY], rb_error *err) {
    const char *own = getenv("RESBENCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length;
    if (own && *own)
        length = snprintf(path, RB_PATH_CAPACITY, "%s", own);
    else if (xdg && *xdg)
        length = snprintf(path, RB_PATH_CAPACITY, "%s/resbench/weights", xdg);
    else
        length = snprintf(path, RB_PATH_CAPACITY, "%s/.cache/resbench/weights",
                          home && *home ? home : "/tmp");
    if (length < 0 || length >= RB_PATH_CAPACITY - 128)
        return rb_fail(err, RB_ERR_OUTPUT, "the cache directory's path is too long");
    return rb_make_directories(path, err);
}

static rb_status synthetic(const rb_network *network, uint64_t seed, char path[RB_PATH_CAPACITY],
                           rb_error *err) {
    char directory[RB_PATH_CAPACITY];
    rb_graph *graph;
    rb_status status = cache_directory(directory, err);
    if (status != RB_OK)
        return status;
    if (snprintf(path, RB_PATH_CAPACITY, "%s/%s-seed%llu-schema%d.h5", directory, network->name,
                 (unsigned long long)seed, RB_WEIGHTS_SCHEMA) >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_OUTPUT, "%.64s...: the path is too long", directory);
    if (access(path, R_OK) == 0)
        return RB_OK;
    status = rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, err);
    if (status == RB_OK)
        status = rb_weights_synthesize(path, network, graph, seed, err);
    rb_graph_destroy(graph);
    return status;
}

rb_status rb_weights_source(const char *given, const rb_network *network, uint64_t seed,
                            char path[RB_PATH_CAPACITY], rb_weights_info *info, rb_error *err) {
    struct stat entry;
    rb_status status = RB_OK;
    int length = 0;
    if (!given)
        status = synthetic(network, seed, path, err);
    else if (stat(given, &entry) == 0 && S_ISDIR(entry.st_mode))
        length = snprintf(path, RB_PATH_CAPACITY, "%s/%s.h5", given, network->name);
    else
        length = snprintf(path, RB_PATH_CAPACITY, "%s", given);
    if (length < 0 || length >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_USAGE, "%.64s...: the path is too long", given);
    if (status == RB_OK)
        status = rb_weights_read_info(path, info, err);
    if (status == RB_OK && strcmp(info->network, network->name) != 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: holds weights of %s, expected %s", path,
                         info->network, network->name);
    return status;
}

bool rb_weights_are_synthetic(const rb_weights_info *info) {
    return strncmp(info->source, "synthetic", strlen("synthetic")) == 0;
}
