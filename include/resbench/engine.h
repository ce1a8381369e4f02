/* The ABI between resbench and an engine, version 1. docs/plugins.md shows how to write one and
 * says what may change within the version.
 *
 * An engine is a shared object that exports one function, rb_engine_get. It includes the headers in
 * resbench/ and links nothing of resbench's. (Who has a convolution and no network writes a kernel
 * plug-in instead: kernel.h.)
 *
 * Life of a session: open -> run, profile, tap, memory, kernel, algorithm, executed_macs in any
 * order -> close.
 * Threads:    one thread at a time calls a session, not always the same one. A run may use
 *             host->threads threads, the caller's included, and the process is kept to as many
 *             cores. Several sessions may be open in one process.
 * Errors:     every function returns RB_OK, RB_ERR_UNSUPPORTED for what is valid but not for this
 *             engine, or any other status for a failure, with one sentence in err (rb_fail of
 *             status.h), which is never NULL. After an error the session can still be closed. An
 *             engine never prints, exits or aborts; host->log is there for what it wants to tell.
 * NaN:        a NaN or an infinity that enters comes out where arithmetic takes it, through
 *             max-pool and ReLU too. resbench judges finite data alone: no NaN may appear in it.
 * Checked:    dst is NaN before every call, and every value of it must be written; src, addend and
 *             weights must not change; bytes or pages beyond both ends of every buffer, the
 *             engine's own from the host included, must not be touched; run must not allocate from
 *             the host; what memory tells must agree with the host's account. */
#ifndef RESBENCH_ENGINE_H
#define RESBENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "resbench/graph.h"
#include "resbench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RB_ENGINE_ABI 1u
#define RB_ENGINE_SYMBOL "rb_engine_get"

/* Bytes. Of the host's allocations, and of src, addend and dst of run; weights as open is given
 * them are aligned to float alone. */
#define RB_ALIGNMENT 64

/* What memory is for. The harness keeps the account by these. */
typedef enum rb_memory_kind {
    RB_MEMORY_WEIGHTS,     /* weights as the engine keeps them (packed, folded, converted) */
    RB_MEMORY_ACTIVATIONS, /* values of nodes */
    RB_MEMORY_SCRATCH,     /* everything else a run needs */
    RB_MEMORY_KINDS
} rb_memory_kind;
RB_ASSERT_WIDTH(rb_memory_kind);

/* What an engine is given to live on. Its functions, none of which is NULL, may be called from any
 * thread. Memory should come from here: what malloc gives is counted in the process's peak alone,
 * and is not fenced. */
typedef struct rb_host {
    uint32_t abi;     /* RB_ENGINE_ABI of the harness */
    uint32_t size;    /* sizeof(rb_host) of the harness */
    void *ctx;        /* first argument of the functions below */
    int32_t threads;  /* at least 1: so many threads does a run use */
    int32_t reserved; /* 0 */
    /* RB_ALIGNMENT-aligned, contents undefined; NULL if there is none. 0 bytes are fine. */
    void *(*alloc)(void *ctx, rb_memory_kind kind, size_t bytes);
    void (*release)(void *ctx, void *memory); /* NULL is fine */
    void (*log)(void *ctx, const char *line); /* shown with --verbose; without a line end */
    void *reserved_members[2];                /* NULL */
} rb_host;

/* The parameters of a network. float32, finite; what they are and their shapes: graph.h. */
typedef struct rb_weights {
    uint32_t size;               /* sizeof(rb_weights) of the harness */
    uint32_t reserved;           /* 0 */
    const float *const *tensors; /* [graph->tensor_count], in the order of graph->tensors */
    const double *epsilon;       /* [graph->node_count]: BN epsilon; 0 where there is no BN */
} rb_weights;

typedef enum rb_mode { RB_MODE_INFERENCE = 1, RB_MODE_TRAINING = 2 } rb_mode;
RB_ASSERT_WIDTH(rb_mode);

typedef struct rb_options {
    uint32_t size;        /* sizeof(rb_options) of the harness */
    rb_dtype dtype;       /* of storage at the interface: RB_F32 */
    rb_mode mode;         /* RB_MODE_INFERENCE */
    uint32_t reserved[5]; /* 0 */
} rb_options;

/* Bytes held between open and close, by kind; -1 where the engine cannot tell.
 * An engine that takes its memory from the host must arrive at the host's figures. Weights that
 * it keeps where they are (RB_ENGINE_KEEPS_WEIGHTS) do not count: the harness adds them. */
typedef struct rb_memory {
    int64_t bytes[RB_MEMORY_KINDS];
} rb_memory;

/* Rules that a node's sums follow: they decide which errors are to be expected. */
typedef enum rb_algorithm {
    RB_ALGORITHM_DIRECT = 0,  /* sums of products, in any order and grouping */
    RB_ALGORITHM_WINOGRAD = 1 /* Lavin and Gray 2015 (arXiv 1509.09308): held to wider limits */
} rb_algorithm;
RB_ASSERT_WIDTH(rb_algorithm);

