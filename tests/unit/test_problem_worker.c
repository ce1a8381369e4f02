/* Problems in a worker and in process: values, refusals, and engines that touch what they must not.
 * The workers are this program itself. */
#include "test_support.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "bench/remote_problem.h"
#include "bench/worker.h"

#define REFERENCE RB_TEST_OWN_ENGINES "/reference.so"
#define ORACLE RB_TEST_OWN_ENGINES "/oracle.so"
#define FAULT(name) RB_TEST_ENGINES "/" name ".so"

/* dst[y][x] = max(0, src[y][x] - src[y + 1][x + 1] + 3 + addend[y][x]) */
static const char text[] = "mb2ic1ih3oc1kh2+bias+add+relu";
static const float tensors[] = {1, 0, 0, -1, /* bias */ 3};
static const float src[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, /* second image */ 0,
                            0, 0, 0, 1, 0, 0, 0, 0};
static const float addend[] = {0, 2, 5, 1, /* second image */ 0, 0, -4, 1};
static const double right[] = {0, 1, 4, 0, /* second image */ 2, 3, 0, 5};

static const bool in_process[] = {true, false};
static const rb_guard guards[] = {RB_GUARD_BYTES, RB_GUARD_PAGE_BEHIND, RB_GUARD_PAGE_BEFORE};

static rb_case_problem problem_of(const char *engine, const char *problem, rb_guard guard) {
    rb_case_problem spec = {.engine_path = engine,
                            .tensors = tensors,
                            .tensor_bytes = sizeof tensors,
                            .epsilon = 1e-5,
                            .threads = 2,
                            .guard = guard};
    assert_ok(rb_problem_parse(problem, &spec.problem, &err));
    return spec;
}

static rb_worker *start(bool here) {
    const rb_worker_options options = {.in_process = here, .timeout_seconds = 60};
    rb_worker *worker;
    assert_ok(rb_worker_start(&options, &worker, &err));
    return worker;
}

/* Opens the problem above and feeds it. */
static rb_remote_problem_facts feed(rb_worker *worker, const char *engine, rb_guard guard) {
    const rb_case_problem spec = problem_of(engine, text, guard);
    rb_remote_problem_facts facts;
    assert_ok(rb_remote_problem_open(worker, &spec, &facts, &err));
    assert_ok(rb_remote_problem_input(worker, &spec.problem, src, addend, &err));
    return facts;
}

static rb_status run(rb_worker *worker, const rb_remote_problem_facts *facts, double dst[8],
                     rb_error *why) {
    rb_problem problem;
    assert_ok(rb_problem_parse(text, &problem, &err));
    return rb_remote_problem_run(worker, &problem, facts, dst, why);
}

static void assert_right(const double dst[8]) {
    for (size_t i = 0; i < COUNT(right); i++)
        assert_true(dst[i] == right[i]);
}

/* The call must fail this way; request is taken. */
static void refuse(rb_worker *worker, json_t *request, const void *blob, size_t bytes,
                   rb_status expected, const char *says) {
    rb_message answer;
    rb_error err = {""};
    assert_non_null(request);
    assert_int_equal(rb_worker_call(worker, request, blob, bytes, &answer, &err), expected);
    assert_sentence(err);
    assert_contains(err.message, says);
    assert_null(answer.json);
    assert_null(answer.blob);
}

static rb_message answer_of(rb_worker *worker, json_t *request) {
    rb_message answer;
    assert_ok(rb_worker_call(worker, request, NULL, 0, &answer, &err));
    return answer;
}

static void values_are_those_computed_by_hand(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT(in_process); p++) {
        rb_worker *worker = start(in_process[p]);
        for (size_t g = 0; g < COUNT(guards); g++) {
            double dst[8];
            rb_remote_problem_facts facts = feed(worker, REFERENCE, guards[g]);
            assert_false(facts.output_f64);
            assert_int_equal(facts.algorithm, RB_ALGORITHM_DIRECT);
            for (int again = 0; again < 2; again++) {
                assert_ok(run(worker, &facts, dst, &err));
                assert_right(dst);
            }
            facts = feed(worker, ORACLE, guards[g]);
            assert_true(facts.output_f64);
            assert_ok(run(worker, &facts, dst, &err));
            assert_right(dst);
        }
        rb_worker_stop(worker);
    }
}

