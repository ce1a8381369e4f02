/* The files of a run: what is written is read back, in Google Benchmark's schema, whole or not. */
#include "test_records.h"

#include <math.h>

#include "results/record_json.h"
#include "results/report.h"

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : fabs(a - b) <= 1e-12 * fabs(b);
}

/* Samples are whole nanoseconds. Two timed cells, one with everything known, one with little; and
 * one that crashed. */
static rb_report make_report(const char *directory) {
    rb_report report = {.directory = directory,
                        .title = "A run",
                        .context = json_pack("{s:s, s:i}", "host_name", "box", "num_cpus", 2),
                        .plan = json_pack("{s:s, s:i}", "tier", "quick", "seed", 1)};
    rb_record full = make_record(&record_rows[2], "onednn", 8, 33.333, 12);
    fill_in(&full, 1.0 / 3e7);
    full.top1_agree = 7;
    put(&report.records, full);
    put(&report.records, make_record(&record_rows[2], "reference", 8, 1234.568, 5));
    rb_record crashed = make_record(&record_rows[4], "onednn", 1, 1, 0);
    crashed.verdict = RB_VERDICT_CRASHED;
    snprintf(crashed.note, sizeof crashed.note, "killed by signal 11, \"Segmentation fault\"");
    put(&report.records, crashed);
    return report;
}

static void release(rb_report *report) {
    json_decref(report->context);
    json_decref(report->plan);
    rb_record_list_release(&report->records);
}

static void assert_same_record(const rb_record *a, const rb_record *b) {
    json_t *left = rb_record_to_json(a), *right = rb_record_to_json(b);
    const char *key;
    json_t *value;
    json_object_foreach(left, key, value) {
        const json_t *other = json_object_get(right, key);
        const bool equal = json_is_real(value)
                               ? same(json_number_value(value), json_number_value(other))
                               : json_equal(value, other);
        if (!equal)
            fail_msg("member %s differs", key);
    }
    json_decref(left);
    json_decref(right);
    assert_int_equal(a->sample_count, b->sample_count);
    for (size_t i = 0; i < a->sample_count; i++) {
        assert_int_equal(a->samples[i].worker, b->samples[i].worker);
        assert_int_equal(a->samples[i].turn, b->samples[i].turn);
        assert_true(same(a->samples[i].real_ns, b->samples[i].real_ns));
        assert_true(same(a->samples[i].cpu_ns, b->samples[i].cpu_ns));
    }
    assert_true(same(a->latency_ns.median, b->latency_ns.median));
    assert_true(same(a->latency_ns.low, b->latency_ns.low));
    assert_true(same(a->rel_l2, b->rel_l2));
}

static void records_come_back_as_they_were(void **state) {
    rb_report report = make_report(*state);
    rb_record_list read;
    json_t *plan;
    assert_ok(rb_report_write(&report, &err));
    assert_int_equal(entries_of(*state), 3);
    assert_ok(rb_report_read(*state, &plan, &read, &err));
    assert_true(json_equal(plan, report.plan));
    assert_int_equal(read.count, 3);
    for (size_t i = 0; i < read.count; i++)
        assert_same_record(&report.records.items[i], &read.items[i]);
    assert_true(isnan(read.items[1].rel_l2) && isnan(read.items[1].load_ns)); /* unknown stays so */
    assert_true(read.items[1].steal_share == -1 && read.items[1].peak_rss_bytes == -1);
    assert_int_equal(read.items[1].top1_agree, -1);
    assert_int_equal(read.items[2].verdict, RB_VERDICT_CRASHED);
    assert_string_equal(read.items[2].note, "killed by signal 11, \"Segmentation fault\"");
    json_decref(plan);
    rb_record_list_release(&read);
    release(&report);
}

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    if (!text)
        fail_msg("a row has no text %s", key);
    return text;
}

static void assert_members(const json_t *row) {
    static const char *const integers[] = {"family_index", "per_family_instance_index",
                                           "repetitions", "threads", "iterations"};
    for (size_t i = 0; i < COUNT(integers); i++)
        if (!json_is_integer(json_object_get(row, integers[i])))
            fail_msg("%s has no integer %s", text_of(row, "name"), integers[i]);
    if (!json_is_number(json_object_get(row, "real_time")) ||
        !json_is_number(json_object_get(row, "cpu_time")))
        fail_msg("%s has no real_time or cpu_time", text_of(row, "name"));
    assert_string_equal(text_of(row, "time_unit"), "ms");
    const char *name = text_of(row, "name"), *run = text_of(row, "run_name");
    const bool aggregate = strcmp(text_of(row, "run_type"), "aggregate") == 0;
    if (aggregate) {
        char expected[300];
        snprintf(expected, sizeof expected, "%s_%s", run, text_of(row, "aggregate_name"));
        assert_string_equal(name, expected);
        assert_string_equal(text_of(row, "aggregate_unit"), "time");
    } else {
        assert_string_equal(text_of(row, "run_type"), "iteration");
        assert_string_equal(name, run);
    }
}

