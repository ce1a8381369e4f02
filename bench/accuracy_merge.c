#include "bench/accuracy_merge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "bench/accuracy_judge.h"
#include "results/accuracy_file.h"
#include "results/report.h"
#include "results/report_file.h"

typedef struct input {
    char path[RB_PATH_CAPACITY]; /* of the file */
    rb_accuracy_part part;
} input;

static bool is_directory(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static bool is_there(const char *directory, const char *name) {
    char path[RB_PATH_CAPACITY];
    return rb_path_in(directory, name, path, NULL) == RB_OK && access(path, F_OK) == 0;
}

bool rb_accuracy_merge_wants(const char *path) {
    if (is_directory(path))
        return is_there(path, RB_ACCURACY_IMAGES) && !is_there(path, RB_REPORT_JSON);
    json_t *root = json_load_file(path, 0, NULL);
    const bool wants = json_object_get(root, "identity") && !json_object_get(root, "benchmarks");
    json_decref(root);
    return wants;
}

static rb_status load(const char *given, input *in, rb_error *err) {
    const rb_status status = rb_report_find(given, RB_ACCURACY_IMAGES, in->path, err);
    return status == RB_OK ? rb_accuracy_part_load(in->path, &in->part, err) : status;
}

static int by_first_image(const void *a, const void *b) {
    const rb_accuracy *x = &(*(input *const *)a)->part.accuracy;
    const rb_accuracy *y = &(*(input *const *)b)->part.accuracy;
    return (x->first > y->first) - (x->first < y->first);
}

/* A member of the identity in a few characters. */
static void show_member(const json_t *member, char text[80]) {
    char *dumped = member ? json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    snprintf(text, 80, "%.72s%s", dumped ? dumped : "missing",
             dumped && strlen(dumped) > 72 ? "..." : "");
    free(dumped);
}

static bool may_differ(const char *member) {
    return strcmp(member, "first_image") == 0 || strcmp(member, "images") == 0 ||
           strcmp(member, "cpu_model") == 0;
}

static rb_status check_likeness(const input *a, const input *b, rb_error *err) {
    const json_t *one = a->part.accuracy.identity, *other = b->part.accuracy.identity;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)one, key, value) {
        char left[80], right[80];
        const json_t *found = json_object_get(other, key);
        if (may_differ(key) || json_equal(value, found))
            continue;
        size_t i = 0; /* of lists, what differs first */
        while (json_is_array(value) && json_array_size(value) == json_array_size(found) &&
               json_equal(json_array_get(value, i), json_array_get(found, i)))
            i++;
        show_member(json_is_array(value) ? json_array_get(value, i) : value, left);
        show_member(json_is_array(found) ? json_array_get(found, i) : found, right);
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s and %s are not parts of one job: %s is %s in the first and %s in the "
                       "second",
                       a->path, b->path, key, left, right);
    }
    for (size_t e = 0; e < a->part.accuracy.engine_count; e++) {
        const rb_accuracy_engine *x = &a->part.accuracy.engines[e];
        const rb_accuracy_engine *y = &b->part.accuracy.engines[e];
        if (x->version[0] && y->version[0] && strcmp(x->version, y->version) != 0)
            return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                           "%s and %s are not parts of one job: the version of %s is %s in the "
                           "first and %s in the second",
                           a->path, b->path, x->engine, x->version, y->version);
    }
    return RB_OK;
}

/* An engine that is neither done nor failed: the part was interrupted. */
static rb_status check_finished(const input *in, rb_error *err) {
    const rb_accuracy *accuracy = &in->part.accuracy;
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        const rb_accuracy_engine *engine = &accuracy->engines[e];
        if (engine->failure == RB_VERDICT_NONE && engine->done < accuracy->count)
            return rb_fail(err, RB_ERR_INPUT,
                           "%s: %s has done %lld of %lld images: finish it with 'resbench accuracy "
                           "--resume', or merge with --partial",
                           in->path, engine->engine, (long long)engine->done,
                           (long long)accuracy->count);
    }
    return RB_OK;
}

static void add_range(char *text, size_t capacity, int64_t first, int64_t end) {
    const size_t used = strlen(text);
    if (first < end)
        snprintf(text + used, capacity - used, "%s%lld..%lld", used ? ", " : "", (long long)first,
                 (long long)end - 1);
}

