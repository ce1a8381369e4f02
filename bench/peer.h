/* Peers: ResNets of other programs, in Python, that stand in the same rows as engines. A peer is a
 * file NAME_peer.py, which bench/peers/worker.py serves as bench/worker.c serves an engine. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic_file.h"
#include "loaders/digest.h"

#define RB_PEER_PREFIX "peer:"

/* True of a word of a list of engines that means a peer: "peer:torch", or the path of a
 * NAME_peer.py. */
bool rb_peer_is_named(const char *word);

/* True of what rb_peer_find gives: an engine's path that is a peer's. */
bool rb_peer_is_script(const char *path);

/* Path of the script: NAME_peer.py in the directories of RESBENCH_ENGINE_PATH (separated by ':'),
 * then beside bench/peers/worker.py. RB_ERR_USAGE when there is none. */
rb_status rb_peer_find(const char *word, char path[RB_PATH_CAPACITY], rb_error *err);

/* What a row calls it: "peer:NAME". */
void rb_peer_label(const char *path, char *label, size_t capacity);

/* SHA-256 over the script and all that it shares with other peers. */
rb_status rb_peer_digest(const char *path, char digest[RB_DIGEST_CAPACITY], rb_error *err);

/* The command that starts its worker. argv points into the struct and must not move. Pythons are
 * those of RESBENCH_PEERS_PYTHON (separated by ':'), then rb_python; worker.py goes from one to the
 * next until one has the peer's packages. */
typedef struct rb_peer_command {
    char worker[RB_PATH_CAPACITY], peer[RB_PATH_CAPACITY], program[RB_PATH_CAPACITY],
        cache[RB_PATH_CAPACITY];
    char pythons[4 * RB_PATH_CAPACITY]; /* the first one, '\0', the others with ':' between */
    char timeout[32];
    char *argv[12];
} rb_peer_command;

/* timeout_seconds: how long the harness waits for an answer. */
rb_status rb_peer_command_make(const char *path, double timeout_seconds, rb_peer_command *command,
                               rb_error *err);

/* The version of its packages, from its worker; "" where it has none to tell. */
void rb_peer_version(const char *path, double timeout_seconds, char *version, size_t capacity);

/* Calls visit with the name ("peer:torch") and script of every peer that came with the program,
 * sorted. */
rb_status rb_peer_each(void (*visit)(void *ctx, const char *name, const char *path), void *ctx,
                       rb_error *err);

#endif
