/* What a worker answers -> logits, times, accounts, values of nodes and of a problem. The first
 * byte chooses network or problem. The worker itself is replaced: each call takes the next answer
 * from the input, as  u16 length of the JSON, JSON, u8 kind of blob. */
#include "fuzz_support.h"

#include "bench/remote_case.h"
#include "bench/remote_problem.h"

#define IMAGES 3
#define BATCH 2
#define CLASSES 3
#define SIDE 4
#define REPETITIONS 3

static fuzz_bytes answers;

rb_status rb_worker_start(const rb_worker_options *options, rb_worker **worker, rb_error *err) {
    (void)options, (void)err;
    *worker = NULL;
    return RB_OK;
}

void rb_worker_stop(rb_worker *worker) {
    (void)worker;
}

/* The sizes that are right for something, and any other. */
static size_t blob_size(uint8_t kind) {
    static const size_t sizes[] = {0,
                                   BATCH * CLASSES * 4,
                                   BATCH * CLASSES * 8,
                                   RB_CASE_INPUTS * BATCH * CLASSES * 4,
                                   RB_CASE_INPUTS * BATCH * CLASSES * 8,
                                   BATCH * (2 * SIDE * SIDE + CLASSES) * 4,
                                   BATCH * (2 * SIDE * SIDE + CLASSES) * 8};
    return kind < sizeof sizes / sizeof sizes[0] ? sizes[kind] : kind;
}

rb_status rb_worker_call(rb_worker *worker, json_t *request, const void *blob, size_t blob_bytes,
                         rb_message *answer, rb_error *err) {
    size_t length;
    (void)worker, (void)blob, (void)blob_bytes;
    json_decref(request);
    *answer = (rb_message){0};
    const size_t wanted = (size_t)fuzz_take(&answers) << 8 | fuzz_take(&answers);
    uint8_t *text = fuzz_take_block(&answers, wanted, &length);
    json_t *json = json_loadb((const char *)text, length, 0, NULL);
    free(text);
    if (!json_is_object(json)) {
        json_decref(json);
        return rb_fail(err, RB_ERR_ENGINE, "no answer");
    }
    const size_t bytes = blob_size(fuzz_take(&answers));
    *answer =
        (rb_message){.json = json, .blob = bytes ? calloc(1, bytes) : NULL, .blob_bytes = bytes};
    return RB_OK;
}

rb_status rb_worker_call_for(rb_worker *worker, double seconds, json_t *request, const void *blob,
                             size_t blob_bytes, rb_message *answer, rb_error *err) {
    (void)seconds;
    return rb_worker_call(worker, request, blob, blob_bytes, answer, err);
}

/* A graph of the fuzzed case's shape as far as tap looks at it: two nodes of different sizes. */
static const rb_node nodes[] = {{.name = "first", .oc = 2, .oh = SIDE, .ow = SIDE},
                                {.name = "last", .oc = CLASSES, .oh = 1, .ow = 1}};
static const rb_graph graph = {.batch = BATCH, .node_count = 2, .nodes = nodes};

static void use_tap(rb_remote *remote, const float *src) {
    rb_error err = {""};
    double values[BATCH * (2 * SIDE * SIDE + CLASSES)];
    const int32_t first = fuzz_take(&answers) & 1;
    if (rb_remote_tap(remote, &graph, src, first, 2 - first, values, &err))
        FUZZ_REQUIRE(err.message[0]);
}

/* (BATCH, CLASSES) values come out of this one, too. */
static void use_problem(rb_worker *worker) {
    static const float src[BATCH * SIDE], tensors[SIDE * CLASSES];
    static const float addend[BATCH * CLASSES];
    rb_error err = {""};
    double dst[BATCH * CLASSES];
    rb_remote_problem_facts facts;
    rb_case_problem spec = {.engine_path = "e",
                            .tensors = tensors,
                            .tensor_bytes = sizeof tensors,
                            .threads = 1,
                            .guard = RB_GUARD_PAGE_BEHIND};
    FUZZ_REQUIRE(rb_problem_parse("fc:mb2ic4oc3+add", &spec.problem, &err) == RB_OK);
    while (answers.left > 0) {
        if (rb_remote_problem_open(worker, &spec, &facts, &err)) {
            FUZZ_REQUIRE(err.message[0]);
            continue;
        }
        FUZZ_REQUIRE(memchr(facts.kernel, 0, sizeof facts.kernel));
        FUZZ_REQUIRE(facts.algorithm == RB_ALGORITHM_DIRECT ||
                     facts.algorithm == RB_ALGORITHM_WINOGRAD);
        if (rb_remote_problem_input(worker, &spec.problem, src, addend, &err))
            FUZZ_REQUIRE(err.message[0]);
        if (rb_remote_problem_run(worker, &spec.problem, &facts, dst, &err))
            FUZZ_REQUIRE(err.message[0]);
    }
}

static void use(rb_remote *remote) {
    static const float src[RB_CASE_INPUTS * BATCH * 3 * SIDE * SIDE];
    static const rb_timing_spec spec = {.name = "fuzz", .repetitions = REPETITIONS};
    rb_error err = {""};
    double run_ns = 0, logits[IMAGES * CLASSES], timed[RB_CASE_INPUTS * BATCH * CLASSES];
    rb_sample samples[REPETITIONS];
    rb_remote_timing timing = {.samples = samples, .logits = timed};
    rb_remote_account account;
    const rb_remote_facts *facts = rb_remote_facts_of(remote);
    FUZZ_REQUIRE(memchr(facts->engine_version, 0, sizeof facts->engine_version));
    FUZZ_REQUIRE(memchr(facts->kernel_plan, 0, sizeof facts->kernel_plan));
    while (answers.left > 0) {
        if (rb_remote_logits(remote, src, IMAGES, fuzz_take(&answers) & 1, logits, &run_ns, &err))
            FUZZ_REQUIRE(err.message[0]);
        if (rb_remote_time(remote, &spec, src, run_ns, &timing, &err))
            FUZZ_REQUIRE(err.message[0]);
        if (rb_remote_account_of(remote, &account, &err))
            FUZZ_REQUIRE(err.message[0]);
        use_tap(remote, src);
    }
    rb_remote_end(remote, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const rb_worker_options options = {.timeout_seconds = 1};
    const rb_case_spec spec = {.engine_path = "e",
                               .network = "resnet18",
                               .weights = "w",
                               .batch = BATCH,
                               .height = SIDE,
                               .width = SIDE,
                               .classes = CLASSES,
                               .threads = 1};
    rb_remote *remote;
    rb_error err = {""};
    answers = (fuzz_bytes){data, size};
    if (fuzz_take(&answers) & 1) {
        use_problem(NULL);
        return 0;
    }
    if (rb_remote_open(&options, &spec, &remote, &err) == RB_OK)
        use(remote);
    else
        FUZZ_REQUIRE(!remote && err.message[0]);
    rb_remote_close(remote);
    return 0;
}