/* The parts, in order, have every image once. */
static rb_status check_ranges(input *const *parts, size_t count, bool partial, rb_error *err) {
    char missing[256] = "";
    const rb_accuracy *first = &parts[0]->part.accuracy;
    int64_t end = partial ? first->first : 0;
    for (size_t i = 0; i < count; i++) {
        const rb_accuracy *accuracy = &parts[i]->part.accuracy;
        if (accuracy->first < end && i > 0)
            return rb_fail(err, RB_ERR_INPUT, "%s and %s both have image %lld", parts[i - 1]->path,
                           parts[i]->path, (long long)accuracy->first);
        add_range(missing, sizeof missing, end, accuracy->first);
        end = accuracy->first + accuracy->count;
    }
    if (!partial)
        add_range(missing, sizeof missing, end, first->whole);
    if (missing[0])
        return rb_fail(err, RB_ERR_INPUT, "images %s of %lld are in none of the files%s", missing,
                       (long long)first->whole,
                       partial ? ": --partial needs images that follow each other"
                               : "; --partial merges what is there");
    return RB_OK;
}

static rb_status check_all(input *const *parts, size_t count, bool partial, rb_error *err) {
    rb_status status = RB_OK;
    for (size_t i = 1; status == RB_OK && i < count; i++)
        status = check_likeness(parts[0], parts[i], err);
    if (status == RB_OK)
        status = check_ranges(parts, count, partial, err);
    for (size_t i = 0; status == RB_OK && i < count && !partial; i++)
        status = check_finished(parts[i], err);
    return status;
}

static const char *name_of(void *ctx, int64_t image) {
    const rb_accuracy_merged *merged = ctx;
    const char *name =
        json_string_value(json_array_get(merged->names, (size_t)(image - merged->accuracy.first)));
    return name ? name : "";
}

/* What engine e of a part has to add to the engine of the whole; nothing behind its end. */
static void append_engine(const rb_accuracy *part, size_t e, rb_accuracy *whole) {
    const rb_accuracy_engine *from = &part->engines[e];
    rb_accuracy_engine *to = &whole->engines[e];
    if (to->failure != RB_VERDICT_NONE || to->done != part->first - whole->first)
        return;
    memcpy(to->images + to->done, from->images, (size_t)from->done * sizeof *from->images);
    to->done += from->done;
    to->call_ns += from->call_ns;
    to->called_images += from->called_images;
    to->failure = from->failure;
    memcpy(to->failure_note, from->failure_note, sizeof to->failure_note);
    if (from->version[0])
        memcpy(to->version, from->version, sizeof to->version);
}

static void append_notes(const rb_accuracy *part, rb_accuracy *whole) {
    for (size_t n = 0; n < part->note_count; n++) {
        bool is_new = true;
        for (size_t m = 0; m < whole->note_count && is_new; m++)
            is_new = strcmp(whole->notes[m], part->notes[n]) != 0;
        if (is_new)
            rb_accuracy_add_note(whole, "%s", part->notes[n]);
    }
}

static void append_name(const rb_accuracy *part, int64_t image, json_t *names) {
    char *name = strdup(part->name(part->name_ctx, image));
    if (name)
        rb_text_clean(name);
    json_array_append_new(names, json_string(name ? name : ""));
    free(name);
}

static void append(const rb_accuracy *part, rb_accuracy_merged *merged) {
    rb_accuracy *whole = &merged->accuracy;
    const int64_t at = part->first - whole->first;
    memcpy(merged->labels + at, part->labels, (size_t)part->count * sizeof *part->labels);
    for (int64_t i = 0; i < part->count; i++)
        append_name(part, part->first + i, merged->names);
    for (size_t e = 0; e < whole->engine_count; e++)
        append_engine(part, e, whole);
    whole->moved_rel_l2 = fmax(whole->moved_rel_l2, part->moved_rel_l2);
    append_notes(part, whole);
}

