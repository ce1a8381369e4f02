#include "bench/vector_isa.h"

const char *rb_vector_isa_name(rb_vector_isa isa) {
    static const char *const names[RB_ISA_COUNT] = {"baseline", "avx2", "avx512f"};
    return names[isa];
}

bool rb_vector_isa_usable(rb_vector_isa isa) {
    switch (isa) {
    case RB_ISA_BASELINE:
        return true;
#if defined(__x86_64__)
    case RB_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case RB_ISA_AVX512F:
        return __builtin_cpu_supports("avx512f");
#endif
    default:
        return false;
    }
}

rb_vector_isa rb_vector_isa_widest(void) {
    int isa = RB_ISA_COUNT - 1;
    while (!rb_vector_isa_usable((rb_vector_isa)isa))
        isa--;
    return (rb_vector_isa)isa;
}

int rb_vector_isa_lanes(rb_vector_isa isa) {
    static const int lanes[RB_ISA_COUNT] = {4, 8, 16};
    return lanes[isa];
}
