#include "bench/accuracy.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/accuracy_block.h"
#include "bench/accuracy_judge.h"
#include "bench/clock.h"
#include "bench/environment.h"
#include "bench/interrupt.h"
#include "results/accuracy_file.h"
#include "results/accuracy_report.h"

#define SAVE_NS 10000000000

static const char *name_of(void *ctx, int64_t image) {
    return rb_image_set_name(ctx, image);
}

/* What two jobs must share so that the second may go on where the first ended. */
static json_t *identify(const rb_accuracy_job *job, const rb_accuracy_source *source,
                        const rb_accuracy *accuracy) {
    char normalisation[RB_PREPROCESS_CAPACITY];
    rb_preprocess values = source->preprocess;
    json_t *identity = json_object(), *engines = json_array();
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    values.resize = 0; /* has been done; what is left is told in full precision */
    rb_preprocess_format(&values, normalisation, sizeof normalisation, NULL);
    for (size_t e = 0; e < job->plan.engine_count; e++)
        json_array_append_new(engines, json_pack("{s:s, s:s}", "engine", job->plan.engines[e].label,
                                                 "sha256", job->plan.engines[e].sha256));
    json_object_set_new(identity, "resbench", json_string(RB_VERSION));
    json_object_set(identity, "cpu_model", json_object_get(accuracy->context, "cpu_model"));
    json_object_set_new(identity, "network", json_string(source->network->name));
    json_object_set_new(identity, "weights_sha256", json_string(source->info.sha256));
    json_object_set_new(identity, "data_sha256", json_string(images->sha256));
    json_object_set_new(identity, "classes", json_integer(accuracy->classes));
    json_object_set_new(identity, "first_image", json_integer(accuracy->first));
    json_object_set_new(identity, "images", json_integer(accuracy->count));
    json_object_set_new(identity, "of_images", json_integer(accuracy->whole));
    json_object_set_new(identity, "normalisation", json_string(normalisation));
    json_object_set_new(identity, "engines", engines);
    json_object_set_new(identity, "batch", json_integer(job->batch));
    json_object_set_new(identity, "threads", json_integer(job->threads));
    json_object_set_new(identity, "in_process", json_boolean(job->plan.worker.in_process));
    return identity;
}

static int64_t least_done(const rb_accuracy *accuracy) {
    int64_t least = accuracy->count;
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (accuracy->engines[e].done < least)
            least = accuracy->engines[e].done;
    return least;
}

/* While the oracle had failed the others went on without it: they go back to the batch from which
 * on they were not compared. */
static void step_back(rb_accuracy *accuracy) {
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    for (size_t e = 0; oracle && e < accuracy->engine_count; e++) {
        rb_accuracy_engine *engine = &accuracy->engines[e];
        int64_t i = 0;
        while (i < engine->done &&
               (engine == oracle || (i < oracle->done && oracle->images[i].top1 < 0) ||
                engine->images[i].top1 < 0 || !isnan(engine->images[i].rel_l2)))
            i++;
        if (i < engine->done)
            engine->done = i / accuracy->batch * accuracy->batch;
    }
}

static rb_status take_over(const char *directory, rb_accuracy *accuracy, rb_error *err) {
    char path[RB_PATH_CAPACITY + 32];
    snprintf(path, sizeof path, "%s/%s", directory, RB_ACCURACY_IMAGES);
    if (access(path, F_OK) != 0)
        return RB_OK;
    const rb_status status = rb_accuracy_images_read(directory, accuracy, err);
    if (status != RB_OK)
        return status;
    step_back(accuracy);
    const bool more = least_done(accuracy) < accuracy->count;
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        rb_accuracy_engine *engine = &accuracy->engines[e];
        if (engine->done < accuracy->count || (engine == oracle && more)) {
            engine->failure = RB_VERDICT_NONE; /* it gets another chance */
            engine->failure_note[0] = '\0';
        }
    }
    return RB_OK;
}