static void a_problem_without_tensors_needs_none(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT(in_process); p++) {
        rb_worker *worker = start(in_process[p]);
        rb_case_problem spec = problem_of(REFERENCE, "maxpool:ic2ih2kh2", RB_GUARD_PAGE_BEHIND);
        static const float planes[] = {1, 2, 3, 4, -1, -2, -3, -4};
        rb_remote_problem_facts facts;
        double dst[2];
        spec.tensors = NULL;
        spec.tensor_bytes = 0;
        assert_ok(rb_remote_problem_open(worker, &spec, &facts, &err));
        assert_ok(rb_remote_problem_input(worker, &spec.problem, planes, NULL, &err));
        assert_ok(rb_remote_problem_run(worker, &spec.problem, &facts, dst, &err));
        assert_true(dst[0] == 4 && dst[1] == -1);
        refuse(worker, json_pack("{s:s}", "op", "addend"), planes, 8, RB_ERR_USAGE, "addend");
        rb_worker_stop(worker);
    }
}

static json_t *open_request(const char *problem, json_t *threads, json_t *guard) {
    return json_pack("{s:s, s:s, s:s, s:f, s:o, s:o}", "op", "open", "engine_path", REFERENCE,
                     "problem", problem, "epsilon", 1e-5, "threads", threads, "guard", guard);
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    const size_t good = sizeof tensors;
    for (size_t p = 0; p < COUNT(in_process); p++) {
        rb_worker *worker = start(in_process[p]);
        json_t *const no_such[] = {json_integer(3), json_integer(-1), json_integer(1LL << 32),
                                   json_real(1),    json_string("1"), json_null()};
        for (size_t i = 0; i < COUNT(no_such); i++) {
            refuse(worker, open_request(text, json_integer(1), json_incref(no_such[i])), tensors,
                   good, RB_ERR_USAGE, "'guard'");
            if (i > 0)
                refuse(worker, open_request(text, no_such[i], json_integer(0)), tensors, good,
                       RB_ERR_USAGE, "'threads'");
        }
        json_decref(no_such[0]);
        refuse(worker, open_request(text, json_integer(0), json_integer(0)), tensors, good,
               RB_ERR_USAGE, "'threads'");
        refuse(worker, open_request("icy", json_integer(1), json_integer(0)), tensors, good,
               RB_ERR_USAGE, "problem 'icy'");
        refuse(worker, open_request(text, json_integer(1), json_integer(0)), tensors, good - 4,
               RB_ERR_USAGE, "expected 5 values");
        refuse(worker, json_pack("{s:s}", "op", "run"), NULL, 0, RB_ERR_USAGE, "open case");
        refuse(worker, json_pack("{s:s}", "op", "tap"), NULL, 0, RB_ERR_USAGE, "open case");
        feed(worker, REFERENCE, RB_GUARD_PAGE_BEHIND);
        refuse(worker, json_pack("{s:s, s:i}", "op", "input", "index", 0), src, sizeof src - 4,
               RB_ERR_USAGE, "expected");
        refuse(worker, json_pack("{s:s, s:i}", "op", "input", "index", 2), src, sizeof src,
               RB_ERR_USAGE, "'index'");
        refuse(worker, json_pack("{s:s}", "op", "addend"), src, sizeof addend + 4, RB_ERR_USAGE,
               "expected 32");
        rb_worker_stop(worker);
    }
}

