#include "bench/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/engine_loader.h"
#include "bench/machine.h"
#include "bench/number_list.h"
#include "bench/peer.h"
#include "model/graph_build.h"

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

static rb_status add_network(rb_plan *plan, const rb_network *network, rb_error *err) {
    for (size_t i = 0; i < plan->network_count; i++)
        if (plan->networks[i] == network)
            return rb_fail(err, RB_ERR_USAGE, "network %s is named twice", network->name);
    if (plan->network_count == RB_MAX_NETWORKS)
        return rb_fail(err, RB_ERR_USAGE, "more than %d networks", RB_MAX_NETWORKS);
    plan->networks[plan->network_count++] = network;
    return RB_OK;
}

/* One of the networks that a range of depths stands for: resnet50, and neither resnet50-v1 nor the
 * networks for CIFAR-10. */
static bool has_range_depth(const rb_network *network) {
    char name[32];
    snprintf(name, sizeof name, "resnet%d", network->depth);
    return network->stem == RB_STEM_IMAGENET && strcmp(network->name, name) == 0;
}

static rb_status add_depths(rb_plan *plan, const char *word, const rb_number_range *range,
                            rb_error *err) {
    size_t count;
    bool any = false;
    const rb_network *table = rb_network_table(&count);
    for (size_t i = 0; i < count; i++)
        if (has_range_depth(&table[i]) && table[i].depth >= range->first &&
            table[i].depth <= range->last) {
            const rb_status status = add_network(plan, &table[i], err);
            if (status != RB_OK)
                return status;
            any = true;
        }
    if (!any)
        return rb_fail(err, RB_ERR_USAGE, "'%s': no network for ImageNet has such a depth", word);
    return RB_OK;
}

/* "18-152"; not "50-v1". */
static bool is_depth_range(const char *word) {
    const char *dash = word + strspn(word, "0123456789");
    return dash > word && dash[0] == '-' && dash[1] >= '0' && dash[1] <= '9';
}

static rb_status add_networks(rb_plan *plan, const char *word, rb_error *err) {
    static const rb_number_rules depths = {.what = "depth", .low = 1, .high = 100000};
    const bool number = word[0] >= '0' && word[0] <= '9';
    rb_status status = RB_OK;
    if (strcmp(word, "all") == 0) {
        size_t count;
        const rb_network *table = rb_network_table(&count);
        for (size_t i = 0; status == RB_OK && i < count; i++)
            status = add_network(plan, &table[i], err);
        return status;
    }
    if (is_depth_range(word)) {
        rb_number_range range;
        status = rb_number_range_parse(word, &depths, &range, err);
        if (status == RB_OK && (range.step != 1 || range.multiply))
            return rb_fail(err, RB_ERR_USAGE, "'%s': a range of depths has no step", word);
        return status == RB_OK ? add_depths(plan, word, &range, err) : status;
    }
    char name[80];
    const rb_network *network;
    snprintf(name, sizeof name, "%s%s", number ? "resnet" : "", word);
    status = rb_network_find(name, &network, err);
    return status == RB_OK ? add_network(plan, network, err) : status;
}

