/* The files of an accuracy job: what is kept comes back as it was, and what is damaged is refused.
 */
#include "test_accuracy_support.h"

#include <math.h>

#include "bench/accuracy_judge.h"
#include "results/accuracy_file.h"
#include "results/accuracy_report.h"
#include "results/accuracy_tables.h"

#define CLASSES 7
#define IMAGES 22
#define BATCH 4

static const char *const names[] = {"oracle", "reference", "e", NULL};

/* Random logits; the engines are off by a little, and wrong in image 5. "e" stopped after 12. */
static rb_accuracy filled_job(void) {
    rb_accuracy job = make_job(names, IMAGES, CLASSES, BATCH);
    uint64_t seed = 3;
    for (int64_t i = 0; i < IMAGES; i++) {
        double truth[CLASSES], other[CLASSES];
        for (size_t c = 0; c < CLASSES; c++) {
            truth[c] = random_unit(&seed) / 3;
            other[c] = i == 5 ? -truth[c] : truth[c] * (1 + 1e-7 * random_unit(&seed));
        }
        job.engines[0].images[i] = rb_accuracy_score(truth, NULL, CLASSES, job.labels[i]);
        job.engines[1].images[i] = rb_accuracy_score(other, truth, CLASSES, job.labels[i]);
        other[0] = i == 7 ? NAN : other[0];
        if (i == 6) /* its square is no double */
            other[(job.engines[0].images[i].top1 + 1) % CLASSES] = -1e300;
        job.engines[2].images[i] = rb_accuracy_score(other, truth, CLASSES, job.labels[i]);
    }
    job.moved_rel_l2 = 1e-6 / 3;
    for (size_t e = 0; e < 3; e++) {
        rb_accuracy_engine *engine = &job.engines[e];
        snprintf(engine->version, sizeof engine->version, "1.%zu", e);
        engine->done = e < 2 ? IMAGES : 3 * BATCH;
        engine->call_ns = 1e9 / 3;
        engine->called_images = e < 2 ? 24 : 12;
    }
    job.engines[2].failure = RB_VERDICT_TIMEOUT;
    snprintf(job.engines[2].failure_note, sizeof job.engines[2].failure_note, "run: no answer");
    return job;
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b;
}

static void what_is_kept_comes_back(void **state) {
    char path[PATH_SIZE];
    rb_accuracy job = filled_job(), read = make_job(names, IMAGES, CLASSES, BATCH);
    assert_ok(rb_accuracy_images_write(*state, &job, &err));
    assert_int_equal(entries_of(*state), 1);
    assert_ok(rb_accuracy_images_read(*state, &read, &err));
    assert_true(job.moved_rel_l2 == read.moved_rel_l2);
    for (size_t e = 0; e < 3; e++) {
        const rb_accuracy_engine *a = &job.engines[e], *b = &read.engines[e];
        assert_int_equal(a->done, b->done);
        assert_true(a->call_ns == b->call_ns && a->called_images == b->called_images);
        assert_int_equal(a->failure, b->failure);
        assert_string_equal(a->failure_note, b->failure_note);
        assert_string_equal(a->version, b->version);
        for (int64_t i = 0; i < a->done; i++) {
            assert_int_equal(a->images[i].top1, b->images[i].top1);
            assert_int_equal(a->images[i].rank, b->images[i].rank);
            assert_true(same(a->images[i].score, b->images[i].score));
            assert_true(same(a->images[i].margin, b->images[i].margin));
            assert_true(same(a->images[i].oracle_score, b->images[i].oracle_score));
            assert_true(same(a->images[i].max_abs_error, b->images[i].max_abs_error));
            assert_true(same(a->images[i].rel_l2, b->images[i].rel_l2));
        }
    }
    char *before = load(path_of(state, RB_ACCURACY_IMAGES, path), NULL);
    assert_ok(rb_accuracy_images_write(*state, &read, &err));
    char *after = load(path, NULL);
    assert_string_equal(before, after);
    free(before);
    free(after);
    job_release(&job);
    job_release(&read);
}

static rb_status read_into_fresh_job(const char *directory, rb_error *why) {
    rb_accuracy job = make_job(names, IMAGES, CLASSES, BATCH);
    const rb_status status = rb_accuracy_images_read(directory, &job, why);
    job_release(&job);
    return status;
}

