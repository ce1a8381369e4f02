#include "bench/host_memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "bench/machine.h"

typedef struct allocation {
    struct allocation *next;
    void *memory;
    rb_memory_kind kind;
} allocation;

struct rb_host_memory {
    rb_host table;
    pthread_mutex_t lock;
    allocation *held;
    size_t count;
    int64_t held_bytes, peak_bytes; /* of all kinds: now, and at most */
    bool damaged;                   /* a released buffer had been written past its ends */
    rb_guard guard;
    bool verbose;
};

#define SMALL_BYTES ((size_t)64 << 20)

/* Buffers next to pages are filled at once, and the system would rather end a process than refuse.
 */
static bool can_be_had(const rb_host_memory *host, size_t bytes) {
    if (host->guard == RB_GUARD_BYTES || bytes <= SMALL_BYTES)
        return true;
    const int64_t available = rb_machine_available_bytes();
    return available < 0 || bytes <= (uint64_t)available;
}

static const char *const labels[RB_MEMORY_KINDS] = {"a buffer of its own (weights)",
                                                    "a buffer of its own (activations)",
                                                    "a buffer of its own (scratch)"};

static void *host_alloc(void *ctx, rb_memory_kind kind, size_t bytes) {
    rb_host_memory *host = ctx;
    if ((unsigned)kind >= RB_MEMORY_KINDS || !can_be_had(host, bytes))
        return NULL;
    allocation *entry = malloc(sizeof *entry);
    void *memory = rb_guarded_alloc(bytes, host->guard, labels[kind]);
    if (!entry || !memory) {
        free(entry);
        rb_guarded_free(memory);
        return NULL;
    }
    pthread_mutex_lock(&host->lock);
    *entry = (allocation){.next = host->held, .memory = memory, .kind = kind};
    host->held = entry;
    host->count++;
    host->held_bytes += (int64_t)bytes;
    if (host->held_bytes > host->peak_bytes)
        host->peak_bytes = host->held_bytes;
    pthread_mutex_unlock(&host->lock);
    return memory;
}

static void host_release(void *ctx, void *memory) {
    rb_host_memory *host = ctx;
    allocation *found = NULL;
    if (!memory)
        return;
    pthread_mutex_lock(&host->lock);
    for (allocation **link = &host->held; *link; link = &(*link)->next)
        if ((*link)->memory == memory) {
            found = *link;
            *link = found->next;
            host->held_bytes -= (int64_t)rb_guarded_bytes(memory);
            break;
        }
    if (!found || !rb_guarded_intact(memory))
        host->damaged = true; /* released twice, or not ours: as bad as written over */
    pthread_mutex_unlock(&host->lock);
    if (found)
        rb_guarded_free(memory);
    free(found);
}

static void host_log(void *ctx, const char *line) {
    const rb_host_memory *host = ctx;
    if (host->verbose)
        fprintf(stderr, "engine: %s\n", line);
}

rb_host_memory *rb_host_memory_create(int32_t threads, rb_guard guard, bool verbose) {
    rb_host_memory *host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    pthread_mutex_init(&host->lock, NULL);
    host->guard = guard;
    host->verbose = verbose;
    host->table = (rb_host){.abi = RB_ENGINE_ABI,
                            .size = sizeof(rb_host),
                            .ctx = host,
                            .threads = threads,
                            .alloc = host_alloc,
                            .release = host_release,
                            .log = host_log};
    return host;
}

void rb_host_memory_destroy(rb_host_memory *host) {
    if (!host)
        return;
    while (host->held) {
        allocation *entry = host->held;
        host->held = entry->next;
        rb_guarded_free(entry->memory);
        free(entry);
    }
    pthread_mutex_destroy(&host->lock);
    free(host);
}

const rb_host *rb_host_memory_table(rb_host_memory *host) {
    return &host->table;
}

rb_memory rb_host_memory_held(rb_host_memory *host) {
    rb_memory held = {{0}};
    pthread_mutex_lock(&host->lock);
    for (const allocation *entry = host->held; entry; entry = entry->next)
        held.bytes[entry->kind] += (int64_t)rb_guarded_bytes(entry->memory);
    pthread_mutex_unlock(&host->lock);
    return held;
}

int64_t rb_host_memory_peak(rb_host_memory *host) {
    pthread_mutex_lock(&host->lock);
    const int64_t peak = host->peak_bytes;
    pthread_mutex_unlock(&host->lock);
    return peak;
}

size_t rb_host_memory_count(rb_host_memory *host) {
    pthread_mutex_lock(&host->lock);
    const size_t count = host->count;
    pthread_mutex_unlock(&host->lock);
    return count;
}

bool rb_host_memory_intact(rb_host_memory *host) {
    pthread_mutex_lock(&host->lock);
    bool intact = !host->damaged;
    for (const allocation *entry = host->held; intact && entry; entry = entry->next)
        intact = rb_guarded_intact(entry->memory);
    pthread_mutex_unlock(&host->lock);
    return intact;
}
