#include "bench/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/engine_loader.h"

const rb_tier rb_tier_quick = {.name = "quick",
                               .workers = 2,
                               .turns = 2,
                               .turn_seconds = 0.4,
                               .min_repetitions = 3,
                               .warmup_seconds = 0.05,
                               .images = 8};
const rb_tier rb_tier_normal = {.name = "normal",
                                .workers = 3,
                                .turns = 4,
                                .turn_seconds = 1,
                                .min_repetitions = 4,
                                .warmup_seconds = 0.2,
                                .images = 32};
const rb_tier rb_tier_full = {.name = "full",
                              .workers = 5,
                              .turns = 6,
                              .turn_seconds = 2,
                              .min_repetitions = 5,
                              .warmup_seconds = 0.5,
                              .images = 0};

/* Cuts the next word off a comma-separated list; false at its end. A word too long for the
 * buffer, and so for any name or number, comes back cut and marked, which makes it invalid. */
static bool next_word(const char **list, char *word, size_t capacity) {
    const size_t length = strcspn(*list, ",");
    if (**list == '\0')
        return false;
    snprintf(word, capacity, length < capacity ? "%.*s" : "%.*s...",
             (int)(length < capacity ? length : 12), *list);
    *list += length + ((*list)[length] == ',');
    return true;
}

rb_status rb_plan_add_networks(rb_plan *plan, const char *list, rb_error *err) {
    char word[64], name[80];
    while (next_word(&list, word, sizeof word)) {
        const bool number = word[0] >= '0' && word[0] <= '9';
        snprintf(name, sizeof name, "%s%s", number ? "resnet" : "", word);
        if (plan->network_count == RB_MAX_NETWORKS)
            return rb_fail(err, RB_ERR_USAGE, "more than %d networks", RB_MAX_NETWORKS);
        const rb_network *network;
        const rb_status status = rb_network_find(name, &network, err);
        if (status != RB_OK)
            return status;
        for (size_t i = 0; i < plan->network_count; i++)
            if (plan->networks[i] == network)
                return rb_fail(err, RB_ERR_USAGE, "network %s is named twice", name);
        plan->networks[plan->network_count++] = network;
    }
    return RB_OK;
}

static bool is_same_file(const char *a, const char *b) {
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

/* Truth and speed-up hang on these two names: a stranger may not take them. */
static bool is_reserved(const rb_plan_engine *engine) {
    static const char *const names[] = {"oracle", "reference"};
    char own[RB_PATH_CAPACITY];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(engine->label, names[i]) == 0)
            return rb_engine_find_own(names[i], own, NULL) != RB_OK ||
                   !is_same_file(own, engine->path);
    return false;
}

/* A label is in tables, files and keys of rows. */
static bool is_label(const char *text, size_t length) {
    if (length == 0 || length >= sizeof((rb_plan_engine *)NULL)->label)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._+-", text[i]))
            return false;
    return true;
}

/* "label=engine": cuts the label off. A '=' behind a '/' belongs to a path. */
static rb_status take_label(const char **word, rb_plan_engine *engine, rb_error *err) {
    const char *equals = strchr(*word, '='), *slash = strchr(*word, '/');
    engine->label[0] = '\0';
    if (!equals || (slash && slash < equals))
        return RB_OK;
    const size_t length = (size_t)(equals - *word);
    if (!is_label(*word, length))
        return rb_fail(err, RB_ERR_USAGE,
                       "'%.100s': a label has 1 to %zu letters, digits and . _ + - before its '='",
                       *word, sizeof engine->label - 1);
    snprintf(engine->label, sizeof engine->label, "%.*s", (int)length, *word);
    *word = equals + 1;
    return RB_OK;
}

static bool is_taken(const rb_plan *plan, const char *label) {
    for (size_t i = 0; i < plan->engine_count; i++)
        if (strcmp(plan->engines[i].label, label) == 0)
            return true;
    return false;
}

/* Two builds of one engine have files of one name. The first keeps it; the next is name#2. */
static rb_status number_label(const rb_plan *plan, rb_plan_engine *engine, rb_error *err) {
    char label[sizeof engine->label];
    for (size_t i = 0; i < plan->engine_count; i++)
        if (is_same_file(plan->engines[i].path, engine->path))
            return rb_fail(err, RB_ERR_USAGE,
                           "two engines are called %s, and are one file; NAME=%s names it anew",
                           engine->label, engine->label);
    for (size_t number = 2; number <= plan->engine_count + 1; number++) {
        if (snprintf(label, sizeof label, "%s#%zu", engine->label, number) >= (int)sizeof label)
            break;
        if (!is_taken(plan, label)) {
            strcpy(engine->label, label);
            return RB_OK;
        }
    }
    return rb_fail(err, RB_ERR_USAGE, "two engines are called %s", engine->label);
}

