/* Any bytes -> HDF5, in the child that foreign files are first read in (bench/trial.h). libhdf5 may
 * crash or loop there; our own code may not, and what comes back is one sentence. The first byte
 * chooses the reader. */
#include "../unit/test_weights_tiny.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>

#include "bench/trial.h"
#include "coverage_counters.h"
#include "fuzz_file.h"
#include "loaders/tensor_file.h"
#include "small_image_set.h"

#define CHILD_SECONDS 3 /* the fuzzer has no time for RB_TRIAL_SECONDS */

#define MAX_COUNTERS (1 << 16)

/* Shared with the child: whether it died of our own code, and the coverage that is counted in it.
 */
static struct verdict {
    int reported, libhdf5s;
    uint8_t counters[MAX_COUNTERS];
} * verdict;

/* Reports about libhdf5 come by the thousand. One about us ends the parent, which keeps the input.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "symbolize=0:log_path=/dev/null:allocator_may_return_null=1:max_allocation_size_mb=1024:"
           "quarantine_size_mb=1";
}

static struct sigaction on_fault[3]; /* the sanitizer's, which the trial takes away */
static const int faults[3] = {SIGSEGV, SIGBUS, SIGFPE};

/* Whether the innermost frames of a report are libhdf5's (or of what it has called). */
static void on_report(const char *report) {
    const char *end = strstr(report, "    #4 ");
    const char *found = strstr(report, "libhdf5");
    verdict->libhdf5s = found && (!end || found < end);
}

static void on_death(void) {
    verdict->reported = 1;
}

typedef struct request {
    const char *path;
    uint8_t reader;
} request;

static size_t counter_bytes(void) {
    const size_t bytes = (size_t)(fuzz_counters_end - fuzz_counters_begin);
    FUZZ_REQUIRE(bytes <= MAX_COUNTERS);
    return bytes;
}

static rb_status read_weights(const char *path, rb_error *err) {
    rb_weights_info info;
    rb_weights_set *set;
    rb_status status = rb_weights_read_info(path, &info, err);
    if (status == RB_OK)
        status = rb_weights_load(path, &tiny_graph, &set, err);
    if (status == RB_OK) {
        rb_weights_verify(path, &tiny_graph, set, NULL); /* reads every value */
        rb_weights_destroy(set);
    }
    return status;
}

static rb_status read_tensor(const char *path, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    float *values;
    const rb_status status = rb_tensor_read(path, "input", 4, NULL, dims, &values, err);
    free(values);
    return status;
}

static rb_status read_set(const char *path, rb_error *err) {
    rb_image_set *set;
    const rb_status status = rb_image_set_open(path, &set, err);
    if (status == RB_OK)
        small_image_set_use(set);
    rb_image_set_close(set);
    return status;
}

/* In the child. */
static rb_status read_file(void *ctx, rb_error *err) {
    const request *wanted = ctx;
    __asan_set_error_report_callback(on_report);
    __sanitizer_set_death_callback(on_death);
    for (size_t i = 0; i < COUNT(faults); i++)
        sigaction(faults[i], &on_fault[i], NULL);
    signal(SIGABRT, SIG_DFL);
    alarm(CHILD_SECONDS);
    static rb_status (*const readers[])(const char *, rb_error *) = {read_weights, read_tensor,
                                                                     read_set};
    const rb_status status = readers[wanted->reader % COUNT(readers)](wanted->path, err);
    memcpy(verdict->counters, fuzz_counters_begin, counter_bytes());
    return status;
}

static void start(void) {
    if (verdict)
        return;
    verdict =
        mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FUZZ_REQUIRE(verdict != MAP_FAILED);
    for (size_t i = 0; i < COUNT(faults); i++)
        sigaction(faults[i], NULL, &on_fault[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rb_error err = {""};
    start();
    if (size == 0)
        return 0;
    request wanted = {fuzz_file("any.h5", data + 1, size - 1), data[0]};
    memset(verdict, 0, sizeof *verdict);
    const rb_status status = rb_trial(wanted.path, read_file, &wanted, &err);
    if (status != RB_OK)
        fuzz_check_refusal(status, &err);
    FUZZ_REQUIRE(!verdict->reported || verdict->libhdf5s);
    for (size_t i = 0; i < counter_bytes(); i++)
        if (verdict->counters[i])
            fuzz_counters_begin[i] = verdict->counters[i];
    return 0;
}
