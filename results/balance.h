/* The memory ledger of a record as a sum. */
#ifndef RESULTS_BALANCE_H
#define RESULTS_BALANCE_H

#include "results/record.h"

/* Bytes; NaN unknown. Where peak and steady RSS are known,
 *   start + engine + reader + buffers + weights + activations + scratch + unaccounted = steady, and
 *   steady + passing = peak,
 * to the byte; a part that is unknown counts as 0, so what it was is in unaccounted. */
typedef struct rb_balance {
    double start;                         /* RSS of the process before the engine */
    double engine;                        /* its code and its libraries */
    double reader;                        /* of the weights: code and heap of HDF5 */
    double buffers;                       /* the harness's, for this case */
    double weights, activations, scratch; /* as the engine and the host's account tell */
    /* What nobody has told: memory that the engine or a library took behind the host's back, stacks
     * of threads, compiled code. Negative: more was asked for than has ever been touched. */
    double unaccounted;
    double steady;  /* RSS after timing */
    double passing; /* needed at the peak and given back: the weights file, copies while packing */
    double peak;
} rb_balance;

rb_balance rb_balance_of(const rb_record *record);

#endif