static json_t *load_rows(void **state, json_t **root) {
    char path[PATH_SIZE];
    json_error_t why;
    *root = json_load_file(path_of(state, RB_REPORT_JSON, path), 0, &why);
    if (!*root)
        fail_msg("%s", why.text);
    return json_object_get(*root, "benchmarks");
}

/* https://github.com/google/benchmark/blob/main/docs/user_guide.md, "Output Formats". */
static void rows_have_google_benchmarks_schema(void **state) {
    rb_report report = make_report(*state);
    json_t *root, *row;
    size_t index, iterations = 0, aggregates = 0, errors = 0;
    assert_ok(rb_report_write(&report, &err));
    json_t *rows = load_rows(state, &root);
    assert_string_equal(text_of(json_object_get(root, "context"), "host_name"), "box");
    json_array_foreach(rows, index, row) {
        const bool error = json_is_true(json_object_get(row, "error_occurred"));
        assert_members(row);
        errors += error;
        aggregates += strcmp(text_of(row, "run_type"), "aggregate") == 0;
        iterations += strcmp(text_of(row, "run_type"), "iteration") == 0 && !error;
        if (error) {
            assert_string_equal(text_of(row, "name"),
                                "resnet152/onednn/batch:1/threads:2/size:224x224");
            assert_contains(text_of(row, "error_message"), "signal 11");
        }
        if (strcmp(text_of(row, "name"), "resnet50/onednn/batch:8/threads:2/size:224x224_median") ==
            0) {
            const double ms = 33.333 * 1.0055; /* the middle of 12 samples */
            assert_true(same(json_number_value(json_object_get(row, "real_time")), ms));
            assert_true(same(json_number_value(json_object_get(row, "median_ms")), ms));
            assert_true(same(json_number_value(json_object_get(row, "rel_l2")), 1 / 3e7));
            assert_string_equal(text_of(row, "label"), "PASS");
        }
    }
    assert_int_equal(iterations, 12 + 5);
    assert_int_equal(aggregates, 2 * 3);
    assert_int_equal(errors, 1);
    json_decref(root);
    release(&report);
}

/* One call of a very slow engine: a standard deviation of one sample is still a row. */
static void a_single_sample_has_whole_rows(void **state) {
    rb_report report = make_report(*state);
    json_t *root, *row;
    size_t index;
    put(&report.records, make_record(&record_rows[0], "slow", 64, 90000, 1));
    assert_ok(rb_report_write(&report, &err));
    json_t *rows = load_rows(state, &root);
    json_array_foreach(rows, index, row) assert_members(row);
    json_decref(root);
    release(&report);
}

/* An engine's message is not always UTF-8; the file must be readable all the same. */
static void a_note_in_latin1_does_not_lose_the_run(void **state) {
    rb_report report = make_report(*state);
    rb_record_list read;
    json_t *plan;
    rb_error why = {""};
    rb_record again = report.records.items[2];
    again.samples = NULL;
    again.sample_count = 0;
    snprintf(again.note, sizeof again.note, "%s",
             "memoire epuis\xE9"
             "e");
    put(&report.records, again);
    assert_ok(rb_report_write(&report, &err));
    const rb_status status = rb_report_read(*state, &plan, &read, &why);
    if (status != RB_OK)
        fail_msg("the written file is refused: %s", why.message);
    assert_int_equal(read.count, 3);
    json_decref(plan);
    rb_record_list_release(&read);
    release(&report);
}

static void assert_whole_old_report(void **state) {
    rb_record_list read;
    json_t *plan;
    assert_ok(rb_report_read(*state, &plan, &read, &err));
    assert_int_equal(read.count, 3);
    json_decref(plan);
    rb_record_list_release(&read);
}