/* Terabytes, which no machine would lend. */
static void a_problem_too_large_for_the_machine_is_refused(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT(in_process); p++) {
        rb_worker *worker = start(in_process[p]);
        rb_case_problem spec =
            problem_of(REFERENCE, "maxpool:ic1ih10000000iw10000000kh1", RB_GUARD_PAGE_BEHIND);
        rb_remote_problem_facts facts;
        rb_error err = {""};
        spec.tensor_bytes = 0;
        assert_int_equal(rb_remote_problem_open(worker, &spec, &facts, &err), RB_ERR_MEMORY);
        assert_contains(err.message, "MiB");
        rb_worker_stop(worker);
    }
}

static void a_tap_shows_the_only_node(void **state) {
    (void)state;
    for (size_t p = 0; p < COUNT(in_process); p++) {
        rb_worker *worker = start(in_process[p]);
        feed(worker, ORACLE, RB_GUARD_PAGE_BEHIND);
        rb_message answer =
            answer_of(worker, json_pack("{s:s, s:i, s:i}", "op", "tap", "first", 0, "count", 1));
        json_t *dims = json_pack("[[i, i, i, i]]", 2, 1, 2, 2);
        assert_true(json_equal(json_object_get(answer.json, "dims"), dims));
        assert_int_equal(answer.blob_bytes, sizeof right);
        assert_right(answer.blob);
        json_decref(dims);
        rb_message_release(&answer);
        static const int wrong[][2] = {{0, 2}, {1, 1}, {-1, 1}, {0, 0}, {0, -1}};
        for (size_t i = 0; i < COUNT(wrong); i++)
            refuse(worker,
                   json_pack("{s:s, s:i, s:i}", "op", "tap", "first", wrong[i][0], "count",
                             wrong[i][1]),
                   NULL, 0, RB_ERR_USAGE, "nodes");
        rb_worker_stop(worker);
    }
}

static void a_tap_that_shows_something_else_is_refused(void **state) {
    (void)state;
    static const char *const engines[] = {FAULT("tap_misshapen"), FAULT("tap_out_of_order")};
    rb_worker *worker = start(true);
    for (size_t i = 0; i < COUNT(engines); i++) {
        feed(worker, engines[i], RB_GUARD_PAGE_BEHIND);
        refuse(worker, json_pack("{s:s, s:i, s:i}", "op", "tap", "first", 0, "count", 1), NULL, 0,
               RB_ERR_ENGINE, "shown");
    }
    rb_worker_stop(worker);
}

static void an_algorithm_that_does_not_exist_is_refused(void **state) {
    (void)state;
    rb_worker *worker = start(true);
    const rb_case_problem spec = problem_of(FAULT("algorithm"), text, RB_GUARD_BYTES);
    rb_remote_problem_facts facts;
    rb_error err = {""};
    assert_int_equal(rb_remote_problem_open(worker, &spec, &facts, &err), RB_ERR_ENGINE);
    assert_contains(err.message, "algorithm 7 of problem");
    refuse(worker, json_pack("{s:s}", "op", "run"), NULL, 0, RB_ERR_USAGE, "open case");
    rb_worker_stop(worker);
}

#if defined(__x86_64__)
#define READ "has read"
#define WRITTEN "has written"
#else
#define READ "has read or written"
#define WRITTEN "has read or written"
#endif

static const struct overrun {
    const char *engine;
    rb_guard guard;
    const char *says;
} overruns[] = {
    {FAULT("read_behind"), RB_GUARD_PAGE_BEHIND,
     "engine read_behind " READ " behind its src (at byte 128 of 72)"},
    {FAULT("read_behind_in_thread"), RB_GUARD_PAGE_BEHIND,
     "engine read_behind_in_thread " READ " behind its src (at byte 128 of 72)"},
    {FAULT("write_in_front"), RB_GUARD_PAGE_BEFORE,
     "engine write_in_front " WRITTEN " in front of its dst (at byte -4 of 32)"},
    {FAULT("addend_in_front"), RB_GUARD_PAGE_BEFORE,
     "engine addend_in_front " READ " in front of its addend (at byte -4 of 32)"},
    {FAULT("own_behind"), RB_GUARD_PAGE_BEHIND,
     "engine own_behind " WRITTEN " behind a buffer of its own (scratch) (at byte 448 of 400)"},
    {FAULT("late_weights"), RB_GUARD_PAGE_BEFORE,
     "engine late_weights " READ
     " its tensor wei after open, though it does not keep its weights (at byte 0 of "
     "16)"},
};

