/* Two runs side by side: a pure function of two reports. */
#ifndef RESULTS_COMPARE_H
#define RESULTS_COMPARE_H

#include "results/effect.h"
#include "results/report.h"

typedef struct rb_compare_limits {
    double alpha;         /* of all cells together, after Holm */
    double threshold;     /* share of the time below which a difference is of no interest */
    double rss_tolerance; /* share of the peak RSS that two runs of one program may differ by */
} rb_compare_limits;

extern const rb_compare_limits rb_compare_default_limits;

typedef enum rb_compared {
    RB_COMPARED_SAME,    /* the whole interval is within the threshold */
    RB_COMPARED_FASTER,  /* significant, ratio beyond the threshold, interval beyond 1 */
    RB_COMPARED_SLOWER,  /* the same */
    RB_COMPARED_UNCLEAR, /* none of these */
    RB_COMPARED_TOO_FEW, /* a single worker in one of the files */
    RB_COMPARED_RATIO,   /* of other machines: nothing is said but the ratio */
    RB_COMPARED_WRONG,   /* b has a result that is not right */
    RB_COMPARED_CRASHED, /* b has none: crashed, or timed out */
    RB_COMPARED_LOST,    /* b has none: unsupported, where a had one */
    RB_COMPARED_NEW,     /* b has a right one, where a had none */
    RB_COMPARED_NOTHING, /* unsupported in both; or right in b and not timed */
    RB_COMPARED_COUNT
} rb_compared;

const char *rb_compared_name(rb_compared verdict);

typedef enum rb_memory_kind {
    RB_MEMORY_WEIGHTS, /* the first four are exact */
    RB_MEMORY_PACKED,
    RB_MEMORY_ACTIVATIONS,
    RB_MEMORY_SCRATCH,
    RB_MEMORY_PEAK_RSS,
    RB_MEMORY_KINDS
} rb_memory_kind;

const char *rb_memory_kind_name(rb_memory_kind kind);

typedef enum rb_memory_change {
    RB_MEMORY_UNKNOWN, /* in one of the files */
    RB_MEMORY_SAME,
    RB_MEMORY_GREW,
    RB_MEMORY_SHRANK
} rb_memory_change;

const char *rb_memory_change_name(rb_memory_change change);

typedef struct rb_compared_memory {
    int64_t a_bytes, b_bytes;
    rb_memory_change change;
} rb_compared_memory;

/* A cell of both files, or of one. */
typedef struct rb_compared_row {
    char cell[256];         /* rb_record_name */
    const rb_record *a, *b; /* in the reports; NULL: not there */
    char parity[48];        /* "PASS", "PASS -> FAIL" */
    size_t a_workers, b_workers;
    double a_ns, b_ns; /* geometric means of the workers' medians; NaN across machines */
    double a_over_base, b_over_base; /* across machines, else NaN */
    rb_effect effect;
    double p_adjusted;             /* after Holm over all cells that are tested */
    char interval[32], p_text[16]; /* for people; "" without */
    rb_compared verdict;
    rb_compared_memory memory[RB_MEMORY_KINDS];
} rb_compared_row;

typedef struct rb_comparison {
    rb_compare_limits limits;
    const char *base;      /* engine that others are put in relation to; NULL: one machine */
    rb_compared_row *rows; /* cells of both, in the order of a; then of a, then of b alone */
    size_t count, common, tested;
} rb_comparison;

/* base NULL: b against a. Otherwise the ratio of b's ratio to its base engine to that of a, cells
 * of the base engine left out where both are timed. RB_ERR_NOT_COMPARABLE names a cell whose
 * network, input or weights differ, or says that no cell is in both, or that a file has no base
 * engine; RB_ERR_INPUT a time that is none. The reports must outlive the comparison. */
rb_status rb_compare(const rb_report *a, const rb_report *b, const rb_compare_limits *limits,
                     const char *base, rb_comparison *comparison, rb_error *err);
void rb_comparison_release(rb_comparison *comparison);

/* How many rows have this verdict; how many have memory that changed in this way. */
size_t rb_comparison_count(const rb_comparison *comparison, rb_compared verdict);
size_t rb_comparison_memory_count(const rb_comparison *comparison, rb_memory_change change);

/* True when no cell of both files could be compared, for none has a right result in both. */
bool rb_comparison_idle(const rb_comparison *comparison);

#endif
