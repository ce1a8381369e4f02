/* Where clang counts the edges that libFuzzer looks at. */
#ifndef COVERAGE_COUNTERS_H
#define COVERAGE_COUNTERS_H

#include <stdint.h>

extern uint8_t *const fuzz_counters_begin, *const fuzz_counters_end;

#endif