static void overruns_are_told_by_the_buffer(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(overruns); i++) {
        rb_worker *worker = start(false);
        double dst[8];
        rb_error err = {""};
        const rb_remote_problem_facts facts = feed(worker, overruns[i].engine, overruns[i].guard);
        assert_int_equal(run(worker, &facts, dst, &err), RB_ERR_CRASHED);
        assert_string_equal(err.message, overruns[i].says);
        for (int again = 0; again < 2; again++) {
            err.message[0] = '\0';
            assert_int_equal(run(worker, &facts, dst, &err), RB_ERR_CRASHED);
            assert_string_equal(err.message, overruns[i].says);
        }
        rb_worker_stop(worker);
    }
    rb_worker *worker = start(false); /* a new one serves as if nothing had happened */
    double dst[8];
    const rb_remote_problem_facts facts = feed(worker, REFERENCE, RB_GUARD_PAGE_BEHIND);
    assert_ok(run(worker, &facts, dst, &err));
    assert_right(dst);
    rb_worker_stop(worker);
}

static rb_message converse(int fd, json_t *request, const void *blob, size_t bytes) {
    rb_message answer;
    assert_non_null(request);
    assert_ok(rb_message_send(fd, request, blob, bytes, 0, &err));
    assert_ok(rb_message_receive(fd, 0, &answer, &err));
    json_decref(request);
    return answer;
}

/* The harness has the sentence, and whoever waits for the process has its signal. */
static void the_process_ends_by_its_signal(void **state) {
    (void)state;
    int ends[2], ended = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        _exit(rb_worker_serve(ends[1]));
    }
    close(ends[1]);
    rb_message answer =
        converse(ends[0],
                 json_pack("{s:s, s:s, s:s, s:f, s:i, s:i}", "op", "open", "engine_path",
                           FAULT("write_in_front"), "problem", text, "epsilon", 1e-5, "threads", 1,
                           "guard", RB_GUARD_PAGE_BEFORE),
                 tensors, sizeof tensors);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "status")), RB_OK);
    rb_message_release(&answer);
    answer = converse(ends[0], json_pack("{s:s}", "op", "run"), NULL, 0);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "status")), RB_ERR_CRASHED);
    assert_contains(json_string_value(json_object_get(answer.json, "message")), "its dst");
    rb_message_release(&answer);
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(WTERMSIG(ended), SIGSEGV);
    close(ends[0]);
}

