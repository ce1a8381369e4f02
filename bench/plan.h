/* What a run is going to do. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <jansson.h>

#include "base/atomic_file.h"
#include "bench/affinity.h"
#include "bench/scenario.h"
#include "bench/shard.h"
#include "bench/worker_client.h"
#include "loaders/digest.h"
#include "loaders/preprocess.h"
#include "model/network.h"

#define RB_MAX_NETWORKS 32
#define RB_MAX_ENGINES 16
#define RB_MAX_BATCHES 64
#define RB_MAX_THREAD_COUNTS 64
#define RB_MAX_SIZES 64
#define RB_MAX_THREADS 1024

/* How much patience a run has. */
typedef struct rb_tier {
    const char *name;
    int32_t workers;        /* fresh processes for each cell */
    int32_t turns;          /* of each worker, engines interleaved A B B A */
    double turn_seconds;    /* time for the samples of one turn */
    size_t min_repetitions; /* samples of a turn, however slow the engine */
    double warmup_seconds;  /* before each turn */
    int64_t images;         /* compared images of a folder; 0: all */
} rb_tier;

extern const rb_tier rb_tier_quick, rb_tier_normal, rb_tier_full;

typedef struct rb_plan_engine {
    char label[64];
    char path[RB_PATH_CAPACITY];
    char sha256[RB_DIGEST_CAPACITY]; /* of the file; of all scripts of a peer */
    char version[96];                /* of a peer's packages, where it was asked; else "" */
} rb_plan_engine;

typedef struct rb_plan_size {
    int64_t height, width;
} rb_plan_size;

/* A cell for every network, size, batch, number of threads and engine. */
typedef struct rb_plan {
    const rb_network *networks[RB_MAX_NETWORKS];
    size_t network_count;
    rb_plan_engine engines[RB_MAX_ENGINES];
    size_t engine_count;
    int64_t batches[RB_MAX_BATCHES];
    size_t batch_count;
    int64_t threads[RB_MAX_THREAD_COUNTS];
    size_t thread_count;
    rb_plan_size sizes[RB_MAX_SIZES];
    size_t size_count; /* 0: as the weights ask, or else the networks' own */
    rb_affinity affinity;
    rb_latency_mode modes[RB_LATENCY_MODES];
    size_t mode_count;
    rb_scenario scenario;
    double percentile; /* of RB_SCENARIO_SINGLE_STREAM, as a share of the calls */
    const rb_tier *tier;
    const char *weights;                    /* file, directory, or NULL: synthetic */
    const char *images;                     /* directory, or NULL: synthetic input */
    char images_sha256[RB_DIGEST_CAPACITY]; /* of the images taken from it; "" without */
    int64_t resize;                         /* of images; RB_RESIZE_STORED: as the weights ask */
    uint64_t seed;
    char directory[RB_PATH_CAPACITY]; /* of the results */
    rb_shard shard;                   /* the part that is measured; {0, 0}: all of it */
    int64_t memory_limit_bytes;       /* of harness and workers together; 0: what the machine has */
    bool resume, verbose;
    rb_worker_options worker;
} rb_plan;

/* From texts as on the command line. Each appends to the plan; RB_ERR_USAGE names the word that is
 * wrong, or what is there twice.
 * Networks: "18,34,50-v1"; "18-101", the depths within of the networks made for ImageNet, as
 * torchvision builds them; "all", the whole table.
 * Engines: "reference,onednn,./mine.so,old=x/mine.so". No two have one label: that of a second file
 * of the same name gets "#2".
 * Batches, threads: bench/number_list.h; "all" threads are as many as there are processors.
 * Sizes: "224,160x192" height before width, "128-256:32" squares.
 * Modes: "steady,cold". */
rb_status rb_plan_add_networks(rb_plan *plan, const char *list, rb_error *err);
rb_status rb_plan_add_engines(rb_plan *plan, const char *list, rb_error *err);
rb_status rb_plan_add_batches(rb_plan *plan, const char *list, rb_error *err);
rb_status rb_plan_add_threads(rb_plan *plan, const char *list, rb_error *err);
rb_status rb_plan_add_sizes(rb_plan *plan, const char *list, rb_error *err);
rb_status rb_plan_add_modes(rb_plan *plan, const char *list, rb_error *err);

/* "1,2,4", the numbers of threads for a sentence. */
#define RB_THREADS_TEXT_CAPACITY (5 * RB_MAX_THREAD_COUNTS)
void rb_plan_say_threads(const rb_plan *plan, char text[RB_THREADS_TEXT_CAPACITY]);

/* A word of such a list, which must be one engine. */
rb_status rb_plan_find_engine(const char *word, rb_plan_engine *engine, rb_error *err);

/* RB_ERR_USAGE when one of the engines is a peer; advice ends the sentence. */
rb_status rb_plan_refuse_peers(const rb_plan_engine *engines, size_t count, const char *advice,
                               rb_error *err);

/* Asks every peer for its version, which its scripts do not tell: a row of another one is measured
 * anew. A peer that cannot answer stays without, and says why in its row. */
void rb_plan_ask_versions(rb_plan *plan);

/* What decides whether the results of two runs may stand in one table; machine is the
 * context of rb_environment_context. */
json_t *rb_plan_identity(const rb_plan *plan, const json_t *machine);

#endif
