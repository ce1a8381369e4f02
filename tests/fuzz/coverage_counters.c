/* No function here: in a file with one, the compiler has variables of these names of its own. */
#include "coverage_counters.h"

extern uint8_t __start___sancov_cntrs[], __stop___sancov_cntrs[];

uint8_t *const fuzz_counters_begin = __start___sancov_cntrs;
uint8_t *const fuzz_counters_end = __stop___sancov_cntrs;