static void guard_bytes_tell_what_no_page_stops(void **state) {
    (void)state;
    static const struct {
        const char *engine;
        rb_guard guard;
        const char *says;
    } cases[] = {
        {FAULT("overrun"), RB_GUARD_BYTES, "past the ends of logits"},
        {FAULT("overrun"), RB_GUARD_PAGE_BEHIND, "past the ends of logits"}, /* within 64 bytes */
        {FAULT("overrun"), RB_GUARD_PAGE_BEFORE, "past the ends of logits"},
        {FAULT("own_behind"), RB_GUARD_PAGE_BEFORE, "past the ends of a buffer of its own"},
        {FAULT("write_in_front"), RB_GUARD_BYTES, "past the ends of logits"},
        {FAULT("write_in_front"), RB_GUARD_PAGE_BEHIND, "past the ends of logits"},
        {FAULT("change_addend"), RB_GUARD_PAGE_BEHIND, "has changed its addend"},
        {FAULT("change_weights"), RB_GUARD_PAGE_BEHIND, "has changed its weights"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_worker *worker = start(true);
        double dst[8];
        rb_error err = {""};
        const rb_remote_problem_facts facts = feed(worker, cases[i].engine, cases[i].guard);
        assert_int_equal(run(worker, &facts, dst, &err), RB_ERR_ENGINE);
        assert_contains(err.message, cases[i].says);
        rb_worker_stop(worker);
    }
}

static void what_no_buffer_explains_is_told_by_its_signal(void **state) {
    (void)state;
    rb_worker *worker = start(false);
    double dst[8];
    rb_error err = {""};
    const rb_remote_problem_facts facts = feed(worker, FAULT("crash"), RB_GUARD_PAGE_BEHIND);
    assert_int_equal(run(worker, &facts, dst, &err), RB_ERR_CRASHED);
    assert_contains(err.message, "SIGSEGV");
    rb_worker_stop(worker);
}

static int64_t weight_bytes(rb_worker *worker) {
    rb_message answer = answer_of(worker, json_pack("{s:s}", "op", "account"));
    const int64_t bytes = json_integer_value(
        json_array_get(json_object_get(answer.json, "bytes"), RB_MEMORY_WEIGHTS));
    rb_message_release(&answer);
    return bytes;
}

/* The account of an engine that keeps them has the tensors' bytes on top of its own. */
static void weights_that_are_kept_are_counted(void **state) {
    (void)state;
    rb_worker *worker = start(true);
    double dst[8];
    feed(worker, REFERENCE, RB_GUARD_PAGE_BEHIND);
    const int64_t own = weight_bytes(worker);
    const rb_remote_problem_facts facts = feed(worker, FAULT("keeps"), RB_GUARD_PAGE_BEHIND);
    assert_ok(run(worker, &facts, dst, &err));
    assert_right(dst);
    assert_true(own > 0);
    assert_int_equal(weight_bytes(worker), own + (int64_t)sizeof tensors);
    rb_worker_stop(worker);
}

/* What a worker's caches are emptied with is memory that it had not before. (Whether it gives it
 * back cannot be seen here: a sanitizer keeps what was released.) */
static void cold_calls_are_timed_with_the_caches_emptied(void **state) {
    (void)state;
    int64_t held[2];
    for (int cold = 0; cold < 2; cold++) {
        rb_worker *worker = start(false);
        feed(worker, REFERENCE, RB_GUARD_BYTES);
        rb_message answer =
            answer_of(worker, json_pack("{s:s, s:s, s:i, s:f, s:b}", "op", "time", "name", "it",
                                        "repetitions", 3, "warmup_seconds", 0.0, "cold", cold));
        assert_int_equal(json_array_size(json_object_get(answer.json, "real_ns")), 3);
        assert_int_equal(answer.blob_bytes, RB_CASE_INPUTS * COUNT(right) * sizeof(float));
        rb_message_release(&answer);
        answer = answer_of(worker, json_pack("{s:s}", "op", "account"));
        held[cold] = json_integer_value(json_object_get(answer.json, "peak_rss_bytes"));
        rb_message_release(&answer);
        rb_worker_stop(worker);
    }
    assert_true(held[1] > held[0] + (512 << 10)); /* less than twice anybody's caches */
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "worker") == 0)
        return rb_worker_serve(STDIN_FILENO);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_computed_by_hand),
        cmocka_unit_test(a_problem_without_tensors_needs_none),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_problem_too_large_for_the_machine_is_refused),
        cmocka_unit_test(a_tap_shows_the_only_node),
        cmocka_unit_test(a_tap_that_shows_something_else_is_refused),
        cmocka_unit_test(an_algorithm_that_does_not_exist_is_refused),
        cmocka_unit_test(overruns_are_told_by_the_buffer),
        cmocka_unit_test(the_process_ends_by_its_signal),
        cmocka_unit_test(guard_bytes_tell_what_no_page_stops),
        cmocka_unit_test(what_no_buffer_explains_is_told_by_its_signal),
        cmocka_unit_test(weights_that_are_kept_are_counted),
        cmocka_unit_test(cold_calls_are_timed_with_the_caches_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
