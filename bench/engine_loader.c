#include "bench/engine_loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own_path.h"
#include "bench/kernel_loader.h"

#define MAX_DIRECTORIES 16
#define SUFFIX ".so"
#define NAME_CAPACITY 64
#define MAX_LOADED 32 /* in one process: those of a run, and the two of resbench */

typedef struct search_path {
    char directories[MAX_DIRECTORIES][RB_PATH_CAPACITY];
    size_t count;
} search_path;

static void add_directory(search_path *search, const char *directory, size_t length) {
    if (length == 0 || length >= RB_PATH_CAPACITY || search->count == MAX_DIRECTORIES)
        return;
    memcpy(search->directories[search->count], directory, length);
    search->directories[search->count++][length] = '\0';
}

static void add_own_directory(search_path *search) {
    char own[RB_PATH_CAPACITY];
    if (rb_own_path(RB_RELATIVE_ENGINES, own, NULL) == RB_OK)
        add_directory(search, own, strlen(own));
}

static search_path *search_path_create(bool own_only) {
    search_path *search = calloc(1, sizeof *search);
    if (!search)
        return NULL;
    const char *extra = own_only ? NULL : getenv("RESBENCH_ENGINE_PATH");
    while (extra && *extra) {
        const size_t length = strcspn(extra, ":");
        add_directory(search, extra, length);
        extra += length + (extra[length] == ':');
    }
    add_own_directory(search);
    return search;
}

static rb_status find_by_path(const char *name, char path[RB_PATH_CAPACITY], rb_error *err) {
    char *full = realpath(name, NULL);
    const bool fits = full && strlen(full) < RB_PATH_CAPACITY;
    if (fits)
        strcpy(path, full);
    free(full);
    return fits ? RB_OK : rb_fail(err, RB_ERR_USAGE, "%s: there is no such engine file", name);
}

static rb_status find_by_name(const char *name, bool own_only, char path[RB_PATH_CAPACITY],
                              rb_error *err) {
    search_path *search = search_path_create(own_only);
    bool found = false;
    if (!search)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to look for engine '%s'", name);
    for (size_t i = 0; !found && i < search->count; i++) {
        const int length =
            snprintf(path, RB_PATH_CAPACITY, "%s/%s" SUFFIX, search->directories[i], name);
        found = length > 0 && length < RB_PATH_CAPACITY && access(path, R_OK) == 0;
    }
    free(search);
    if (found)
        return RB_OK;
    return rb_fail(err, RB_ERR_USAGE,
                   "no engine is called '%s'; 'resbench list' shows those there are", name);
}

rb_status rb_engine_find(const char *name, char path[RB_PATH_CAPACITY], rb_error *err) {
    return strchr(name, '/') ? find_by_path(name, path, err) : find_by_name(name, false, path, err);
}

rb_status rb_engine_find_own(const char *name, char path[RB_PATH_CAPACITY], rb_error *err) {
    return find_by_name(name, true, path, err);
}

void rb_engine_label(const char *name, char *label, size_t capacity) {
    const char *slash = strrchr(name, '/');
    snprintf(label, capacity, "%s", slash ? slash + 1 : name);
    const size_t length = strlen(label), tail = strlen(SUFFIX);
    if (slash && length > tail && strcmp(label + length - tail, SUFFIX) == 0)
        label[length - tail] = '\0';
}

static const char *missing_member(const rb_engine *engine) {
    if (!engine->name || !engine->version || !engine->description)
        return "name, version or description";
    if (engine->output_dtype != RB_F32 && engine->output_dtype != RB_F64)
        return "valid output_dtype";
    if (!engine->open)
        return "open";
    if (!engine->run)
        return "run";
    if (!engine->close)
        return "close";
    return NULL;
}

/* What a version has no name for is refused, never ignored. */
static rb_status check_unknown(const char *path, const rb_engine *table, rb_error *err) {
    if (table->flags & ~RB_ENGINE_FLAGS)
        return rb_fail(err, RB_ERR_ENGINE, "%s: engine flags %#x, known are %#x", path,
                       table->flags, RB_ENGINE_FLAGS);
    for (size_t i = 0; i < sizeof table->reserved / sizeof table->reserved[0]; i++)
        if (table->reserved[i])
            return rb_fail(err, RB_ERR_ENGINE,
                           "%s: its engine table has what ABI version %u has no name for", path,
                           RB_ENGINE_ABI);
    return RB_OK;
}

static rb_status check_table(const char *path, const rb_engine *table, rb_error *err) {
    if (!table)
        return rb_fail(err, RB_ERR_ENGINE, "%s: %s returned no table", path, RB_ENGINE_SYMBOL);
    if (table->abi != RB_ENGINE_ABI)
        return rb_fail(err, RB_ERR_ENGINE, "%s: engine ABI version %u, expected %u", path,
                       table->abi, RB_ENGINE_ABI);
    if (table->size != sizeof(rb_engine))
        return rb_fail(err, RB_ERR_ENGINE, "%s: engine table of %u bytes, expected %zu", path,
                       table->size, sizeof(rb_engine));
    const char *missing = missing_member(table);
    if (missing)
        return rb_fail(err, RB_ERR_ENGINE, "%s: its engine table has no %s", path, missing);
    return check_unknown(path, table, err);
}

