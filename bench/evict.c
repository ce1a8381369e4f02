#include "bench/evict.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

/* Twice what the caches hold: they do not keep to the order of age, and an exclusive last level
 * (AMD's) holds other lines than the private ones in front of it. */
#define SLICE_PER_CACHE 2
#define SLICE_BYTES_UNKNOWN ((int64_t)64 << 20)
#define LINE_BYTES 64

/* The part of one processor. */
typedef struct part {
    rb_evictor *evictor;
    pthread_t thread;
    unsigned char *slice; /* taken by the thread itself, so that its pages lie near it */
    size_t bytes;
    int processor;
    int failed; /* an error number */
} part;

struct rb_evictor {
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    uint64_t round; /* counts up; a new one wakes the threads */
    size_t at_work; /* threads that have not ended the round */
    bool stopping;
    size_t count;
    part parts[];
};

/* Written first: a line that was changed cannot be dropped on its way out of the private caches, as
 * unchanged ones may be, and takes its place in the shared one. Then read, so that what is left is
 * clean and the caller does not pay for bringing it back to memory. */
static void walk(part *p) {
    unsigned char sum = 0;
    for (size_t at = 0; at < p->bytes; at += LINE_BYTES)
        ((volatile unsigned char *)p->slice)[at] = (unsigned char)at;
    for (size_t at = 0; at < p->bytes; at += LINE_BYTES)
        sum = (unsigned char)(sum + ((volatile unsigned char *)p->slice)[at]);
    (void)sum;
}

static int settle(part *p) {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET((size_t)p->processor, &own);
    const int failed = pthread_setaffinity_np(pthread_self(), sizeof own, &own);
    if (failed)
        return failed;
    p->slice = malloc(p->bytes);
    return p->slice ? 0 : ENOMEM;
}

static void *serve(void *ctx) {
    part *p = ctx;
    rb_evictor *evictor = p->evictor;
    uint64_t round = 0;
    p->failed = settle(p);
    pthread_mutex_lock(&evictor->lock);
    for (;;) {
        while (!evictor->stopping && evictor->round == round)
            pthread_cond_wait(&evictor->start, &evictor->lock);
        if (evictor->stopping)
            break;
        round = evictor->round;
        pthread_mutex_unlock(&evictor->lock);
        if (!p->failed)
            walk(p);
        pthread_mutex_lock(&evictor->lock);
        if (--evictor->at_work == 0)
            pthread_cond_signal(&evictor->done);
    }
    pthread_mutex_unlock(&evictor->lock);
    free(p->slice);
    return NULL;
}

void rb_evictor_run(rb_evictor *evictor) {
    pthread_mutex_lock(&evictor->lock);
    evictor->round++;
    evictor->at_work = evictor->count;
    pthread_cond_broadcast(&evictor->start);
    while (evictor->at_work > 0)
        pthread_cond_wait(&evictor->done, &evictor->lock);
    pthread_mutex_unlock(&evictor->lock);
}

void rb_evictor_destroy(rb_evictor *evictor) {
    if (!evictor)
        return;
    pthread_mutex_lock(&evictor->lock);
    evictor->stopping = true;
    pthread_cond_broadcast(&evictor->start);
    pthread_mutex_unlock(&evictor->lock);
    for (size_t i = 0; i < evictor->count; i++)
        pthread_join(evictor->parts[i].thread, NULL);
    pthread_cond_destroy(&evictor->start);
    pthread_cond_destroy(&evictor->done);
    pthread_mutex_destroy(&evictor->lock);
    free(evictor);
}

/* Where any thread of this process may run: an OpenMP runtime that binds its threads
 * (OMP_PROC_BIND) leaves the calling one a single processor, while the others work in other caches.
 */
static bool find_processors(cpu_set_t *processors) {
    cpu_set_t own;
    DIR *threads = opendir("/proc/self/task");
    const bool known = sched_getaffinity(0, sizeof *processors, processors) == 0;
    for (const struct dirent *entry; threads && (entry = readdir(threads));)
        if (known && atoi(entry->d_name) > 0 &&
            sched_getaffinity(atoi(entry->d_name), sizeof own, &own) == 0)
            CPU_OR(processors, processors, &own);
    if (threads)
        closedir(threads);
    return known;
}

/* The parts that the processors of this process take. */
static rb_status divide(rb_evictor **made, size_t *count, rb_error *err) {
    int64_t shares[CPU_SETSIZE];
    cpu_set_t processors;
    double all = 0;
    *count = 0;
    if (!find_processors(&processors))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "the processors of this process are not known, so their caches cannot be "
                       "emptied");
    rb_machine_cache_shares(&processors, shares);
    const size_t most = (size_t)CPU_COUNT(&processors);
    rb_evictor *evictor = calloc(1, sizeof *evictor + most * sizeof evictor->parts[0]);
    if (!evictor)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu threads", most);
    for (int i = 0; i < CPU_SETSIZE && *count < most; i++) {
        if (!CPU_ISSET((size_t)i, &processors))
            continue;
        const int64_t bytes = shares[i] > 0 ? SLICE_PER_CACHE * shares[i] : SLICE_BYTES_UNKNOWN;
        evictor->parts[(*count)++] =
            (part){.evictor = evictor, .processor = i, .bytes = (size_t)bytes};
        all += (double)bytes;
    }
    *made = evictor;
    return rb_machine_check_memory("emptying the caches", all, err);
}

static rb_status start_threads(rb_evictor *evictor, size_t count, rb_error *err) {
    for (; evictor->count < count; evictor->count++) {
        part *p = &evictor->parts[evictor->count];
        if (pthread_create(&p->thread, NULL, serve, p) != 0)
            return rb_fail(err, RB_ERR_MEMORY, "cannot start %zu threads to empty the caches",
                           count);
    }
    rb_evictor_run(evictor); /* takes the pages */
    for (size_t i = 0; i < count; i++)
        if (evictor->parts[i].failed)
            return rb_fail(err, RB_ERR_MEMORY, "the caches of processor %d cannot be emptied: %s",
                           evictor->parts[i].processor, strerror(evictor->parts[i].failed));
    return RB_OK;
}

rb_status rb_evictor_create(rb_evictor **made, rb_error *err) {
    rb_evictor *evictor = NULL;
    size_t count;
    *made = NULL;
    rb_status status = divide(&evictor, &count, err);
    if (evictor) {
        pthread_mutex_init(&evictor->lock, NULL);
        pthread_cond_init(&evictor->start, NULL);
        pthread_cond_init(&evictor->done, NULL);
    }
    if (status == RB_OK)
        status = start_threads(evictor, count, err);
    if (status == RB_OK)
        *made = evictor;
    else
        rb_evictor_destroy(evictor);
    return status;
}
