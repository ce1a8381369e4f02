/* Energy that the processors' own meters (RAPL) tell: of whole packages and their memory, whoever
 * used them. Read from powercap (docs: kernel, power/powercap/powercap.rst), which root may read,
 * or from perf's event source `power`, which needs kernel.perf_event_paranoid 0 or a capability. */
#ifndef BENCH_ENERGY_H
#define BENCH_ENERGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RB_ENERGY_ZONES 64

typedef enum rb_energy_kind { RB_ENERGY_PACKAGE, RB_ENERGY_DRAM, RB_ENERGY_KINDS } rb_energy_kind;

typedef struct rb_energy_zone {
    int fd;
    rb_energy_kind kind;
    double joules;  /* of one unit */
    uint64_t range; /* the greatest value before it begins at 0 again; 0: a number from perf */
    uint64_t last;
} rb_energy_zone;

typedef struct rb_energy {
    rb_energy_zone zones[RB_ENERGY_ZONES];
    size_t count;
    double joules[RB_ENERGY_KINDS]; /* so far; NaN where no zone is of the kind, or one is silent */
    bool incomplete[RB_ENERGY_KINDS]; /* a zone of the kind is there and cannot be read */
    char why[256];                    /* why there are no packages; "" where there are */
} rb_energy;

/* root: "" of this machine; a directory that stands in front of /sys, for tests. Takes what there
 * is. */
void rb_energy_open(const char *root, rb_energy *energy);
void rb_energy_close(rb_energy *energy);

void rb_energy_start(rb_energy *energy); /* from now on, from 0 J */

/* Adds what has come since. A meter that wraps (after 2^32 units of 61 uJ, some 20 minutes at
 * 200 W) must be asked at least once in between. A meter that cannot be read any more makes its
 * kind NaN. */
void rb_energy_update(rb_energy *energy);

#endif