/* The images of the job's shard: whole batches. */
static rb_status choose_images(const rb_accuracy_job *job, rb_accuracy *accuracy, rb_error *err) {
    int64_t first, count;
    const int64_t batches = (accuracy->whole + job->batch - 1) / job->batch;
    if (batches < job->shard.count)
        return rb_fail(err, RB_ERR_USAGE,
                       "--shard %d/%d: %lld images are %lld batches of %lld, fewer than shards",
                       job->shard.index, job->shard.count, (long long)accuracy->whole,
                       (long long)batches, (long long)job->batch);
    rb_shard_range(job->shard, batches, &first, &count);
    accuracy->first = first * job->batch;
    const int64_t left = accuracy->whole - accuracy->first;
    accuracy->count = count * job->batch < left ? count * job->batch : left;
    accuracy->labels += accuracy->first;
    return RB_OK;
}

rb_status rb_accuracy_begin(const rb_accuracy_job *job, rb_accuracy_source *source,
                            rb_accuracy *accuracy, rb_error *err) {
    source->in_process = job->plan.worker.in_process;
    *accuracy = (rb_accuracy){.data = source->data,
                              .whole = source->count,
                              .classes = source->info.classes,
                              .batch = job->batch,
                              .labels = rb_image_set_labels(source->set),
                              .name = name_of,
                              .name_ctx = source->set,
                              .engine_count = job->plan.engine_count};
    rb_status status = choose_images(job, accuracy, err);
    if (status != RB_OK)
        return status;
    accuracy->context = rb_environment_brief(job->threads);
    accuracy->identity = identify(job, source, accuracy);
    snprintf(accuracy->network, sizeof accuracy->network, "%s", source->network->name);
    rb_accuracy_entitle(accuracy);
    rb_accuracy_source_notes(source, accuracy);
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        rb_accuracy_engine *engine = &accuracy->engines[e];
        snprintf(engine->engine, sizeof engine->engine, "%s", job->plan.engines[e].label);
    }
    status = rb_accuracy_allocate(accuracy, err);
    if (status == RB_OK && job->plan.resume)
        status = take_over(job->plan.directory, accuracy, err);
    return status;
}

void rb_accuracy_end(rb_accuracy *accuracy) {
    rb_accuracy_release(accuracy);
    json_decref(accuracy->context);
    json_decref(accuracy->identity);
    *accuracy = (rb_accuracy){0};
}

static int64_t most_done(const rb_accuracy *accuracy) {
    int64_t most = 0;
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (accuracy->engines[e].done > most)
            most = accuracy->engines[e].done;
    return most;
}

static rb_status run_blocks(rb_accuracy_blocks *blocks, const char *directory,
                            const rb_accuracy *accuracy, rb_error *err) {
    int64_t saved_ns = 0;
    bool more = true;
    rb_status status = RB_OK;
    while (status == RB_OK && more && !rb_interrupted()) {
        status = rb_accuracy_block_run(blocks, &more, err);
        if (status == RB_OK && *directory && rb_now_ns() - saved_ns > SAVE_NS) {
            status = rb_accuracy_images_write(directory, accuracy, err);
            saved_ns = rb_now_ns();
        }
    }
    if (status == RB_OK && rb_interrupted())
        status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    return status;
}

rb_status rb_accuracy_run(const rb_accuracy_job *job, const rb_accuracy_source *source,
                          rb_accuracy *accuracy, rb_error *err) {
    const char *directory = job->plan.directory;
    rb_accuracy_blocks *blocks = NULL;
    rb_error why;
    rb_status status = *directory ? rb_make_directories(directory, err) : RB_OK;
    if (status == RB_OK)
        status = rb_accuracy_blocks_create(job, source, accuracy, &blocks, err);
    if (status == RB_OK)
        status = run_blocks(blocks, directory, accuracy, err);
    if (status == RB_OK)
        status = rb_accuracy_blocks_end(blocks, err);
    rb_accuracy_blocks_destroy(blocks);
    if (status != RB_OK && status != RB_ERR_INTERRUPTED) {
        if (*directory &&
            most_done(accuracy) > 0) /* for --resume, once what is wrong has been mended */
            rb_accuracy_images_write(directory, accuracy, NULL);
        return status;
    }
    if (status == RB_ERR_INTERRUPTED && least_done(accuracy) < accuracy->count)
        rb_accuracy_add_note(accuracy, "interrupted: not all images are done");
    rb_accuracy_judge(accuracy);
    if (!*directory)
        return status;
    rb_status written = rb_accuracy_images_write(directory, accuracy, &why);
    if (written == RB_OK)
        written = rb_accuracy_report_write(directory, accuracy, &why);
    return written == RB_OK ? status : rb_fail(err, written, "%s", why.message);
}
