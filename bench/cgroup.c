#include "bench/cgroup.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/system_file.h"

#define PATH_CAPACITY 1024
#define NO_LIMIT ((int64_t)1 << 60) /* version 1 writes a number near 2^63 for none */

typedef struct hierarchy {
    const char *root;
    char mount[64];           /* "/sys/fs/cgroup/memory" */
    char path[PATH_CAPACITY]; /* of this process's group below it: "/a/b", "" */
} hierarchy;

/* The path of this process's group in the hierarchy that has the controller; "" names the unified
 * one, which is version 2. A line of /proc/self/cgroup is "4:cpu,cpuacct:/a/b". */
static bool find_path(const char *root, const char *controller, char *path) {
    char line[PATH_CAPACITY + 256], full[4096];
    bool found = false;
    snprintf(full, sizeof full, "%s/proc/self/cgroup", root);
    FILE *file = fopen(full, "r");
    while (file && !found && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':');
        char *group = names ? strchr(names + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        for (char *c = ++names; *c; c++)
            if (*c == ',')
                *c = ' ';
        found = controller[0] ? rb_system_has_word(names, controller) : names[0] == '\0';
        if (found)
            snprintf(path, PATH_CAPACITY, "%.*s", (int)strcspn(group, "\n"),
                     strcmp(group, "/\n") == 0 ? "\n" : group);
    }
    if (file)
        fclose(file);
    path[strcspn(path, "\n")] = '\0';
    return found;
}

/* Version 1 has a hierarchy for each controller, of which two may share one mount. */
static bool find_version1(const char *root, const char *controller, hierarchy *h) {
    h->root = root;
    snprintf(h->mount, sizeof h->mount, "/sys/fs/cgroup/%s", controller);
    if (strcmp(controller, "cpu") == 0 && !rb_system_exists(root, h->mount))
        snprintf(h->mount, sizeof h->mount, "/sys/fs/cgroup/cpu,cpuacct");
    if (!rb_system_exists(root, h->mount))
        return false;
    if (!find_path(root, controller, h->path))
        h->path[0] = '\0';
    return true;
}

static bool find_version2(const char *root, hierarchy *h) {
    *h = (hierarchy){.root = root, .mount = "/sys/fs/cgroup"};
    if (!rb_system_exists(root, "/sys/fs/cgroup/cgroup.controllers") &&
        !rb_system_exists(root, "/sys/fs/cgroup/cpu.max") &&
        !rb_system_exists(root, "/sys/fs/cgroup/memory.max"))
        return false;
    if (!find_path(root, "", h->path))
        h->path[0] = '\0';
    return true;
}

/* From the process's own group up to the first one. In a container the path may be the host's while
 * the mount begins at the container's group: then only the last step finds files, which are its
 * own. */
static void visit(hierarchy *h, void (*look)(const hierarchy *h, rb_cgroup *found),
                  rb_cgroup *found) {
    for (;;) {
        look(h, found);
        char *last = strrchr(h->path, '/');
        if (!last)
            return;
        *last = '\0';
    }
}

static bool group_line(const hierarchy *h, const char *file, const char *word, char line[128]) {
    char path[PATH_CAPACITY + 128];
    snprintf(path, sizeof path, "%s%s/%s", h->mount, h->path, file);
    return rb_system_value(h->root, path, word, line, 128);
}

static int64_t group_number(const hierarchy *h, const char *file, const char *word) {
    char line[128], *end;
    if (!group_line(h, file, word, line))
        return -1;
    const long long value = strtoll(line, &end, 10);
    return end == line ? -1 : value;
}

static void look_at_cpu2(const hierarchy *h, rb_cgroup *found) {
    char line[128];
    double quota, period;
    if (group_line(h, "cpu.max", "", line) && sscanf(line, "%lf %lf", &quota, &period) == 2 &&
        quota > 0 && period > 0 && quota / period < found->cpu_quota)
        found->cpu_quota = quota / period;
}

static void look_at_cpu1(const hierarchy *h, rb_cgroup *found) {
    const int64_t quota = group_number(h, "cpu.cfs_quota_us", "");
    const int64_t period = group_number(h, "cpu.cfs_period_us", "");
    if (quota > 0 && period > 0 && (double)quota / (double)period < found->cpu_quota)
        found->cpu_quota = (double)quota / (double)period;
}

/* used: what the system cannot take back, by the group and those below it. */
static void limit_memory(rb_cgroup *found, int64_t limit, int64_t used) {
    if (limit < 0 || limit >= NO_LIMIT)
        return;
    if (found->memory_limit < 0 || limit < found->memory_limit)
        found->memory_limit = limit;
    if (used < 0)
        return;
    const int64_t left = limit > used ? limit - used : 0;
    if (found->memory_left < 0 || left < found->memory_left)
        found->memory_left = left;
}

/* Of processes, and what lies in file systems in memory (/dev/shm), which nobody can drop either.
 */
static int64_t used_memory(const hierarchy *h, const char *processes, const char *shared) {
    const int64_t used = group_number(h, "memory.stat", processes);
    const int64_t files = group_number(h, "memory.stat", shared);
    if (used < 0 || files < 0)
        return used;
    return used < INT64_MAX - files ? used + files : INT64_MAX;
}

static void look_at_memory2(const hierarchy *h, rb_cgroup *found) {
    limit_memory(found, group_number(h, "memory.max", ""), used_memory(h, "anon", "shmem"));
}

static void look_at_memory1(const hierarchy *h, rb_cgroup *found) {
    limit_memory(found, group_number(h, "memory.limit_in_bytes", ""),
                 used_memory(h, "total_rss", "total_shmem"));
}

rb_cgroup rb_cgroup_read(const char *root) {
    rb_cgroup found = {.cpu_quota = INFINITY, .memory_limit = -1, .memory_left = -1};
    hierarchy h;
    if (find_version2(root, &h)) {
        const hierarchy again = h;
        found.version = 2;
        visit(&h, look_at_cpu2, &found);
        h = again;
        visit(&h, look_at_memory2, &found);
        return found;
    }
    if (find_version1(root, "cpu", &h)) {
        found.version = 1;
        visit(&h, look_at_cpu1, &found);
    }
    if (find_version1(root, "memory", &h)) {
        found.version = 1;
        visit(&h, look_at_memory1, &found);
    }
    return found;
}

int64_t rb_cgroup_available_bytes(const char *root, const rb_cgroup *groups) {
    const int64_t system = rb_system_kib(root, "/proc/meminfo", "MemAvailable");
    const int64_t left = groups->memory_left;
    return left >= 0 && (system < 0 || left < system) ? left : system;
}