static void a_failing_write_leaves_the_old_files(void **state) {
    rb_report report = make_report(*state);
    char temporary[PATH_SIZE];
    rb_error why = {""};
    assert_ok(rb_report_write(&report, &err));
    put(&report.records, make_record(&record_rows[0], "new", 1, 1, 1));
    struct rlimit old, full = {64, RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    full.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0); /* stands for a full disk */
    const rb_status status = rb_report_write(&report, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, RB_ERR_OUTPUT);
    assert_sentence(why);
    assert_contains(why.message, path_of(state, RB_REPORT_JSON, temporary));
    assert_whole_old_report(state);
    assert_int_equal(entries_of(*state), 3);
    report.directory = "/tmp/resbench-test-no-such-directory";
    assert_int_equal(rb_report_write(&report, &why), RB_ERR_OUTPUT);
    release(&report);
}

/* Names of cells say more than they did; the rows of a file still belong to its records. */
static void names_of_another_time_keep_their_samples(void **state) {
    rb_report report = make_report(*state);
    char path[PATH_SIZE];
    size_t size, renamed = 0;
    rb_record_list read;
    json_t *plan;
    assert_ok(rb_report_write(&report, &err));
    char *text = load(path_of(state, RB_REPORT_JSON, path), &size);
    for (char *at = text; (at = strstr(at, "/size:224x224")); renamed++)
        memmove(at, at + strlen("/size:224x224"), strlen(at + strlen("/size:224x224")) + 1);
    assert_in_range(renamed, report.records.count, SIZE_MAX);
    save(path, text, strlen(text));
    free(text);
    assert_ok(rb_report_read(*state, &plan, &read, &err));
    assert_int_equal(read.count, report.records.count);
    for (size_t i = 0; i < read.count; i++)
        assert_same_record(&report.records.items[i], &read.items[i]);
    json_decref(plan);
    rb_record_list_release(&read);
    release(&report);
}

static void put_text(void **state, const char *text) {
    char path[PATH_SIZE];
    save(path_of(state, RB_REPORT_JSON, path), text, strlen(text));
}

static void what_is_no_report_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"benchmarks\": [], \"context\": {}}",
        "{\"resbench\": {\"schema_version\": 3, \"records\": []}}",
        "{\"resbench\": {\"schema_version\": \"2\", \"records\": []}}",
        "{\"resbench\": {\"schema_version\": 2, \"records\": [{}]}}",
        "{\"resbench\": {\"schema_version\": 2, \"records\": [7]}}",
        "{\"resbench\": {\"schema_version\": 2, \"records\": [{\"verdict\": \"GREAT\"}]}}",
        "{\"resbench\": {\"schema_version\": 2, \"records\": [{\"verdict\": \"PASS\"}]}}",
    };
    char path[PATH_SIZE];
    for (int i = -1; i < (int)COUNT(texts); i++) { /* -1: no file at all */
        rb_record_list read = {.count = 7};
        json_t dummy, *plan = &dummy;
        rb_error why = {""};
        if (i >= 0)
            put_text(state, texts[i]);
        if (rb_report_read(*state, &plan, &read, &why) != RB_ERR_INPUT)
            fail_msg("'%s' is read", i < 0 ? "nothing" : texts[i]);
        assert_null(plan);
        assert_int_equal(read.count, 0);
        assert_contains(why.message, path_of(state, RB_REPORT_JSON, path));
    }
}

/* A record with a member of the wrong kind, too long or out of range is named. */
static void altered_records_are_refused(void **state) {
    char note[400] = "";
    memset(note, 'n', sizeof note - 1);
    struct {
        const char *member;
        json_t *value;
    } cases[] = {{"macs", json_string("many")},
                 {"macs", json_real(1.5)},
                 {"threads", json_integer((json_int_t)1 << 40)},
                 {"network", json_integer(50)},
                 {"note", json_string(note)},
                 {"rel_l2", json_string("NaN")},
                 {"batch", json_null()}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_report report = make_report(*state);
        rb_record record;
        rb_error why = {""};
        json_t *object = rb_record_to_json(&report.records.items[0]);
        assert_ok(rb_record_from_json(object, &record, &err));
        json_object_set_new(object, cases[i].member, cases[i].value);
        assert_int_equal(rb_record_from_json(object, &record, &why), RB_ERR_INPUT);
        assert_contains(why.message, cases[i].member);
        json_decref(object);
        release(&report);
    }
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_directory(records_come_back_as_they_were),
        in_directory(rows_have_google_benchmarks_schema),
        in_directory(a_single_sample_has_whole_rows),
        in_directory(a_note_in_latin1_does_not_lose_the_run),
        in_directory(a_failing_write_leaves_the_old_files),
        in_directory(names_of_another_time_keep_their_samples),
        in_directory(what_is_no_report_is_refused),
        in_directory(altered_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
