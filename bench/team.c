#include "bench/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/machine.h"

typedef struct team {
    const rb_team_work *work;
    cpu_set_t processors;
    bool bound;           /* to these processors */
    bool one_by_one;      /* there is one for each thread */
    pthread_mutex_t lock; /* held by the starter until it is known whether all could be started */
    pthread_barrier_t barrier;
    atomic_int awake; /* counts all threads of all bursts */
    bool abandoned;
} team;

typedef struct member {
    team *team;
    int32_t index;
    int64_t *start_ns, *end_ns; /* [bursts] */
} member;

/* To the processor that is its own, so that what it has written once is near it in every burst. */
static void bind(const team *t, int32_t index) {
    cpu_set_t own;
    int32_t before = index;
    if (!t->one_by_one) {
        pthread_setaffinity_np(pthread_self(), sizeof t->processors, &t->processors);
        return;
    }
    CPU_ZERO(&own);
    for (size_t p = 0; p < CPU_SETSIZE; p++)
        if (CPU_ISSET(p, &t->processors) && before-- == 0)
            CPU_SET(p, &own);
    pthread_setaffinity_np(pthread_self(), sizeof own, &own);
}

/* The barrier wakes its threads one after the other. They wait once more, without sleep, where none
 * keeps another from its processor. */
static void start_together(team *t, int32_t burst) {
    pthread_barrier_wait(&t->barrier);
    atomic_fetch_add(&t->awake, 1);
    while (t->one_by_one && atomic_load(&t->awake) < (burst + 1) * t->work->threads)
        ;
}

static void *run_member(void *ctx) {
    const member *self = ctx;
    team *t = self->team;
    const rb_team_work *work = t->work;
    pthread_mutex_lock(&t->lock);
    const bool abandoned = t->abandoned;
    pthread_mutex_unlock(&t->lock);
    if (abandoned)
        return NULL;
    if (t->bound)
        bind(t, self->index);
    if (work->prepare)
        work->prepare(work->ctx, self->index);
    for (int32_t b = 0; b < work->bursts; b++) {
        start_together(t, b);
        self->start_ns[b] = rb_now_ns();
        work->run(work->ctx, self->index);
        self->end_ns[b] = rb_now_ns();
    }
    return NULL;
}

static double burst_span(const member *members, int32_t count, int32_t burst) {
    int64_t start = members[0].start_ns[burst], end = members[0].end_ns[burst];
    for (int32_t i = 1; i < count; i++) {
        start = members[i].start_ns[burst] < start ? members[i].start_ns[burst] : start;
        end = members[i].end_ns[burst] > end ? members[i].end_ns[burst] : end;
    }
    return (double)(end - start);
}

/* Starts all, waits for all. */
static rb_status run_members(team *t, member *members, pthread_t *handles, rb_error *err) {
    const int32_t threads = t->work->threads;
    int32_t started = 0;
    pthread_barrier_init(&t->barrier, NULL, (unsigned)threads);
    pthread_mutex_lock(&t->lock);
    while (started < threads &&
           pthread_create(&handles[started], NULL, run_member, &members[started]) == 0)
        started++;
    t->abandoned = started < threads;
    pthread_mutex_unlock(&t->lock);
    for (int32_t i = 0; i < started; i++)
        pthread_join(handles[i], NULL);
    pthread_barrier_destroy(&t->barrier);
    return t->abandoned ? rb_fail(err, RB_ERR_MEMORY, "cannot start %d threads", threads) : RB_OK;
}

int32_t rb_team_bursts(double seconds, double burst_ns) {
    const double bursts = seconds * 1e9 / burst_ns;
    return bursts < 3 ? 3 : bursts > RB_MAX_BURSTS ? RB_MAX_BURSTS : (int32_t)bursts;
}

rb_status rb_team_run(const rb_team_work *work, double *burst_ns, rb_error *err) {
    const size_t threads = (size_t)work->threads, bursts = (size_t)work->bursts;
    team t = {.work = work, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t *handles = calloc(threads, sizeof *handles);
    member *members = calloc(threads, sizeof *members);
    int64_t *times = calloc(threads * bursts * 2, sizeof *times);
    rb_status status = RB_OK;
    t.bound = rb_machine_processors(work->threads, &t.processors);
    t.one_by_one = t.bound && CPU_COUNT(&t.processors) == work->threads;
    if (!handles || !members || !times)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %d threads", work->threads);
    for (size_t i = 0; status == RB_OK && i < threads; i++)
        members[i] = (member){.team = &t,
                              .index = (int32_t)i,
                              .start_ns = times + 2 * i * bursts,
                              .end_ns = times + (2 * i + 1) * bursts};
    if (status == RB_OK)
        status = run_members(&t, members, handles, err);
    for (int32_t b = 0; status == RB_OK && b < work->bursts; b++)
        burst_ns[b] = burst_span(members, work->threads, b);
    free(handles);
    free(members);
    free(times);
    return status;
}
