/* A row of a gate: one cell, measured with two builds. */
#ifndef RESULTS_GATE_ROW_H
#define RESULTS_GATE_ROW_H

#include "resbench/engine.h"
#include "results/gate.h"
#include "results/record.h"

#define RB_GATE_MAX_ROWS 64

/* What decides about a row; the worst of them is the gate's. */
typedef enum rb_gate_outcome {
    RB_GATE_PASSED,
    RB_GATE_UNSURE,     /* noisy */
    RB_GATE_UNCOMPARED, /* base does not run, or its logits are wrong */
    RB_GATE_LOST,       /* head is slower, or takes more memory */
    RB_GATE_BROKEN,     /* head crashed, hung, or cannot run what base can */
    RB_GATE_INCORRECT,  /* head's logits are wrong */
    RB_GATE_OUTCOME_COUNT
} rb_gate_outcome;

/* One build. */
typedef struct rb_gate_half {
    char engine_version[96], kernel_plan[17];
    double ns;      /* lower quartile of its calls, median over the rounds of the last series */
    rb_memory held; /* bytes; -1 unknown */
    int64_t peak_rss_bytes;
} rb_gate_half;

typedef struct rb_gate_row {
    char network[64], engine[64];
    int64_t batch, height, width;
    int32_t threads;
    rb_gate_half base, head;
    rb_gate_series series[RB_GATE_MAX_SERIES];
    double p_adjusted[RB_GATE_MAX_SERIES]; /* p_slower after Holm over the cells of that series;
                                            * NaN before they are judged */
    rb_gate_verdict said[RB_GATE_MAX_SERIES];
    size_t series_count;
    rb_gate_verdict verdict; /* of the times; RB_GATE_MORE while not decided */
    rb_verdict parity;       /* of head; NONE before it has run */
    bool base_failed;        /* it crashed, hung, refuses, or its logits are wrong */
    bool head_failed;        /* it crashed, hung or refuses */
    char note[256];          /* why a row has not passed */
} rb_gate_row;

/* "resnet50/onednn/batch:1/threads:2/size:224x224" */
void rb_gate_row_name(const rb_gate_row *row, char *name, size_t capacity);

/* More series can decide about it. */
bool rb_gate_row_is_open(const rb_gate_row *row);

/* Says what series number `count` of all rows that have it is worth, with Holm's correction, and
 * judges each of these rows by all its series. The correction counts those that should have it and
 * do not, because the gate was broken off: so what is said holds all the same. */
void rb_gate_rows_judge(const rb_gate_limits *limits, rb_gate_row *rows, size_t row_count,
                        size_t count);

/* Bytes by which head holds more than base, over the kinds of memory in which it does; what is
 * unknown of either is not compared. No kind makes up for another. */
int64_t rb_gate_row_grown_bytes(const rb_gate_row *row);

rb_gate_outcome rb_gate_row_outcome(const rb_gate_row *row);

/* FINE, NOISY, UNCOMPARED, LOST, CRASHED, WRONG. */
const char *rb_gate_outcome_name(rb_gate_outcome outcome);

/* The word for a table: the outcome's, but SLOWER or GREW (memory) for LOST, and OPEN for a row
 * without a verdict, because the gate was broken off. */
const char *rb_gate_row_word(const rb_gate_row *row);

#endif