static rb_status adapt(const char *path, const rb_kernel *(*get)(void), const rb_engine **engine,
                       rb_error *err) {
    char own[RB_PATH_CAPACITY];
    const rb_engine *reference;
    rb_status status = rb_engine_find_own("reference", own, err);
    if (status == RB_OK)
        status = rb_engine_load(own, &reference, err);
    return status == RB_OK ? rb_kernel_adapt(path, get, reference, engine, err) : status;
}

/* One process has one library of a name (DT_SONAME): a second build of an engine would run on the
 * library of the first, whatever it was built against. Engines are never unloaded. Copies of the
 * reference and the oracle, which need the C library alone, do no harm. */
static rb_status check_single_build(const char *path, const rb_engine *table, rb_error *err) {
    static struct {
        const rb_engine *table;
        char path[RB_PATH_CAPACITY];
    } loaded[MAX_LOADED];
    static size_t count;
    if (strcmp(table->name, "reference") == 0 || strcmp(table->name, "oracle") == 0)
        return RB_OK;
    for (size_t i = 0; i < count; i++) {
        if (loaded[i].table == table)
            return RB_OK;
        if (strcmp(loaded[i].table->name, table->name) == 0)
            return rb_fail(err, RB_ERR_UNSUPPORTED,
                           "%.400s: another build of engine %.60s is in this process, %.400s, and "
                           "would share its libraries with it; without --no-worker each build has "
                           "its own",
                           path, table->name, loaded[i].path);
    }
    if (count < MAX_LOADED) {
        loaded[count].table = table;
        snprintf(loaded[count++].path, RB_PATH_CAPACITY, "%s", path);
    }
    return RB_OK;
}

static rb_status load_table(const char *path, const rb_engine **engine, rb_error *err) {
    const rb_engine *(*get)(void) = NULL;
    const rb_kernel *(*get_kernel)(void) = NULL;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return rb_fail(err, RB_ERR_ENGINE, "%s: cannot be loaded: %.800s", path, dlerror());
    *(void **)&get = dlsym(object, RB_ENGINE_SYMBOL);
    *(void **)&get_kernel = dlsym(object, RB_KERNEL_SYMBOL);
    if (!get && get_kernel)
        return adapt(path, get_kernel, engine, err);
    if (!get)
        return rb_fail(err, RB_ERR_ENGINE, "%s: is not an engine: it exports neither %s nor %s",
                       path, RB_ENGINE_SYMBOL, RB_KERNEL_SYMBOL);
    *engine = get();
    return check_table(path, *engine, err);
}

rb_status rb_engine_load(const char *path, const rb_engine **engine, rb_error *err) {
    rb_status status = load_table(path, engine, err);
    if (status == RB_OK)
        status = check_single_build(path, *engine, err);
    if (status != RB_OK)
        *engine = NULL;
    return status;
}

static int has_engine_suffix(const struct dirent *entry) {
    const size_t length = strlen(entry->d_name), tail = strlen(SUFFIX);
    return length > tail && strcmp(entry->d_name + length - tail, SUFFIX) == 0;
}

typedef struct engine_names {
    char (*items)[NAME_CAPACITY];
    size_t count, capacity;
} engine_names;

static bool add_name(engine_names *names, const char *file) {
    const size_t length = strlen(file) - strlen(SUFFIX);
    if (length >= NAME_CAPACITY)
        return true; /* no engine can be asked for by such a name */
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity ? 2 * names->capacity : 16;
        char(*items)[NAME_CAPACITY] = realloc(names->items, capacity * sizeof *items);
        if (!items)
            return false;
        names->items = items;
        names->capacity = capacity;
    }
    snprintf(names->items[names->count++], NAME_CAPACITY, "%.*s", (int)length, file);
    return true;
}

static bool add_names_in(engine_names *names, const char *directory) {
    struct dirent **entries = NULL;
    bool fine = true;
    const int count = scandir(directory, &entries, has_engine_suffix, NULL);
    for (int e = 0; e < count; e++) {
        fine = fine && add_name(names, entries[e]->d_name);
        free(entries[e]);
    }
    free(entries);
    return fine;
}

static int by_text(const void *a, const void *b) {
    return strcmp(a, b);
}

rb_status rb_engine_each(void (*visit)(void *ctx, const char *name, const char *path), void *ctx,
                         rb_error *err) {
    engine_names names = {0};
    search_path *search = search_path_create(false);
    bool fine = search != NULL;
    for (size_t i = 0; fine && i < search->count; i++)
        fine = add_names_in(&names, search->directories[i]);
    free(search);
    if (fine && names.count > 0)
        qsort(names.items, names.count, sizeof names.items[0], by_text);
    for (size_t i = 0; fine && i < names.count; i++) {
        char path[RB_PATH_CAPACITY];
        const bool again = i > 0 && strcmp(names.items[i], names.items[i - 1]) == 0;
        if (!again && rb_engine_find(names.items[i], path, NULL) == RB_OK)
            visit(ctx, names.items[i], path);
    }
    free(names.items);
    return fine ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "no memory to look for engines");
}
