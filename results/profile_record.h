/* What `resbench profile` finds, node by node. What it prints and writes is read from this. */
#ifndef RESULTS_PROFILE_RECORD_H
#define RESULTS_PROFILE_RECORD_H

#include "results/record.h"
#include "results/roofline.h"

#define RB_PROFILE_SCHEMA 1

/* A node, or the sum of several. Times are medians; NaN: not known. */
typedef struct rb_profile_line {
    char engine[64];
    double call_ns; /* of an ordinary call of the network */
    char name[64];
    char op[32];       /* "conv 3x3", "maxpool" */
    char stage[64];    /* layer1 ... as nodes are named; stem and head for what is around them */
    char shape[64];    /* of the value: "256x56x56" */
    char problem[192]; /* as resbench check takes it */
    char kernel[96];   /* within the network */
    int64_t nodes;     /* 1, or those that are added up */
    int64_t macs;      /* as the network is defined */
    int64_t executed_macs; /* as the engine tells; -1: it does not */
    int64_t weight_bytes, src_bytes, dst_bytes, addend_bytes; /* model/graph_cost.h */
    double network_ns;                                        /* within the running network */
    double hot_ns, cold_ns; /* alone, over and over; alone, with empty caches before the call */
    double hot_call_ns, cold_call_ns; /* the calls of these, which also fetch and deliver values */
    double bound_ns;                  /* the roofline's; of a sum the sum of its nodes' */
    char alone_as[64]; /* the node that was run alone in its place: the same problem */
    char alone_kernel[96];
    rb_verdict alone;     /* of the node alone, on what the network gives it */
    char alone_note[256]; /* why it is no PASS */
} rb_profile_line;

typedef struct rb_profile_engine {
    char name[64], version[96], sha256[65];
    rb_verdict verdict; /* of the logits of all calls, and of what was told of their nodes */
    char note[256];
    int64_t images;
    double rel_l2, rel_l2_limit;
    int64_t workers, calls; /* profiled ones; as many ordinary ones stood between them */
    double call_ns;         /* median of ordinary calls */
    double profiled_ns;     /* median of profiled ones */
    double nodes_ns; /* all nodes of a call, median of calls: where the machine is disturbed more
                      * than the nodes' own medians together */
    double cost;     /* a profiled call over the ordinary one beside it, minus 1; median */
    rb_profile_line *nodes; /* [node_count], in the order of the graph */
} rb_profile_engine;

typedef struct rb_profile {
    char network[64], weights_sha256[65], input[256];
    int64_t batch, height, width;
    int32_t threads, node_count;
    bool alone;    /* nodes were run alone, too */
    bool complete; /* false: it was ended before all was measured */
    rb_roof roof;
    char peak_isa[16];
    rb_profile_engine *engines;
    size_t engine_count;
} rb_profile;

/* Engines without names, whose nodes have none either and no figures. */
rb_status rb_profile_create(size_t engine_count, int32_t node_count, rb_profile *profile,
                            rb_error *err);
void rb_profile_release(rb_profile *profile);

/* Fills in what nodes have of their engine and of the machine, once all is measured. */
void rb_profile_finish(rb_profile *profile, const rb_roof *roof);

int64_t rb_profile_bytes(const rb_profile_line *line);

/* Adds up figures; a figure that one of the lines lacks is not known of the sum. Texts are empty,
 * but for a kernel that all have. */
rb_profile_line rb_profile_sum(const rb_profile_line *const *lines, size_t count, const char *name);

typedef enum rb_profile_key { RB_PROFILE_BY_OP, RB_PROFILE_BY_STAGE } rb_profile_key;

/* The sums of nodes with the same op or stage, in the order in which they first appear. lines has
 * room for node_count; returns how many there are. */
size_t rb_profile_groups(const rb_profile_engine *engine, int32_t node_count, rb_profile_key key,
                         rb_profile_line *lines);

/* All nodes as one line. */
rb_profile_line rb_profile_total(const rb_profile_engine *engine, int32_t node_count);

/* The nodes that take the most time in the network, longest first; lines has room for most. Returns
 * how many there are. */
size_t rb_profile_longest(const rb_profile_engine *engine, int32_t node_count, size_t most,
                          rb_profile_line *lines);

/* Ordinary calls minus the nodes of profiled ones: what no node accounts for. Below 0 where looking
 * costs more than that. */
double rb_profile_remainder_ns(const rb_profile_engine *engine);

/* Some engine has times. */
bool rb_profile_is_measured(const rb_profile *profile);

/* Every engine is right, and so are its nodes alone. */
bool rb_profile_is_right(const rb_profile *profile);

#endif
