/* What a case opens: a graph and its weights in memory, of a network with a file or of a problem.
 */
#ifndef BENCH_CASE_SOURCE_H
#define BENCH_CASE_SOURCE_H

#include "bench/case.h"
#include "loaders/weights_file.h"

typedef struct rb_case_source {
    rb_graph *graph;
    bool is_problem;
    rb_weights weights; /* bound to the graph */
    double load_ns;     /* weights file to memory */
    rb_weights_set *set;
    float **moved;
    float *tensors[RB_PROBLEM_TENSORS]; /* of a problem, guarded */
    double *epsilon;
} rb_case_source;

/* On error *source holds nothing. */
rb_status rb_case_source_network(const rb_case_spec *spec, rb_case_source *source, rb_error *err);
rb_status rb_case_source_problem(const rb_case_problem *spec, rb_case_source *source,
                                 rb_error *err);

/* Bytes of the tensors that are still there. */
int64_t rb_case_source_weight_bytes(const rb_case_source *source);

/* Of the values of the tensors that are still there; depends on their order. */
uint64_t rb_case_source_fingerprint(const rb_case_source *source);

/* The same of other values; 0 bytes are fine. */
uint64_t rb_fingerprint(uint64_t start, const float *values, size_t bytes);
#define RB_FINGERPRINT_START 0xCBF29CE484222325u

/* True while nobody has written past the ends of a tensor. */
bool rb_case_source_intact(const rb_case_source *source);

/* Lets go of the weights, not of the graph. Between guard pages, nobody can touch them from now on.
 */
void rb_case_source_drop_weights(rb_case_source *source);

void rb_case_source_release(rb_case_source *source);

#endif
