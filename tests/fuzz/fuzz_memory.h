/* Bounded memory: a small file must not make its reader ask for gigabytes. */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <sanitizer/allocator_interface.h>

#include "fuzz_support.h"

/* What one allocation may take, whoever asks for it, libraries included; 0: anything. */
static size_t fuzz_promised;

static void fuzz_look_at_allocation(const volatile void *block, size_t size) {
    (void)block;
    if (fuzz_promised && size > fuzz_promised) {
        const size_t promised = fuzz_promised;
        fuzz_promised = 0; /* printing allocates */
        fprintf(stderr, "broken promise: %zu bytes at once, at most %zu were promised\n", size,
                promised);
        abort();
    }
}

static void fuzz_ignore_free(const volatile void *block) {
    (void)block;
}

/* More than there is: NULL, as in production. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=2048:quarantine_size_mb=1";
}

/* From here on, until it is called with 0. */
static inline void fuzz_promise_memory(size_t bytes) {
    static int hooked;
    if (!hooked)
        hooked =
            __sanitizer_install_malloc_and_free_hooks(fuzz_look_at_allocation, fuzz_ignore_free);
    fuzz_promised = bytes;
}

#endif