static void a_cut_file_is_refused(void **state) {
    char path[PATH_SIZE];
    size_t size;
    rb_accuracy job = filled_job();
    assert_ok(rb_accuracy_images_write(*state, &job, &err));
    char *text = load(path_of(state, RB_ACCURACY_IMAGES, path), &size);
    for (size_t length = 0; length < size; length += 1 + size / 50) {
        rb_error err = {""};
        save(path, text, length);
        assert_int_equal(read_into_fresh_job(*state, &err), RB_ERR_INPUT);
        assert_sentence(err);
        assert_contains(err.message, RB_ACCURACY_IMAGES);
    }
    free(text);
    job_release(&job);
}

/* Changes one member: of the file (engine -1) or of an engine; index: of one of its arrays. */
static rb_status read_changed(void **state, int engine, const char *member, int index,
                              json_t *value, rb_error *why) {
    char path[PATH_SIZE];
    rb_accuracy job = filled_job();
    assert_ok(rb_accuracy_images_write(*state, &job, &err));
    job_release(&job);
    json_t *root = json_load_file(path_of(state, RB_ACCURACY_IMAGES, path), 0, NULL);
    json_t *object =
        engine < 0 ? root : json_array_get(json_object_get(root, "engines"), (size_t)engine);
    if (index >= 0)
        json_array_set_new(json_object_get(object, member), (size_t)index, value);
    else if (value)
        json_object_set_new(object, member, value);
    else
        json_object_del(object, member);
    assert_int_equal(json_dump_file(root, path, 0), 0);
    json_decref(root);
    return read_into_fresh_job(*state, why);
}

static void a_damaged_member_is_refused_by_name(void **state) {
    static const char *const members[] = {
        "engine", "version", "done",   "call_ns",      "called_images", "failure", "failure_note",
        "top1",   "rank",    "margin", "oracle_score", "max_abs_error", "rel_l2",  "score"};
    for (size_t m = 0; m < COUNT(members); m++)
        for (int how = 0; how < 2; how++) {
            rb_error err = {""};
            json_t *value = how ? json_pack("[i]", 1) : NULL; /* missing; of the wrong kind */
            assert_int_equal(read_changed(state, 1, members[m], -1, value, &err), RB_ERR_INPUT);
            assert_sentence(err);
            assert_contains(err.message, members[m]);
        }
}

static void values_that_cannot_be_are_refused(void **state) {
    const struct {
        const char *member;
        int index;
        json_t *value;
    } changes[] = {
        {"done", -1, json_integer(IMAGES + 1)},
        {"done", -1, json_integer(-1)},
        {"done", -1, json_integer(BATCH + 1)}, /* no whole batches */
        {"call_ns", -1, json_integer(-1)},
        {"called_images", -1, json_integer(-1)},
        {"failure", -1, json_string("BORED")},
        {"top1", 3, json_integer(CLASSES)},
        {"top1", 3, json_integer(-2)},
        {"top1", 3, json_real(1)},
        {"top1", 3, json_integer(1LL << 40)},
        {"rank", 3, json_integer(0)},
        {"rank", 4, json_integer(1)}, /* image 4 has no label */
        {"rank", 3, json_integer(CLASSES + 2)},
        {"score", 3, json_string("1")},
        {"score", 3, json_null()},
        {"margin", 3, json_real(-1)},
        {"rel_l2", 3, json_null()},
        {"max_abs_error", 3, json_real(-1)},
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        rb_error err = {""};
        if (read_changed(state, 1, changes[i].member, changes[i].index, changes[i].value, &err) !=
            RB_ERR_INPUT)
            fail_msg("change %zu of %s is not refused", i, changes[i].member);
        assert_contains(err.message, "damaged");
        if (changes[i].index < 0)
            assert_contains(err.message, changes[i].member);
    }
}