/* "AMD ..., Intel ...": those of all parts, each once. */
static void add_context(input *const *parts, size_t count, rb_accuracy *whole) {
    char date[32], models[240] = "";
    const time_t now = time(NULL);
    struct tm parts_of_time;
    size_t different = 0;
    gmtime_r(&now, &parts_of_time);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts_of_time);
    for (size_t i = 0; i < count; i++) {
        const json_t *identity = parts[i]->part.accuracy.identity;
        const char *model = json_string_value(json_object_get(identity, "cpu_model"));
        const size_t used = strlen(models);
        if (!model)
            model = "an unknown processor";
        bool is_new = true;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = !json_equal(json_object_get(parts[j]->part.accuracy.identity, "cpu_model"),
                                 json_object_get(identity, "cpu_model"));
        if (is_new && ++different > 0)
            snprintf(models + used, sizeof models - used, "%s%s", used ? ", " : "", model);
    }
    whole->context = json_pack("{s:s, s:s, s:I}", "date", date, "cpu_model", models, "merged_files",
                               (json_int_t)count);
    if (different > 1)
        rb_accuracy_add_note(whole,
                             "parts are of different processors, on which an engine may have "
                             "chosen different kernels: %s",
                             models);
}

static rb_status begin(input *const *parts, size_t count, rb_accuracy_merged *merged,
                       rb_error *err) {
    const rb_accuracy *first = &parts[0]->part.accuracy, *last = &parts[count - 1]->part.accuracy;
    rb_accuracy *whole = &merged->accuracy;
    *whole = (rb_accuracy){.count = last->first + last->count - first->first,
                           .first = first->first,
                           .whole = first->whole,
                           .classes = first->classes,
                           .batch = first->batch,
                           .engine_count = first->engine_count,
                           .name = name_of,
                           .name_ctx = merged};
    memcpy(whole->network, first->network, sizeof whole->network);
    for (size_t e = 0; e < whole->engine_count; e++)
        memcpy(whole->engines[e].engine, first->engines[e].engine, sizeof whole->engines[e].engine);
    merged->labels = malloc((size_t)whole->count * sizeof *merged->labels);
    merged->names = json_array();
    merged->data = strdup(first->data);
    if (!merged->labels || !merged->names || !merged->data)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %lld images", (long long)whole->count);
    whole->labels = merged->labels;
    whole->data = merged->data;
    whole->identity = json_deep_copy(first->identity);
    json_object_set_new(whole->identity, "images", json_integer(whole->count));
    return rb_accuracy_allocate(whole, err);
}

static rb_status join(input *const *parts, size_t count, rb_accuracy_merged *merged,
                      rb_error *err) {
    const rb_status status = begin(parts, count, merged, err);
    if (status != RB_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        append(&parts[i]->part.accuracy, merged);
    add_context(parts, count, &merged->accuracy);
    rb_accuracy_entitle(&merged->accuracy);
    rb_accuracy_judge(&merged->accuracy);
    return RB_OK;
}

rb_status rb_accuracy_merge(const char *const *paths, size_t count, bool partial,
                            rb_accuracy_merged *merged, rb_error *err) {
    rb_status status = RB_OK;
    input *inputs = calloc(count, sizeof *inputs), **parts = calloc(count, sizeof *parts);
    *merged = (rb_accuracy_merged){0};
    if (!inputs || !parts)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %zu files", count);
    for (size_t i = 0; status == RB_OK && i < count; i++) {
        status = load(paths[i], &inputs[i], err);
        parts[i] = &inputs[i];
    }
    if (status == RB_OK) {
        qsort(parts, count, sizeof *parts, by_first_image);
        status = check_all(parts, count, partial, err);
    }
    if (status == RB_OK)
        status = join(parts, count, merged, err);
    if (status != RB_OK)
        rb_accuracy_merged_release(merged);
    for (size_t i = 0; inputs && i < count; i++)
        rb_accuracy_part_release(&inputs[i].part);
    free(parts);
    free(inputs);
    return status;
}

void rb_accuracy_merged_release(rb_accuracy_merged *merged) {
    rb_accuracy_release(&merged->accuracy);
    json_decref(merged->accuracy.context);
    json_decref(merged->accuracy.identity);
    json_decref(merged->names);
    free(merged->labels);
    free(merged->data);
    *merged = (rb_accuracy_merged){0};
}
