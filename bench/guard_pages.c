#include "bench/guard_pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "resbench/engine.h"

#define GUARD_VALUE 0x7F /* 3.4e38 as a float: who reads it does not go unseen */
#define FRESH_VALUE 0xFF
#define ZONE_BYTES                                                                                 \
    ((size_t)64 << 10) /* at least; a row of a ResNet's largest plane fits into it                 \
                        */

/* [ zone, untouchable | guard bytes | buffer | guard bytes | zone, untouchable ] */
struct rb_guard_pages {
    rb_guard_pages *next;            /* entries are used again, but never freed: a signal handler
                                      * may be looking at them */
    _Atomic(unsigned char *) memory; /* NULL: no buffer */
    size_t bytes;
    unsigned char *map;
    size_t zone, data; /* bytes of one zone, and of all between the zones */
    atomic_bool sealed;
    char label[RB_GUARD_LABEL_CAPACITY];
};

static _Atomic(rb_guard_pages *) entries;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of whoever changes entries */

static size_t round_up(size_t bytes, size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

static rb_guard_pages *unused_entry(void) {
    for (rb_guard_pages *entry = atomic_load(&entries); entry; entry = entry->next)
        if (!atomic_load(&entry->memory))
            return entry;
    rb_guard_pages *entry = calloc(1, sizeof *entry);
    if (entry) {
        entry->next = atomic_load(&entries);
        atomic_store(&entries, entry);
    }
    return entry;
}

void *rb_guard_pages_alloc(size_t bytes, bool behind, const char *label) {
    if (bytes > SIZE_MAX / 4)
        return NULL;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t zone = round_up(ZONE_BYTES, page);
    const size_t rounded = round_up(bytes ? bytes : 1, RB_ALIGNMENT);
    const size_t data = round_up(rounded, page);
    unsigned char *map = mmap(NULL, zone + data + zone, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    pthread_mutex_lock(&lock);
    rb_guard_pages *entry =
        mprotect(map + zone, data, PROT_READ | PROT_WRITE) == 0 ? unused_entry() : NULL;
    unsigned char *memory = map + zone + (behind ? data - rounded : 0);
    if (entry) {
        memset(map + zone, GUARD_VALUE, data);
        memset(memory, FRESH_VALUE, bytes);
        entry->bytes = bytes;
        entry->map = map;
        entry->zone = zone;
        entry->data = data;
        atomic_store(&entry->sealed, false);
        snprintf(entry->label, sizeof entry->label, "%s", label);
        atomic_store(&entry->memory, memory);
    }
    pthread_mutex_unlock(&lock);
    if (!entry)
        munmap(map, zone + data + zone);
    return entry ? memory : NULL;
}

const rb_guard_pages *rb_guard_pages_of(const void *memory) {
    rb_guard_pages *entry = atomic_load(&entries);
    while (entry && atomic_load(&entry->memory) != memory)
        entry = entry->next;
    return entry;
}

size_t rb_guard_pages_bytes(const rb_guard_pages *pages) {
    return pages->bytes;
}

static bool all_guard(const unsigned char *from, const unsigned char *to) {
    while (from < to && *from == GUARD_VALUE)
        from++;
    return from == to;
}

bool rb_guard_pages_intact(const rb_guard_pages *pages) {
    const unsigned char *memory = atomic_load(&pages->memory);
    const unsigned char *start = pages->map + pages->zone;
    return atomic_load(&pages->sealed) ||
           (all_guard(start, memory) && all_guard(memory + pages->bytes, start + pages->data));
}

void rb_guard_pages_seal(const rb_guard_pages *pages) {
    rb_guard_pages *entry = (rb_guard_pages *)(uintptr_t)pages;
    atomic_store(&entry->sealed, true);
    madvise(pages->map + pages->zone, pages->data, MADV_DONTNEED);
    mprotect(pages->map + pages->zone, pages->data, PROT_NONE);
}

void rb_guard_pages_free(const rb_guard_pages *pages) {
    rb_guard_pages *entry = (rb_guard_pages *)(uintptr_t)pages;
    unsigned char *map = pages->map;
    const size_t total = pages->zone + pages->data + pages->zone;
    pthread_mutex_lock(&lock);
    atomic_store(&entry->memory, NULL);
    pthread_mutex_unlock(&lock);
    munmap(map, total);
}

bool rb_guard_pages_find(const void *address, rb_guard_place *place) {
    const uintptr_t at = (uintptr_t)address;
    for (rb_guard_pages *entry = atomic_load(&entries); entry; entry = entry->next) {
        const unsigned char *memory = atomic_load(&entry->memory);
        if (!memory)
            continue;
        const uintptr_t start = (uintptr_t)entry->map, data = start + entry->zone;
        const uintptr_t end = data + entry->data, outer = end + entry->zone;
        if (at < start || at >= outer || (at >= data && at < end && !atomic_load(&entry->sealed)))
            continue;
        memcpy(place->label, entry->label, sizeof place->label);
        place->offset = (int64_t)(at - (uintptr_t)memory);
        place->bytes = entry->bytes;
        return true;
    }
    return false;
}
