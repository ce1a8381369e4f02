/* Time. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include "resbench/clock.h"

#endif
