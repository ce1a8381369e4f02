#include "bench/weights_source.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own_path.h"
#include "bench/trial.h"

rb_status rb_weights_cache(char path[RB_PATH_CAPACITY], rb_error *err) {
    const char *own = getenv("RESBENCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    const struct passwd *user = home && *home ? NULL : getpwuid(getuid());
    if (user)
        home = user->pw_dir;
    int length;
    if (own && *own)
        length = snprintf(path, RB_PATH_CAPACITY, "%s", own);
    else if (xdg && *xdg)
        length = snprintf(path, RB_PATH_CAPACITY, "%s/resbench/weights", xdg);
    else
        length = snprintf(path, RB_PATH_CAPACITY, "%s/.cache/resbench/weights",
                          home && *home ? home : ".");
    if (length < 0 || length >= RB_PATH_CAPACITY - 128)
        return rb_fail(err, RB_ERR_OUTPUT, "the cache directory's path is too long");
    return rb_make_directories(path, err);
}

static bool is_directory(const char *path) {
    struct stat entry;
    return stat(path, &entry) == 0 && S_ISDIR(entry.st_mode);
}

rb_status rb_weights_networks(const char *given, char *list, size_t capacity, rb_error *err) {
    rb_weights_info info;
    if (!is_directory(given)) {
        rb_graph *graph;
        const rb_status status = rb_weights_inspect(given, &info, &graph, err);
        rb_graph_destroy(graph);
        if (status == RB_OK)
            snprintf(list, capacity, "%s", info.network);
        return status;
    }
    size_t count, used = 0;
    const rb_network *table = rb_network_table(&count);
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char path[RB_PATH_CAPACITY];
        const int length = snprintf(path, sizeof path, "%s/%s.h5", given, table[i].name);
        if (length < 0 || length >= (int)sizeof path || access(path, R_OK) != 0)
            continue;
        const int written =
            snprintf(list + used, capacity - used, "%s%s", used ? "," : "", table[i].name);
        if (written < 0 || (size_t)written >= capacity - used)
            break;
        used += (size_t)written;
    }
    if (used == 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: holds no <network>.h5, such as resnet50.h5", given);
    return RB_OK;
}

typedef struct read_request {
    const char *path;
    bool verify; /* recompute the SHA-256, too */
} read_request;

static rb_status create_graph(const rb_network *network, const rb_weights_info *info,
                              rb_graph **graph, rb_error *err) {
    const rb_graph_shape shape = rb_weights_graph_shape(info, 1, 0, 0);
    return rb_graph_create(network, &shape, graph, err);
}

/* All that a run reads of the file: what survives here survives there. */
static rb_status read_all(void *ctx, rb_error *err) {
    const read_request *request = ctx;
    const char *path = request->path;
    rb_weights_info info;
    const rb_network *network;
    rb_graph *graph = NULL;
    rb_weights_set *set = NULL;
    rb_status status = rb_weights_read_info(path, &info, err);
    if (status == RB_OK)
        status = rb_network_find(info.network, &network, err);
    if (status == RB_OK)
        status = create_graph(network, &info, &graph, err);
    if (status == RB_OK)
        status = rb_weights_load(path, graph, &set, err);
    if (status == RB_OK && request->verify)
        status = rb_weights_verify(path, graph, set, err);
    rb_weights_destroy(set);
    rb_graph_destroy(graph);
    return status == RB_ERR_USAGE ? RB_ERR_INPUT : status;
}

rb_status rb_weights_inspect(const char *path, rb_weights_info *info, rb_graph **graph,
                             rb_error *err) {
    const rb_network *network;
    *graph = NULL;
    read_request request = {.path = path};
    rb_status status = rb_trial(path, read_all, &request, err);
    if (status == RB_OK)
        status = rb_weights_read_info(path, info, err);
    if (status == RB_OK)
        status = rb_network_find(info->network, &network, err);
    if (status == RB_OK)
        status = create_graph(network, info, graph, err);
    return status;
}

/* Synthetic weights are the same everywhere: those that came with the program need no cache. A
 * damaged file is not passed over: whatever harmed it may have harmed more of the installation. */
static rb_status find_packed(const char *name, char path[RB_PATH_CAPACITY], bool *found,
                             rb_error *err) {
    rb_error why;
    read_request request = {.path = path, .verify = true};
    *found = rb_share_path(name, path, NULL) == RB_OK;
    const rb_status status = *found ? rb_trial(path, read_all, &request, &why) : RB_OK;
    return status == RB_OK ? RB_OK
                           : rb_fail(err, status,
                                     "%.*s (weights that came with resbench: unpack it anew, or "
                                     "remove them to have them made)",
                                     RB_ERROR_CAPACITY - 128, why.message);
}

static rb_status synthetic(const rb_network *network, uint64_t seed, char path[RB_PATH_CAPACITY],
                           rb_error *err) {
    static const char packed[] = "weights/";
    char directory[RB_PATH_CAPACITY], name[128];
    rb_graph *graph;
    bool found;
    snprintf(name, sizeof name, "%s%s-seed%llu-schema%d.h5", packed, network->name,
             (unsigned long long)seed, RB_WEIGHTS_SCHEMA);
    rb_status status = find_packed(name, path, &found, err);
    if (status != RB_OK || found)
        return status;
    status = rb_weights_cache(directory, err);
    if (status == RB_OK)
        status = rb_path_in(directory, name + strlen(packed), path, err);
    if (status != RB_OK)
        return status;
    read_request request = {.path = path, .verify = true};
    if (access(path, R_OK) == 0 && rb_trial(path, read_all, &request, NULL) == RB_OK)
        return RB_OK; /* otherwise it is damaged, and made again */
    status = rb_graph_create(network, &(rb_graph_shape){.batch = 1}, &graph, err);
    if (status == RB_OK)
        status = rb_weights_synthesize(path, network, graph, seed, err);
    rb_graph_destroy(graph);
    return status;
}

rb_status rb_weights_source(const char *given, const rb_network *network, uint64_t seed,
                            char path[RB_PATH_CAPACITY], rb_weights_info *info, rb_error *err) {
    rb_status status = RB_OK;
    int length = 0;
    if (!given)
        status = synthetic(network, seed, path, err);
    else if (is_directory(given))
        length = snprintf(path, RB_PATH_CAPACITY, "%s/%s.h5", given, network->name);
    else
        length = snprintf(path, RB_PATH_CAPACITY, "%s", given);
    if (length < 0 || length >= RB_PATH_CAPACITY)
        return rb_fail(err, RB_ERR_USAGE, "%.64s...: the path is too long", given);
    rb_graph *graph = NULL;
    if (status == RB_OK)
        status = rb_weights_inspect(path, info, &graph, err);
    rb_graph_destroy(graph);
    if (status == RB_OK && strcmp(info->network, network->name) != 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: holds weights of %s, expected %s", path,
                         info->network, network->name);
    return status;
}

bool rb_weights_are_synthetic(const rb_weights_info *info) {
    return strncmp(info->source, "synthetic", strlen("synthetic")) == 0;
}