/* Bits of rb_engine.flags. */
#define RB_ENGINE_KEEPS_WEIGHTS 1u /* reads tensors until close: their values stay in place */
#define RB_ENGINE_CONV_ONLY 2u     /* convolutions are its own, other operations somebody else's */
#define RB_ENGINE_FLAGS 3u         /* all that this header knows */

/* Points at which a node can be observed; a mask for tap. */
typedef enum rb_stage {
    RB_STAGE_CONV = 1, /* convolution alone, before BN */
    RB_STAGE_BN = 2,   /* after BN, before the addition and ReLU */
    RB_STAGE_VALUE = 4 /* the node's value, after its last fused step */
} rb_stage;
RB_ASSERT_WIDTH(rb_stage);

/* One observed tensor: dims (n, c, h, w), dense NCHW of the engine's output_dtype; data is valid
 * during the call only. Called by the thread that called tap, one tensor after the other. A status
 * other than RB_OK ends the tap and is returned by it. */
typedef rb_status (*rb_tap_fn)(void *ctx, int32_t node, rb_stage stage, const int64_t dims[4],
                               rb_dtype dtype, const void *data, rb_error *err);

typedef struct rb_session rb_session; /* the engine's own */

typedef struct rb_engine rb_engine;

struct rb_engine {
    uint32_t abi;  /* RB_ENGINE_ABI the engine was built with */
    uint32_t size; /* sizeof(rb_engine) the engine was built with */
    const char *name;
    const char *version; /* of the engine and of the library under it: "3.7.2 (OMP)" */
    const char *description;
    rb_dtype output_dtype; /* of dst in run: RB_F32 or RB_F64 */
    uint32_t flags;        /* RB_ENGINE_* */

    /* self: this table. host lives until close. graph, weights and options are valid during open
     * only (with RB_ENGINE_KEEPS_WEIGHTS the values that tensors[i] points at live until close, and
     * nothing else): copy what is needed. graph_check.h and handshake.h
     * refuse what an engine cannot understand. On error *session is NULL and nothing is held. */
    rb_status (*open)(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                      const rb_weights *weights, const rb_options *options, rb_session **session,
                      rb_error *err);

    /* src: (batch, channels, height, width) float32 NCHW, not modified.
     * addend: what RB_VALUE_ADDEND stands for, (batch, oc, oh, ow) of the last node, float32 NCHW,
     * not modified; NULL where no node reads it.
     * dst: (batch, classes) of output_dtype, row-major. The three do not overlap, and may be others
     * in the next call. Must not allocate. */
    rb_status (*run)(rb_session *session, const float *src, const float *addend, void *dst,
                     rb_error *err);

    /* Optional (NULL): as run, and shows the values of all nodes in execution order.
     * stages asks for RB_STAGE_*; RB_STAGE_VALUE must be supported, others may be ignored.
     * Never called while timing; may allocate. */
    rb_status (*tap)(rb_session *session, const float *src, const float *addend, void *dst,
                     uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err);

    /* Optional (NULL): the host's account stands for it then. */
    rb_status (*memory)(const rb_session *session, rb_memory *memory, rb_error *err);

    /* Optional (NULL): the kernel that executes a node and its instruction set, such as
     * "brgconv:avx512_core". The text lives until close. */
    const char *(*kernel)(const rb_session *session, int32_t node);

    /* Optional (NULL): the rule of a node's sums. Without it all are RB_ALGORITHM_DIRECT. */
    rb_algorithm (*algorithm)(const rb_session *session, int32_t node);

    void (*close)(rb_session *session); /* NULL is fine */

    void *reserved[2]; /* NULL */

    /* Optional (NULL): the multiply-adds that a run executes for a node, the whole batch: channels,
     * lanes and columns that are computed and thrown away included, windows in the zero padding
     * counted as if none were skipped. Of Winograd those of its products, without transforms.
     * -1: not known. */
    int64_t (*executed_macs)(const rb_session *session, int32_t node);

    /* Optional (NULL): as run, and tells the time of every node: node_ns, [graph->node_count],
     * monotonic nanoseconds, 0 or more. A node's time has in it all that is done for that node
     * alone, such as reorders of other nodes' values; 0: it has none of its own, for another node
     * does its work. What is done once a call is nobody's: preparations, and bringing src and
     * addend into, the last value out of, the engine's own layouts. Everything else is to be as in
     * run, and dst the same bits: the harness looks, and calls whose nodes took longer than the
     * call are not believed. */
    rb_status (*profile)(rb_session *session, const float *src, const float *addend, void *dst,
                         int64_t *node_ns, rb_error *err);
};

/* The exported function: a table that lives as long as the shared object. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const rb_engine *
rb_engine_get(void);

#ifdef __cplusplus
}
#endif

#endif
