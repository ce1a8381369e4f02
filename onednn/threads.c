#include "threads.h"

#include <sched.h>

#include "oneapi/dnnl/dnnl.h"

/* Bound when the engine is loaded, through libdnnl's own dependencies, so that it is the very
 * runtime libdnnl uses, whichever compiler (libgomp, libomp) built this file. NULL where
 * libdnnl brings none. */
extern void omp_set_num_threads(int threads) __attribute__((weak));
extern int omp_get_max_threads(void) __attribute__((weak));
extern int omp_get_thread_num(void) __attribute__((weak));
extern int omp_get_num_threads(void) __attribute__((weak));
/* What `#pragma omp parallel` becomes in GCC; LLVM's and Intel's runtimes have it, too. */
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned threads, unsigned flags)
    __attribute__((weak));

/* oneDNN's default, and the only count it can have without OpenMP. */
static int affinity_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

rb_status rb_threads_check(int32_t threads, rb_error *err) {
    if (threads < 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "the thread count must be at least 1, not %d",
                       threads);
    const char *runtime = rb_threads_runtime();
    int fixed;
    switch (dnnl_version()->cpu_runtime) {
    case DNNL_RUNTIME_OMP:
        if (omp_set_num_threads && omp_get_max_threads)
            return RB_OK;
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "oneDNN uses OpenMP, but its omp_set_num_threads cannot be found");
    case DNNL_RUNTIME_SEQ:
        fixed = 1;
        break;
    case DNNL_RUNTIME_TBB: /* its C API has no say in TBB's arenas */
        fixed = affinity_count();
        break;
    default: /* THREADPOOL and SYCL need a C++ caller */
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "oneDNN's %s runtime cannot be driven from C; use an OMP build", runtime);
    }
    if (threads == fixed)
        return RB_OK;
    return rb_fail(err, RB_ERR_UNSUPPORTED,
                   "oneDNN's %s runtime takes %d threads here and cannot be set to %d; set the CPU "
                   "affinity or use an OMP build",
                   runtime, fixed, threads);
}

int rb_threads_set(int threads) {
    if (dnnl_version()->cpu_runtime != DNNL_RUNTIME_OMP || !omp_set_num_threads)
        return threads;
    const int before = omp_get_max_threads();
    if (before != threads)
        omp_set_num_threads(threads);
    return before;
}

typedef struct rb_share {
    rb_part_fn fn;
    const void *work;
} rb_share;

static void do_part(void *data) {
    const rb_share *share = data;
    share->fn(share->work, omp_get_thread_num(), omp_get_num_threads());
}

void rb_threads_share(int threads, rb_part_fn fn, const void *work) {
    rb_share share = {fn, work};
    if (threads > 1 && dnnl_version()->cpu_runtime == DNNL_RUNTIME_OMP && GOMP_parallel &&
        omp_get_thread_num && omp_get_num_threads)
        GOMP_parallel(do_part, &share, (unsigned)threads, 0);
    else
        fn(work, 0, 1);
}

const char *rb_threads_runtime(void) {
    switch (dnnl_version()->cpu_runtime) {
    case DNNL_RUNTIME_SEQ:
        return "SEQ";
    case DNNL_RUNTIME_OMP:
        return "OMP";
    case DNNL_RUNTIME_TBB:
        return "TBB";
    case DNNL_RUNTIME_THREADPOOL:
        return "THREADPOOL";
    case DNNL_RUNTIME_SYCL:
        return "SYCL";
    default:
        return "unknown runtime";
    }
}
