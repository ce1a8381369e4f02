/* How fast bytes come and go, at any level of the memory hierarchy. */
#ifndef BENCH_BANDWIDTH_H
#define BENCH_BANDWIDTH_H

#include <stdint.h>

#include "resbench/status.h"

/* Bytes are counted as STREAM does (McCalpin, www.cs.virginia.edu/stream/ref.html#counting): those
 * that the program reads and writes. The line that a cache fetches before it is written over is not
 * counted, so that main memory moves up to half as much again in COPY, a third in TRIAD. */
typedef enum rb_traffic {
    RB_TRAFFIC_READ,  /* one array is read: 4 bytes for each float32 */
    RB_TRAFFIC_COPY,  /* a = b: 8 bytes */
    RB_TRAFFIC_TRIAD, /* a = b + s c: 12 bytes */
    RB_TRAFFIC_COUNT
} rb_traffic;

const char *rb_traffic_name(rb_traffic traffic); /* "read", "copy", "triad" */

/* Bytes a nanosecond, all threads together, the best of several bursts of about `seconds` in all.
 * Every thread has arrays of its own, of working_set bytes together, that it has written first
 * itself; the threads lie on the processors that a worker with as many threads has. */
rb_status rb_bandwidth_measure_set(rb_traffic traffic, int32_t threads, int64_t working_set,
                                   double seconds, double *bytes_per_ns, rb_error *err);

/* A working set of each of so many threads that lies in main memory: together four times the bytes
 * of the caches that they reach (64 MiB where these are unknown), or a quarter of the memory that
 * is left if that is less. */
int64_t rb_bandwidth_memory_set(int32_t threads);

/* TRIAD in main memory, with such working sets, in about half a second. */
rb_status rb_bandwidth_measure(int32_t threads, double *bytes_per_ns, rb_error *err);

#endif
