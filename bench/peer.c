#include "bench/peer.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own_path.h"
#include "base/script_path.h"
#include "base/text.h"
#include "bench/weights_source.h"
#include "bench/worker_client.h"

#define SUFFIX "_peer.py"
#define WORKER "bench/peers/worker.py"

/* All that worker.py reads, itself included. */
static const char *const shared[] = {"models.py",   "process.py", "protocol.py",
                                     "settings.py", "timing.py",  "worker.py"};
#define SHARED_COUNT (sizeof shared / sizeof shared[0])

static bool ends_in(const char *text, const char *tail) {
    const size_t length = strlen(text), size = strlen(tail);
    return length > size && strcmp(text + length - size, tail) == 0;
}

bool rb_peer_is_named(const char *word) {
    return strncmp(word, RB_PEER_PREFIX, strlen(RB_PEER_PREFIX)) == 0 ||
           (strchr(word, '/') && ends_in(word, SUFFIX));
}

bool rb_peer_is_script(const char *path) {
    return ends_in(path, SUFFIX);
}

/* The directory of worker.py, where the peers that came with the program are too. */
static rb_status own_directory(char directory[RB_PATH_CAPACITY], rb_error *err) {
    const rb_status status = rb_script_path(WORKER, directory, err);
    if (status == RB_OK)
        *strrchr(directory, '/') = '\0';
    return status;
}

static bool is_in(const char *directory, const char *name, char path[RB_PATH_CAPACITY]) {
    char file[128];
    const int length = snprintf(file, sizeof file, "%s" SUFFIX, name);
    return length < (int)sizeof file && rb_path_in(directory, file, path, NULL) == RB_OK &&
           access(path, R_OK) == 0;
}

static rb_status find_by_name(const char *name, char path[RB_PATH_CAPACITY], rb_error *err) {
    char directory[RB_PATH_CAPACITY];
    const char *extra = getenv("RESBENCH_ENGINE_PATH");
    if (!*name || strchr(name, '/'))
        return rb_fail(err, RB_ERR_USAGE, "'%.100s' is not the name of a peer", name);
    while (extra && *extra) {
        const size_t length = strcspn(extra, ":");
        if (length > 0 && length < sizeof directory) {
            snprintf(directory, sizeof directory, "%.*s", (int)length, extra);
            if (is_in(directory, name, path))
                return RB_OK;
        }
        extra += length + (extra[length] == ':');
    }
    const rb_status status = own_directory(directory, err);
    if (status != RB_OK)
        return status;
    return is_in(directory, name, path)
               ? RB_OK
               : rb_fail(
                     err, RB_ERR_USAGE,
                     "no peer is called '%.100s'; 'resbench list --peers' shows those there are",
                     name);
}

rb_status rb_peer_find(const char *word, char path[RB_PATH_CAPACITY], rb_error *err) {
    if (strncmp(word, RB_PEER_PREFIX, strlen(RB_PEER_PREFIX)) == 0)
        return find_by_name(word + strlen(RB_PEER_PREFIX), path, err);
    char *full = realpath(word, NULL);
    const bool fits = full && strlen(full) < RB_PATH_CAPACITY;
    if (fits)
        strcpy(path, full);
    free(full);
    return fits ? RB_OK : rb_fail(err, RB_ERR_USAGE, "%s: there is no such peer", word);
}

void rb_peer_label(const char *path, char *label, size_t capacity) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(label, capacity, RB_PEER_PREFIX "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
}

rb_status rb_peer_digest(const char *path, char digest[RB_DIGEST_CAPACITY], rb_error *err) {
    char directory[RB_PATH_CAPACITY], files[SHARED_COUNT][RB_PATH_CAPACITY];
    const char *paths[SHARED_COUNT + 1] = {path};
    rb_status status = own_directory(directory, err);
    for (size_t i = 0; status == RB_OK && i < SHARED_COUNT; i++) {
        status = rb_path_in(directory, shared[i], files[i], err);
        paths[i + 1] = files[i];
    }
    return status == RB_OK ? rb_digest_files(paths, SHARED_COUNT + 1, digest, err) : status;
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Those of RESBENCH_PEERS_PYTHON that can be run, then ours. */
static rb_status list_pythons(char *list, size_t capacity, rb_error *err) {
    char python[RB_PATH_CAPACITY];
    const char *given = getenv("RESBENCH_PEERS_PYTHON");
    size_t used = 0;
    while (given && *given) {
        const size_t length = strcspn(given, ":");
        snprintf(python, sizeof python, "%.*s", (int)length, given);
        if (length > 0 && length < sizeof python && access(python, X_OK) == 0 && is_file(python) &&
            used + length + 1 < capacity)
            used += (size_t)snprintf(list + used, capacity - used, "%s:", python);
        given += length + (given[length] == ':');
    }
    if (used + strlen(rb_python()) >= capacity)
        return rb_fail(err, RB_ERR_USAGE, "RESBENCH_PEERS_PYTHON is too long");
    snprintf(list + used, capacity - used, "%s", rb_python());
    return RB_OK;
}

rb_status rb_peer_command_make(const char *path, double timeout_seconds, rb_peer_command *command,
                               rb_error *err) {
    snprintf(command->timeout, sizeof command->timeout, "%.17g", timeout_seconds);
    snprintf(command->peer, sizeof command->peer, "%s", path);
    rb_status status = rb_script_path(WORKER, command->worker, err);
    if (status == RB_OK)
        status = rb_own_program(command->program, err);
    if (status == RB_OK)
        status = rb_weights_cache(command->cache, err);
    if (status == RB_OK)
        status = list_pythons(command->pythons, sizeof command->pythons, err);
    if (status != RB_OK)
        return status;
    char *others = command->pythons + strcspn(command->pythons, ":");
    if (*others)
        *others++ = '\0';
    char *const argv[] = {command->pythons, command->worker, command->peer,  "--program",
                          command->program, "--cache",       command->cache, "--timeout",
                          command->timeout, "--pythons",     others,         NULL};
    memcpy(command->argv, argv, sizeof argv);
    return RB_OK;
}

void rb_peer_version(const char *path, double timeout_seconds, char *version, size_t capacity) {
    const rb_worker_options options = {.timeout_seconds = timeout_seconds, .peer = path};
    rb_worker *worker = NULL;
    rb_message answer = {0};
    rb_error err;
    rb_status status = rb_worker_start(&options, &worker, &err);
    if (status == RB_OK)
        status =
            rb_worker_call(worker, json_pack("{s:s}", "op", "describe"), NULL, 0, &answer, &err);
    const char *told = json_string_value(json_object_get(answer.json, "version"));
    snprintf(version, capacity, "%s", status == RB_OK && told ? told : "");
    rb_text_clean(version);
    rb_message_release(&answer);
    rb_worker_stop(worker);
}

static int is_peer(const struct dirent *entry) {
    return ends_in(entry->d_name, SUFFIX);
}

rb_status rb_peer_each(void (*visit)(void *ctx, const char *name, const char *path), void *ctx,
                       rb_error *err) {
    char directory[RB_PATH_CAPACITY], path[RB_PATH_CAPACITY], label[64];
    struct dirent **entries = NULL;
    const rb_status status = own_directory(directory, err);
    if (status != RB_OK)
        return status;
    const int count = scandir(directory, &entries, is_peer, alphasort);
    for (int i = 0; i < count; i++) {
        if (rb_path_in(directory, entries[i]->d_name, path, NULL) == RB_OK) {
            rb_peer_label(path, label, sizeof label);
            visit(ctx, label, path);
        }
        free(entries[i]);
    }
    free(entries);
    return RB_OK;
}
