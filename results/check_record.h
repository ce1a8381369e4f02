/* One row of the judge: what was compared, how far off it was, and the verdict. Everything that
 * resbench check prints or writes is read from these. */
#ifndef RESULTS_CHECK_RECORD_H
#define RESULTS_CHECK_RECORD_H

#include "results/record.h"

#define RB_CHECK_SCHEMA 1

typedef enum rb_check_level {
    RB_LEVEL_EXACT,
    RB_LEVEL_OPERATION,
    RB_LEVEL_CHAINED,
    RB_LEVEL_NETWORK,
    RB_LEVEL_TASK,
    RB_LEVEL_COUNT
} rb_check_level;

const char *rb_check_level_name(rb_check_level level);
bool rb_check_level_parse(const char *name, rb_check_level *level);

/* Errors are those of the worst of all runs of a row. NaN: not known. */
typedef struct rb_check_figures {
    int64_t elements;     /* compared */
    int64_t non_finite;   /* NaN or infinite where the truth is neither, unwritten ones included */
    int64_t differing;    /* not equal as values */
    int64_t excess_zeros; /* zeros beyond those of the truth */
    bool constant;        /* all values are the same, while the truth's are not */
    double rel_l2;        /* norm(error) / norm(truth) */
    double nmse;          /* its square */
    double max_abs;       /* largest |error| */
    double max_ulp; /* largest distance on the float32 grid from the truth rounded to float32 */
    double element_share; /* largest |error| / its own limit; 1 is the limit */
    double norm_share;    /* norm(error) / its limit */
    int64_t worst[4];     /* (n, c, h, w) of the largest share, of the first NaN if there is one */
    double found, expected; /* the two values there */
} rb_check_figures;

typedef struct rb_check_row {
    rb_check_level level;
    char name[192];   /* exact, operation: the problem; chained: node; network, task: the network */
    char network[64]; /* chained, and recorded activations: where they come from */
    char why[48]; /* a problem of the list: a network that has it, or what is awkward about it */
    int64_t k;    /* exact, operation: the length of a sum, 0 where a value is only chosen */
    int64_t multiplicity; /* of a problem of the list: in ResNet-18, 34, 50, 101, 152 together */
    char input[32];       /* "integer", "seeded", "recorded", "synthetic", name of a data set ... */
    uint64_t seed;
    int64_t batch;
    int32_t threads,
        other_threads; /* other_threads: of the run that is compared as well; 0: none */
    char kernel[96];
    bool winograd; /* declared: held to the wider limits */
    rb_verdict verdict;
    char note[512];  /* why, when it is not PASS */
    char again[768]; /* the command that repeats the row */
    double seconds;
    rb_check_figures figures;
    double limit; /* chained, network: of rel_l2; NaN elsewhere */
    /* network, task; top1_differ -1: synthetic weights, not told */
    int64_t images, top1_differ, near_ties;
} rb_check_row;

/* Figures, limit and top1_differ are not known yet (NaN, -1), everything else is 0 or empty. */
void rb_check_row_init(rb_check_row *row, rb_check_level level);

typedef struct rb_check_rows {
    rb_check_row *items;
    size_t count, capacity;
} rb_check_rows;

/* Adds a copy, with texts made one line of valid UTF-8 (engines write some of them). */
rb_status rb_check_rows_add(rb_check_rows *rows, const rb_check_row *row, rb_error *err);
void rb_check_rows_release(rb_check_rows *rows);

#endif
