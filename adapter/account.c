#include "account.h"

#include <pthread.h>
#include <stdlib.h>

/* One of the two tables that an account gives out. */
typedef struct rb_face {
    rb_host table;
    rb_account *account;
    rb_memory_kind values; /* what RB_MEMORY_ACTIVATIONS is booked as */
} rb_face;

typedef struct rb_block {
    struct rb_block *next;
    void *memory;
    rb_memory_kind kind;
    int64_t bytes;
} rb_block;

struct rb_account {
    const rb_host *inner;
    rb_face plain, scratch;
    pthread_mutex_t lock;
    rb_block *blocks;
};

static void *take(void *ctx, rb_memory_kind kind, size_t bytes) {
    const rb_face *face = ctx;
    rb_account *account = face->account;
    const rb_memory_kind booked = kind == RB_MEMORY_ACTIVATIONS ? face->values : kind;
    rb_block *block = malloc(sizeof *block);
    void *memory = block ? account->inner->alloc(account->inner->ctx, booked, bytes) : NULL;
    if (!memory) {
        free(block);
        return NULL;
    }
    pthread_mutex_lock(&account->lock);
    *block = (rb_block){account->blocks, memory, booked, (int64_t)bytes};
    account->blocks = block;
    pthread_mutex_unlock(&account->lock);
    return memory;
}

/* What is not held goes to the host all the same, which knows what to think of it. */
static void give_back(void *ctx, void *memory) {
    const rb_face *face = ctx;
    rb_account *account = face->account;
    rb_block *found = NULL;
    if (!memory)
        return;
    pthread_mutex_lock(&account->lock);
    for (rb_block **link = &account->blocks; *link; link = &(*link)->next)
        if ((*link)->memory == memory) {
            found = *link;
            *link = found->next;
            break;
        }
    pthread_mutex_unlock(&account->lock);
    free(found);
    account->inner->release(account->inner->ctx, memory);
}

static void pass_on(void *ctx, const char *line) {
    const rb_face *face = ctx;
    const rb_host *inner = face->account->inner;
    inner->log(inner->ctx, line);
}

static void init_face(rb_face *face, rb_account *account, rb_memory_kind values) {
    face->table = *account->inner;
    face->table.ctx = face;
    face->table.alloc = take;
    face->table.release = give_back;
    face->table.log = pass_on;
    face->account = account;
    face->values = values;
}

rb_account *rb_account_create(const rb_host *inner) {
    rb_account *account = calloc(1, sizeof *account);
    if (!account)
        return NULL;
    account->inner = inner;
    pthread_mutex_init(&account->lock, NULL);
    init_face(&account->plain, account, RB_MEMORY_ACTIVATIONS);
    init_face(&account->scratch, account, RB_MEMORY_SCRATCH);
    return account;
}

void rb_account_destroy(rb_account *account) {
    if (!account)
        return;
    while (account->blocks) {
        rb_block *block = account->blocks;
        account->blocks = block->next;
        free(block);
    }
    pthread_mutex_destroy(&account->lock);
    free(account);
}

const rb_host *rb_account_host(rb_account *account) {
    return &account->plain.table;
}

const rb_host *rb_account_scratch_host(rb_account *account) {
    return &account->scratch.table;
}

rb_memory rb_account_held(rb_account *account) {
    rb_memory held = {{0}};
    pthread_mutex_lock(&account->lock);
    for (const rb_block *block = account->blocks; block; block = block->next)
        held.bytes[block->kind] += block->bytes;
    pthread_mutex_unlock(&account->lock);
    return held;
}
