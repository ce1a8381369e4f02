/* A gate without a second build: instructions and bytes, which do not depend on how busy a machine
 * is, against those of a stored baseline. */
#ifndef RESULTS_GATE_COUNTS_H
#define RESULTS_GATE_COUNTS_H

#include "results/gate_row.h"

#define RB_COUNTS_SCHEMA 1

/* One cell. */
typedef struct rb_gate_count {
    char network[64], engine[64];
    int64_t batch, height, width;
    char engine_version[96], kernel_plan[17];
    int64_t instructions;                                  /* of one call; -1: not counted */
    int64_t weight_bytes, activation_bytes, scratch_bytes; /* held; -1 unknown */
    rb_verdict parity;                                     /* NONE: it did not run */
    char note[256];                                        /* why it has not passed */
} rb_gate_count;

typedef struct rb_gate_counts {
    rb_gate_count items[RB_GATE_MAX_ROWS];
    size_t count;
    char tool[64]; /* that counted: "valgrind-3.19.0" */
} rb_gate_counts;

/* A cell beside the baseline's. */
typedef struct rb_gate_count_pair {
    const rb_gate_count *base; /* NULL: the baseline has no such cell */
    const rb_gate_count *head;
    rb_gate_outcome outcome;
    const char *word; /* FINE, FEWER, MORE (instructions), GREW (memory), OTHER (kernels or tool),
                       * NEW, CRASHED, WRONG */
} rb_gate_count_pair;

/* Compares every cell of head. tolerance is the share of instructions that may be added. Counts of
 * other kernels, or by another version of the tool, are not compared. */
void rb_gate_counts_compare(const rb_gate_counts *base, const rb_gate_counts *head,
                            double tolerance, rb_gate_count_pair *pairs);

/* The baseline as JSON: {schema_version, tool, rows: [...]}. RB_ERR_INPUT names the row and member
 * that is missing or invalid. */
rb_status rb_gate_counts_write(const char *path, const rb_gate_counts *counts, rb_error *err);
rb_status rb_gate_counts_read(const char *path, rb_gate_counts *counts, rb_error *err);

void rb_gate_counts_terminal(const rb_gate_count_pair *pairs, size_t count, FILE *out);
void rb_gate_counts_markdown(const rb_gate_count_pair *pairs, size_t count, FILE *out);

#endif
