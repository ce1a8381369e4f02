#include "bench/kernel_loader.h"

#include <dlfcn.h>

#include "adapter/adapter.h"
#include "bench/engine_loader.h"

static rb_status check_members(const char *path, const rb_kernel *table, rb_error *err) {
    const char *missing = !table->name || !table->version || !table->description
                              ? "name, version or description"
                          : !table->prepare ? "prepare"
                          : !table->run     ? "run"
                          : !table->release ? "release"
                                            : NULL;
    if (missing)
        return rb_fail(err, RB_ERR_ENGINE, "%s: its kernel table has no %s", path, missing);
    if (table->flags & ~RB_KERNEL_FLAGS)
        return rb_fail(err, RB_ERR_ENGINE, "%s: kernel flags %#x, known are %#x", path,
                       table->flags, RB_KERNEL_FLAGS);
    const size_t count = sizeof table->reserved_members / sizeof table->reserved_members[0];
    for (size_t i = 0; i < count; i++)
        if (table->reserved || table->reserved_members[i])
            return rb_fail(err, RB_ERR_ENGINE,
                           "%s: its kernel table has what ABI version %u has no name for", path,
                           RB_ENGINE_ABI);
    return RB_OK;
}

static rb_status check_table(const char *path, const rb_kernel *table, rb_error *err) {
    if (!table)
        return rb_fail(err, RB_ERR_ENGINE, "%s: %s returned no table", path, RB_KERNEL_SYMBOL);
    if (table->abi != RB_ENGINE_ABI)
        return rb_fail(err, RB_ERR_ENGINE, "%s: kernel ABI version %u, expected %u", path,
                       table->abi, RB_ENGINE_ABI);
    if (table->size != sizeof *table)
        return rb_fail(err, RB_ERR_ENGINE, "%s: kernel table of %u bytes, expected %zu", path,
                       table->size, sizeof *table);
    return check_members(path, table, err);
}

/* The adapter is a shared object beside the engines, and as private as the oracle. */
static rb_status load_adapter(const rb_engine *(**create)(const rb_kernel *, const rb_engine *),
                              rb_error *err) {
    char path[RB_PATH_CAPACITY];
    const rb_status status = rb_engine_find_own("parts/kernel_adapter", path, err);
    if (status != RB_OK)
        return rb_fail(err, RB_ERR_ENGINE,
                       "lib/resbench/parts/kernel_adapter.so, which kernel plug-ins need, is not "
                       "beside the program");
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return rb_fail(err, RB_ERR_ENGINE, "%s: cannot be loaded: %.800s", path, dlerror());
    *(void **)create = dlsym(object, RB_ADAPTER_SYMBOL);
    return *create ? RB_OK
                   : rb_fail(err, RB_ERR_ENGINE, "%s: does not export %s", path, RB_ADAPTER_SYMBOL);
}

rb_status rb_kernel_adapt(const char *path, const rb_kernel *(*get)(void),
                          const rb_engine *reference, const rb_engine **engine, rb_error *err) {
    const rb_engine *(*create)(const rb_kernel *, const rb_engine *);
    const rb_kernel *table = get();
    rb_status status = check_table(path, table, err);
    if (status == RB_OK)
        status = load_adapter(&create, err);
    if (status == RB_OK && !(*engine = create(table, reference)))
        status = rb_fail(err, RB_ERR_MEMORY, "no memory to adapt %s", path);
    return status;
}