static void a_file_of_something_else_is_refused(void **state) {
    rb_error err = {""};
    assert_int_equal(read_changed(state, -1, "schema_version", -1, json_integer(3), &err),
                     RB_ERR_INPUT);
    assert_contains(err.message, "schema version 2");
    assert_int_equal(read_changed(state, -1, "identity", -1, NULL, &err), RB_ERR_INPUT);
    assert_int_equal(read_changed(state, -1, "moved_rel_l2", -1, NULL, &err), RB_ERR_INPUT);
    assert_contains(err.message, "moved_rel_l2");
    assert_int_equal(read_changed(state, -1, "engines", -1, json_array(), &err), RB_ERR_INPUT);
    assert_contains(err.message, "0 engines, expected 3");
}

static void another_identity_is_not_comparable(void **state) {
    rb_error err = {""};
    json_t *other = json_pack("{s:s, s:i}", "weights_sha256", "abd", "batch", BATCH);
    assert_int_equal(read_changed(state, -1, "identity", -1, other, &err), RB_ERR_NOT_COMPARABLE);
    assert_contains(err.message, "weights_sha256");
    assert_null(strstr(err.message, "batch"));
}

static void the_report_has_every_engine_and_every_difference(void **state) {
    char path[PATH_SIZE];
    rb_accuracy job = filled_job();
    rb_accuracy_judge(&job);
    assert_ok(rb_accuracy_report_write(*state, &job, &err));
    assert_int_equal(entries_of(*state), 3);
    char *markdown = load(path_of(state, RB_ACCURACY_MARKDOWN, path), NULL);
    char *csv = load(path_of(state, RB_ACCURACY_CSV, path), NULL);
    json_t *root = json_load_file(path_of(state, RB_ACCURACY_JSON, path), 0, NULL);
    assert_non_null(root);
    for (size_t e = 0; names[e]; e++) {
        char cell[64];
        snprintf(cell, sizeof cell, "\n| %s | ", names[e]);
        assert_contains(markdown, cell);
        snprintf(cell, sizeof cell, "\n%s,", names[e]);
        assert_contains(csv, cell);
    }
    assert_contains(markdown, "oracle and reference: the same top-1 on 21 of 22 images");
    assert_contains(markdown, "image 5 (photo 5, \"x\"): oracle ");
    assert_contains(markdown, "image 7 (photo 7, \"x\"): oracle ");
    assert_contains(csv, "TIMEOUT");
    const json_t *differences = json_object_get(root, "differences");
    assert_int_equal(json_array_size(differences), 3); /* reference: 5; e: 5 and 7 */
    const json_t *last = json_array_get(differences, 2);
    assert_int_equal(json_integer_value(json_object_get(last, "image")), 7);
    assert_true(json_is_null(json_object_get(last, "top1")));
    json_decref(root);
    free(markdown);
    free(csv);
    job_release(&job);
}

/* As large as it gets: 16 engines with long names on a million images. */
static void the_terminal_table_is_not_too_wide(void **state) {
    const char *const longest[] = {"an-engine-with-a-long-name", "oracle", NULL};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    rb_accuracy job = make_job(longest, 1, 1000, 1);
    const double logits[1000] = {12345.678, 1}, other[1000] = {12345.679, 1};
    job.engines[0].images[0] = rb_accuracy_score(other, logits, 1000, 0);
    job.engines[1].images[0] = rb_accuracy_score(logits, NULL, 1000, 0);
    job.engines[0].done = job.engines[1].done = 1;
    job.engines[0].call_ns = 12345;
    job.engines[0].called_images = 1;
    rb_accuracy_judge(&job);
    job.engines[0].verdict = RB_VERDICT_UNSUPPORTED;
    FILE *out = open_memstream(&text, &size);
    rb_accuracy_terminal(&job, out);
    fclose(out);
    for (char *line = strtok(text, "\n"); line && line[0] != 'o'; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 120);
    free(text);
    job_release(&job);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_kept_comes_back, empty_directory),
        cmocka_unit_test_setup(a_cut_file_is_refused, empty_directory),
        cmocka_unit_test_setup(a_damaged_member_is_refused_by_name, empty_directory),
        cmocka_unit_test_setup(values_that_cannot_be_are_refused, empty_directory),
        cmocka_unit_test_setup(a_file_of_something_else_is_refused, empty_directory),
        cmocka_unit_test_setup(another_identity_is_not_comparable, empty_directory),
        cmocka_unit_test_setup(the_report_has_every_engine_and_every_difference, empty_directory),
        cmocka_unit_test(the_terminal_table_is_not_too_wide),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
