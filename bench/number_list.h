/* Lists and ranges of whole numbers, as people type them:
 *
 *     1,2,8     these
 *     1-8       from 1 to 8
 *     2-8:2     from 2 to 8 in steps of 2
 *     1-64:x2   1, doubled as long as it is at most 64
 *     all       the whole range there is; all:2 and all:x2 are steps in it, and its end */
#ifndef BENCH_NUMBER_LIST_H
#define BENCH_NUMBER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"

/* What a list may hold. */
typedef struct rb_number_rules {
    const char *what; /* for sentences: "batch size" */
    int64_t low, high;
    int64_t all; /* "all" is low to this; 0: the word is not known */
} rb_number_rules;

typedef struct rb_number_range {
    int64_t first, last, step;
    bool multiply; /* by step, instead of adding it */
    bool with_last;
} rb_number_range;

/* Cuts the next word off a comma-separated list; false at its end. A word too long for the buffer,
 * and so for any name or number, comes back cut and marked, which makes it invalid. */
bool rb_list_next(const char **list, char *word, size_t capacity);

/* One word of a list; a number alone is a range of one. RB_ERR_USAGE says what is wrong with it. */
rb_status rb_number_range_parse(const char *word, const rb_number_rules *rules,
                                rb_number_range *range, rb_error *err);

/* Steps through a range: *number is its first with *number < range->first, the next one otherwise;
 * false behind the last. */
bool rb_number_range_next(const rb_number_range *range, int64_t *number);

/* Appends the numbers of a list to numbers[*count], which has room for capacity. RB_ERR_USAGE for a
 * word that is no number or range, a number outside of the rules, one that is there twice, and
 * more of them than there is room for; what stood before in numbers stays. */
rb_status rb_number_list_add(const char *list, const rb_number_rules *rules, int64_t *numbers,
                             size_t *count, size_t capacity, rb_error *err);

#endif
