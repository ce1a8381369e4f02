#include "bench/affinity.h"

#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"
#include "bench/number_list.h"
#include "bench/topology.h"

/* Cores in the order in which they are taken. */
typedef struct core_order {
    hwloc_obj_t cores[CPU_SETSIZE];
    size_t count;
} core_order;

static const char *const kind_names[] = {[RB_AFFINITY_COMPACT] = "compact",
                                         [RB_AFFINITY_SCATTER] = "scatter",
                                         [RB_AFFINITY_NONE] = "none",
                                         [RB_AFFINITY_LIST] = "list"};

const char *rb_affinity_name(rb_affinity_kind kind) {
    return kind_names[kind];
}

void rb_processors_say(const cpu_set_t *set, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t first = 0; first < CPU_SETSIZE; first++) {
        char range[32];
        size_t last = first;
        if (!CPU_ISSET(first, set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
            last++;
        snprintf(range, sizeof range, last > first ? "%s%zu-%zu" : "%s%zu", used ? "," : "", first,
                 last);
        if (used + strlen(range) + sizeof "..." > capacity) {
            snprintf(text + used, capacity - used, "...");
            return;
        }
        used += (size_t)snprintf(text + used, capacity - used, "%s", range);
        first = last;
    }
}

static rb_status parse_list(const char *text, rb_affinity *affinity, rb_error *err) {
    static const rb_number_rules rules = {.what = "processor", .low = 0, .high = CPU_SETSIZE - 1};
    int64_t numbers[CPU_SETSIZE];
    size_t count = 0;
    cpu_set_t allowed;
    const rb_status status = rb_number_list_add(text, &rules, numbers, &count, CPU_SETSIZE, err);
    if (status != RB_OK)
        return status;
    const bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    affinity->kind = RB_AFFINITY_LIST;
    for (size_t i = 0; i < count; i++) {
        char usable[256];
        if (known && !CPU_ISSET((size_t)numbers[i], &allowed)) {
            rb_processors_say(&allowed, usable, sizeof usable);
            return rb_fail(err, RB_ERR_USAGE,
                           "--affinity %.100s: processor %lld is none that this process may use: "
                           "%s",
                           text, (long long)numbers[i], usable);
        }
        affinity->processors[affinity->count++] = (int16_t)numbers[i];
    }
    return RB_OK;
}

rb_status rb_affinity_parse(const char *text, rb_affinity *affinity, rb_error *err) {
    *affinity = (rb_affinity){.kind = RB_AFFINITY_COMPACT};
    for (int kind = RB_AFFINITY_COMPACT; kind < RB_AFFINITY_LIST; kind++)
        if (strcmp(text, kind_names[kind]) == 0) {
            affinity->kind = (rb_affinity_kind)kind;
            return RB_OK;
        }
    if (text[0] < '0' || text[0] > '9')
        return rb_fail(err, RB_ERR_USAGE,
                       "--affinity takes compact, scatter, none or a list of processors such as "
                       "0-3,8, not '%.100s'",
                       text);
    return parse_list(text, affinity, err);
}

static bool is_core(hwloc_obj_t object) { /* a processor without one counts as its own */
    return object->type == HWLOC_OBJ_CORE || object->type == HWLOC_OBJ_PU;
}

/* In the order of the tree: caches, NUMA nodes, packages one after the other. */
static void order_compactly(hwloc_obj_t object, core_order *order) {
    if (is_core(object)) {
        if (order->count < CPU_SETSIZE)
            order->cores[order->count++] = object;
        return;
    }
    for (unsigned i = 0; i < object->arity; i++)
        order_compactly(object->children[i], order);
}

/* The first core of each child, then the second of each ...; the children's own in the same way.
 * parts: room for a core_order for each child, which recursion takes from the heap. */
static void order_widely(hwloc_obj_t object, core_order *order) {
    if (is_core(object) || object->arity == 1) {
        if (object->arity == 1 && !is_core(object))
            order_widely(object->children[0], order);
        else
            order->cores[order->count++] = object;
        return;
    }
    core_order *parts = calloc(object->arity + 1, sizeof *parts);
    if (!parts) {
        order_compactly(object, order);
        return;
    }
    for (unsigned i = 0; i < object->arity; i++)
        order_widely(object->children[i], &parts[i]);
    for (size_t at = 0, left = 1; left > 0; at++) {
        left = 0;
        for (unsigned i = 0; i < object->arity; i++)
            if (at < parts[i].count && order->count < CPU_SETSIZE) {
                order->cores[order->count++] = parts[i].cores[at];
                left++;
            }
    }
    free(parts);
}

/* The n-th processor of a core among those that may be used; -1: it has not so many. */
static int sibling(hwloc_obj_t core, hwloc_const_bitmap_t allowed, int n) {
    int unit = -1;
    while ((unit = hwloc_bitmap_next(core->cpuset, unit)) >= 0)
        if (unit < CPU_SETSIZE && (!allowed || hwloc_bitmap_isset(allowed, (unsigned)unit)) &&
            n-- == 0)
            return unit;
    return -1;
}

static void take_cores(const core_order *order, hwloc_const_bitmap_t allowed, int32_t threads,
                       rb_placement *placement) {
    int32_t left = threads;
    bool any = true;
    for (int n = 0; any && left > 0; n++) {
        any = false;
        for (size_t i = 0; i < order->count && left > 0; i++) {
            const int unit = sibling(order->cores[i], allowed, n);
            if (unit >= 0) {
                CPU_SET((size_t)unit, &placement->set);
                any = true;
                left--;
            }
        }
    }
}

static void take_all(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
                     rb_placement *placement) {
    const hwloc_const_bitmap_t whole = hwloc_topology_get_topology_cpuset(topology);
    for (unsigned unit = 0; unit < CPU_SETSIZE; unit++)
        if (hwloc_bitmap_isset(whole, unit) && (!allowed || hwloc_bitmap_isset(allowed, unit)))
            CPU_SET((size_t)unit, &placement->set);
}

static int32_t count_objects(hwloc_topology_t topology, hwloc_obj_type_t type,
                             const cpu_set_t *set) {
    int32_t count = 0;
    hwloc_obj_t object = NULL;
    while ((object = hwloc_get_next_obj_by_type(topology, type, object))) {
        bool in = false;
        int unit = -1;
        while (!in && (unit = hwloc_bitmap_next(object->cpuset, unit)) >= 0 && unit < CPU_SETSIZE)
            in = CPU_ISSET((size_t)unit, set);
        count += in;
    }
    return count;
}

void rb_affinity_place_on(hwloc_topology_t topology, hwloc_const_bitmap_t allowed,
                          const rb_affinity *affinity, int32_t threads, rb_placement *placement) {
    *placement = (rb_placement){.kept = affinity->kind != RB_AFFINITY_NONE};
    core_order *order = calloc(1, sizeof *order);
    if (affinity->kind == RB_AFFINITY_NONE || !order) {
        take_all(topology, allowed, placement);
    } else if (affinity->kind == RB_AFFINITY_LIST) {
        for (int i = 0; i < affinity->count && i < threads; i++)
            CPU_SET((size_t)affinity->processors[i], &placement->set);
    } else {
        const hwloc_obj_t root = hwloc_get_root_obj(topology);
        if (affinity->kind == RB_AFFINITY_SCATTER)
            order_widely(root, order);
        else
            order_compactly(root, order);
        take_cores(order, allowed, threads, placement);
    }
    free(order);
    placement->processors = CPU_COUNT(&placement->set);
    placement->cores = count_objects(topology, HWLOC_OBJ_CORE, &placement->set);
    placement->numa_nodes = count_objects(topology, HWLOC_OBJ_NUMANODE, &placement->set);
}

void rb_affinity_place(const rb_affinity *affinity, int32_t threads, rb_placement *placement) {
    cpu_set_t usable;
    hwloc_topology_t topology = rb_topology_load("");
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
    *placement = (rb_placement){.kept = false};
    if (topology && allowed && sched_getaffinity(0, sizeof usable, &usable) == 0) {
        for (unsigned unit = 0; unit < CPU_SETSIZE; unit++)
            if (CPU_ISSET(unit, &usable))
                hwloc_bitmap_set(allowed, unit);
        rb_affinity_place_on(topology, allowed, affinity, threads, placement);
        if (placement->processors == 0) { /* the system shows none of those it lets us use */
            placement->set = usable;
            placement->processors = CPU_COUNT(&usable);
        }
        if (!rb_machine_shows_cores())
            placement->cores = 0;
    }
    hwloc_bitmap_free(allowed);
    if (topology)
        hwloc_topology_destroy(topology);
}