rb_status rb_plan_add_networks(rb_plan *plan, const char *list, rb_error *err) {
    char word[64];
    rb_status status = RB_OK;
    while (status == RB_OK && rb_list_next(&list, word, sizeof word))
        status = add_networks(plan, word, err);
    return status;
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

/* The file behind a word, and what decides whether it is still the same. */
static rb_status find_file(const char *word, rb_plan_engine *engine, rb_error *err) {
    if (rb_peer_is_named(word)) {
        const rb_status status = rb_peer_find(word, engine->path, err);
        return status == RB_OK ? rb_peer_digest(engine->path, engine->sha256, err) : status;
    }
    const rb_status status = rb_engine_find(word, engine->path, err);
    return status == RB_OK
               ? rb_digest_files((const char *const[]){engine->path}, 1, engine->sha256, err)
               : status;
}

static rb_status add_engine(rb_plan *plan, const char *word, rb_error *err) {
    rb_plan_engine *engine = &plan->engines[plan->engine_count];
    rb_status status = take_label(&word, engine, err);
    const bool given = engine->label[0] != '\0';
    if (status == RB_OK)
        status = find_file(word, engine, err);
    if (status != RB_OK)
        return status;
    if (!given && rb_peer_is_script(engine->path))
        rb_peer_label(engine->path, engine->label, sizeof engine->label);
    else if (!given)
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
    while (rb_list_next(&list, word, sizeof word)) {
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

rb_status rb_plan_refuse_peers(const rb_plan_engine *engines, size_t count, const char *advice,
                               rb_error *err) {
    for (size_t i = 0; i < count; i++)
        if (rb_peer_is_script(engines[i].path))
            return rb_fail(err, RB_ERR_USAGE,
                           "%s is a peer, which runs whole networks in a process of its own: %s",
                           engines[i].label, advice);
    return RB_OK;
}

void rb_plan_ask_versions(rb_plan *plan) {
    for (size_t i = 0; i < plan->engine_count; i++)
        if (rb_peer_is_script(plan->engines[i].path))
            rb_peer_version(plan->engines[i].path, plan->worker.timeout_seconds,
                            plan->engines[i].version, sizeof plan->engines[i].version);
}

rb_status rb_plan_add_batches(rb_plan *plan, const char *list, rb_error *err) {
    static const rb_number_rules rules = {.what = "batch size", .low = 1, .high = 65536};
    return rb_number_list_add(list, &rules, plan->batches, &plan->batch_count, RB_MAX_BATCHES, err);
}

rb_status rb_plan_add_threads(rb_plan *plan, const char *list, rb_error *err) {
    const rb_number_rules rules = {.what = "number of threads",
                                   .low = 1,
                                   .high = RB_MAX_THREADS,
                                   .all = rb_machine_processor_count()};
    return rb_number_list_add(list, &rules, plan->threads, &plan->thread_count,
                              RB_MAX_THREAD_COUNTS, err);
}

void rb_plan_say_threads(const rb_plan *plan, char text[RB_THREADS_TEXT_CAPACITY]) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t t = 0; t < plan->thread_count; t++)
        used += (size_t)snprintf(text + used, RB_THREADS_TEXT_CAPACITY - used, "%s%lld",
                                 t ? "," : "", (long long)plan->threads[t]);
}

static rb_status add_size(rb_plan *plan, int64_t height, int64_t width, rb_error *err) {
    for (size_t i = 0; i < plan->size_count; i++)
        if (plan->sizes[i].height == height && plan->sizes[i].width == width)
            return rb_fail(err, RB_ERR_USAGE, "size %lldx%lld is named twice", (long long)height,
                           (long long)width);
    if (plan->size_count == RB_MAX_SIZES)
        return rb_fail(err, RB_ERR_USAGE, "more than %d sizes", RB_MAX_SIZES);
    plan->sizes[plan->size_count++] = (rb_plan_size){height, width};
    return RB_OK;
}

/* "160x192": height and width, both numbers. */
static rb_status add_sides(rb_plan *plan, const char *word, const rb_number_rules *rules,
                           rb_error *err) {
    char height[64];
    const char *width = strchr(word, 'x') + 1;
    rb_number_range high, wide;
    snprintf(height, sizeof height, "%.*s", (int)(width - word - 1), word);
    if (rb_number_range_parse(height, rules, &high, NULL) != RB_OK || high.first != high.last ||
        rb_number_range_parse(width, rules, &wide, NULL) != RB_OK || wide.first != wide.last)
        return rb_fail(err, RB_ERR_USAGE,
                       "'%s' is not a size: HEIGHTxWIDTH, each from %d to %d, or N or a range of "
                       "squares such as 128-256:32",
                       word, RB_MIN_IMAGE_SIZE, RB_MAX_IMAGE_SIZE);
    return add_size(plan, high.first, wide.first, err);
}

static rb_status add_sizes(rb_plan *plan, const char *word, rb_error *err) {
    static const rb_number_rules rules = {
        .what = "side of an input", .low = RB_MIN_IMAGE_SIZE, .high = RB_MAX_IMAGE_SIZE};
    rb_number_range range;
    int64_t side = 0;
    const char *cross = strchr(word, 'x'), *colon = strchr(word, ':');
    if (cross && !colon)
        return add_sides(plan, word, &rules, err);
    rb_status status = rb_number_range_parse(word, &rules, &range, err);
    while (status == RB_OK && rb_number_range_next(&range, &side))
        status = add_size(plan, side, side, err);
    return status;
}

rb_status rb_plan_add_sizes(rb_plan *plan, const char *list, rb_error *err) {
    char word[64];
    rb_status status = RB_OK;
    if (*list == '\0')
        return rb_fail(err, RB_ERR_USAGE, "an empty list of sizes");
    while (status == RB_OK && rb_list_next(&list, word, sizeof word))
        status = add_sizes(plan, word, err);
    return status;
}

rb_status rb_plan_add_modes(rb_plan *plan, const char *list, rb_error *err) {
    char word[32];
    while (rb_list_next(&list, word, sizeof word)) {
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

/* "compact", or the processors in the order in which they are taken. */
static json_t *affinity_of(const rb_affinity *affinity) {
    if (affinity->kind != RB_AFFINITY_LIST)
        return json_string(rb_affinity_name(affinity->kind));
    json_t *list = json_array();
    for (int i = 0; i < affinity->count; i++)
        json_array_append_new(list, json_integer(affinity->processors[i]));
    return list;
}

/* What is split: a cell is of one shard or another by all of it. */
static json_t *cells_of(const rb_plan *plan) {
    json_t *networks = json_array(), *sizes = json_array(), *batches = json_array(),
           *threads = json_array(), *engines = json_array(), *modes = json_array();
    for (size_t i = 0; i < plan->network_count; i++)
        json_array_append_new(networks, json_string(plan->networks[i]->name));
    for (size_t i = 0; i < plan->size_count; i++)
        json_array_append_new(sizes, json_pack("[I, I]", (json_int_t)plan->sizes[i].height,
                                               (json_int_t)plan->sizes[i].width));
    for (size_t i = 0; i < plan->batch_count; i++)
        json_array_append_new(batches, json_integer((json_int_t)plan->batches[i]));
    for (size_t i = 0; i < plan->thread_count; i++)
        json_array_append_new(threads, json_integer((json_int_t)plan->threads[i]));
    for (size_t i = 0; i < plan->engine_count; i++)
        json_array_append_new(engines, json_string(plan->engines[i].label));
    for (size_t i = 0; i < plan->mode_count; i++)
        json_array_append_new(modes, json_string(rb_latency_mode_name(plan->modes[i])));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "networks", networks, "sizes", sizes,
                     "batches", batches, "threads", threads, "engines", engines, "modes", modes);
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
    json_object_set_new(identity, "scenario", json_string(rb_scenario_name(plan->scenario)));
    json_object_set_new(identity, "percentile", json_real(plan->percentile));
    json_object_set_new(identity, "affinity", affinity_of(&plan->affinity));
    json_object_set_new(identity, "tier", json_string(plan->tier->name));
    json_object_set_new(identity, "weights", text_or_null(plan->weights));
    json_object_set_new(identity, "images", text_or_null(plan->images));
    if (plan->shard.count > 0) {
        char shard[32];
        snprintf(shard, sizeof shard, "%d/%d", plan->shard.index, plan->shard.count);
        json_object_set_new(identity, "shard", json_string(shard));
        json_object_set_new(identity, "shard_of", cells_of(plan));
    }
    json_object_set_new(identity, "seed", json_integer((json_int_t)plan->seed));
    return identity;
}