static rb_status add_engine(rb_plan *plan, const char *word, rb_error *err) {
    rb_plan_engine *engine = &plan->engines[plan->engine_count];
    rb_status status = take_label(&word, engine, err);
    const bool given = engine->label[0] != '\0';
    if (status == RB_OK)
        status = rb_engine_find(word, engine->path, err);
    if (status == RB_OK)
        status = rb_digest_files((const char *const[]){engine->path}, 1, engine->sha256, err);
    if (status != RB_OK)
        return status;
    if (!given)
        rb_engine_label(word, engine->label, sizeof engine->label);
    if (is_reserved(engine))
        return rb_fail(
            err, RB_ERR_USAGE,
            "%s: the name %s is kept for an engine of resbench; label=%s gives it another",
            engine->path, engine->label, engine->path);
    if (is_taken(plan, engine->label)) {
        if (given)
            return rb_fail(err, RB_ERR_USAGE, "two engines are called %s", engine->label);
        status = number_label(plan, engine, err);
    }
    plan->engine_count += status == RB_OK;
    return status;
}

rb_status rb_plan_add_engines(rb_plan *plan, const char *list, rb_error *err) {
    char word[RB_PATH_CAPACITY];
    while (next_word(&list, word, sizeof word)) {
        if (plan->engine_count == RB_MAX_ENGINES)
            return rb_fail(err, RB_ERR_USAGE, "more than %d engines", RB_MAX_ENGINES);
        const rb_status status = add_engine(plan, word, err);
        if (status != RB_OK)
            return status;
    }
    return RB_OK;
}

rb_status rb_plan_find_engine(const char *word, rb_plan_engine *engine, rb_error *err) {
    rb_plan list = {0};
    const rb_status status = rb_plan_add_engines(&list, word, err);
    if (status == RB_OK && list.engine_count != 1)
        return rb_fail(err, RB_ERR_USAGE,
                       list.engine_count ? "'%s' is more than one engine"
                                         : "'%s' does not name an engine",
                       word);
    *engine = list.engines[0];
    return status;
}

rb_status rb_plan_add_batches(rb_plan *plan, const char *list, rb_error *err) {
    char word[32];
    while (next_word(&list, word, sizeof word)) {
        char *end;
        errno = 0;
        const long long batch = strtoll(word, &end, 10);
        if (errno || *end || batch < 1 || batch > 65536)
            return rb_fail(err, RB_ERR_USAGE, "'%s' is not a batch size (1..65536)", word);
        if (plan->batch_count == RB_MAX_BATCHES)
            return rb_fail(err, RB_ERR_USAGE, "more than %d batch sizes", RB_MAX_BATCHES);
        for (size_t i = 0; i < plan->batch_count; i++)
            if (plan->batches[i] == batch)
                return rb_fail(err, RB_ERR_USAGE, "batch size %lld is named twice", batch);
        plan->batches[plan->batch_count++] = batch;
    }
    return RB_OK;
}

rb_status rb_plan_add_modes(rb_plan *plan, const char *list, rb_error *err) {
    char word[32];
    while (next_word(&list, word, sizeof word)) {
        rb_latency_mode mode = RB_LATENCY_STEADY;
        const rb_status status = rb_latency_mode_parse(word, &mode, err);
        if (status != RB_OK)
            return status;
        for (size_t i = 0; i < plan->mode_count; i++)
            if (plan->modes[i] == mode)
                return rb_fail(err, RB_ERR_USAGE, "mode %s is named twice", word);
        plan->modes[plan->mode_count++] = mode;
    }
    return RB_OK;
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

json_t *rb_plan_identity(const rb_plan *plan, const json_t *machine) {
    static const char *const of_machine[] = {"cpu_model", "num_cpus", "cpu_quota",
                                             "openmp_settings"};
    json_t *identity = json_object();
    for (size_t i = 0; i < sizeof of_machine / sizeof of_machine[0]; i++)
        json_object_set(identity, of_machine[i], json_object_get(machine, of_machine[i]));
    json_object_set_new(identity, "in_process", json_boolean(plan->worker.in_process));
    json_object_set_new(identity, "images_sha256", json_string(plan->images_sha256));
    json_object_set_new(identity, "resbench", json_string(RB_VERSION));
    json_object_set_new(identity, "tier", json_string(plan->tier->name));
    json_object_set_new(identity, "threads", json_integer(plan->threads));
    json_object_set_new(identity, "height", json_integer(plan->height));
    json_object_set_new(identity, "width", json_integer(plan->width));
    json_object_set_new(identity, "weights", text_or_null(plan->weights));
    json_object_set_new(identity, "images", text_or_null(plan->images));
    json_object_set_new(identity, "seed", json_integer((json_int_t)plan->seed));
    return identity;
}
