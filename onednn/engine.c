/* The table that the harness sees. */
#include <pthread.h>
#include <stdio.h>

#include "session.h"
#include "threads.h"

static char version[64];
static rb_engine table = {.abi = RB_ENGINE_ABI,
                          .size = sizeof(rb_engine),
                          .name = "onednn",
                          .version = version,
                          .description = "oneDNN: folded BN, post-ops, the library's own layouts",
                          .output_dtype = RB_F32,
                          .open = rb_session_open,
                          .run = rb_session_run,
                          .tap = rb_session_tap,
                          .memory = rb_session_memory,
                          .kernel = rb_session_kernel,
                          .algorithm = rb_session_algorithm,
                          .close = rb_session_close,
                          .executed_macs = rb_session_executed_macs,
                          .profile = rb_session_profile};

/* The widest instructions that the library has chosen (dnnl_get_effective_cpu_isa); its newer
 * releases have more than the header of the one compiled against. */
static const char *chosen_isa(char text[24]) {
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } isas[] = {{dnnl_cpu_isa_default, "default instructions"},
                {dnnl_cpu_isa_sse41, "SSE4.1"},
                {dnnl_cpu_isa_avx, "AVX"},
                {dnnl_cpu_isa_avx2, "AVX2"},
                {dnnl_cpu_isa_avx2_vnni, "AVX2 VNNI"},
                {dnnl_cpu_isa_avx512_core, "AVX-512"},
                {dnnl_cpu_isa_avx512_core_vnni, "AVX-512 VNNI"},
                {dnnl_cpu_isa_avx512_core_bf16, "AVX-512 BF16"},
                {dnnl_cpu_isa_avx512_core_amx, "AMX"}};
    const dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++)
        if (isas[i].isa == isa)
            return isas[i].name;
    snprintf(text, 24, "instructions %#x", (unsigned)isa);
    return text;
}

/* Of the library that is loaded, which need not be the one compiled against. */
static void write_version(void) {
    const dnnl_version_t *v = dnnl_version();
    char text[24];
    snprintf(version, sizeof version, "%d.%d.%d (%s, %s)", v->major, v->minor, v->patch,
             rb_threads_runtime(), chosen_isa(text));
}

const rb_engine *rb_engine_get(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_version);
    return &table;
}
