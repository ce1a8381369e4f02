/* The vector instructions that our own measuring loops are built for. */
#ifndef BENCH_VECTOR_ISA_H
#define BENCH_VECTOR_ISA_H

#include <stdbool.h>

typedef enum rb_vector_isa {
    RB_ISA_BASELINE, /* what every processor of this architecture has: SSE2, NEON */
    RB_ISA_AVX2,     /* with FMA */
    RB_ISA_AVX512F,
    RB_ISA_COUNT
} rb_vector_isa;

/* "baseline", "avx2", "avx512f". */
const char *rb_vector_isa_name(rb_vector_isa isa);

/* This processor and its system have it. */
bool rb_vector_isa_usable(rb_vector_isa isa);

/* The last usable one. */
rb_vector_isa rb_vector_isa_widest(void);

/* float32 values of one vector. */
int rb_vector_isa_lanes(rb_vector_isa isa);

/* DEFINE(name, attributes, bytes of a vector) once for each that the compiler can build; they are
 * name_baseline, name_avx2, name_avx512f. RB_FOR_EACH_ISA(name) is the table of them,
 * [RB_ISA_COUNT], NULL where there is none. */
#if defined(__x86_64__)
#define RB_DEFINE_FOR_EACH_ISA(DEFINE, name)                                                       \
    DEFINE(name##_baseline, , 16)                                                                  \
    DEFINE(name##_avx2, __attribute__((target("avx2,fma"))), 32)                                   \
    DEFINE(name##_avx512f, __attribute__((target("avx512f"))), 64)
#define RB_FOR_EACH_ISA(name)                                                                      \
    {                                                                                              \
        [RB_ISA_BASELINE] = name##_baseline, [RB_ISA_AVX2] = name##_avx2,                          \
        [RB_ISA_AVX512F] = name##_avx512f                                                          \
    }
#else
#define RB_DEFINE_FOR_EACH_ISA(DEFINE, name) DEFINE(name##_baseline, , 16)
#define RB_FOR_EACH_ISA(name)                                                                      \
    { [RB_ISA_BASELINE] = name##_baseline }
#endif

#endif
