#include "bench/accuracy_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/accuracy_judge.h"
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/jitter.h"
#include "bench/parity.h"
#include "bench/progress.h"
#include "bench/remote_case.h"
#include "resbench/checked.h"

#define BLOCK_IMAGES 256
#define BLOCK_NS 1e10

/* Which batches the moved oracles see: those of the first images, and then a few all over. */
#define MOVED_FIRST_IMAGES 64
#define MOVED_EVERY_BATCH 16

struct rb_accuracy_blocks {
    const rb_accuracy_job *job;
    const rb_accuracy_source *source;
    rb_accuracy *accuracy;
    rb_remote *remotes[RB_ACCURACY_MAX_ENGINES]; /* NULL before the first image */
    rb_remote *moved[RB_JITTERS]; /* the oracle with its weights moved by float32's roundings */
    int64_t image_bytes;          /* height x width x 3 */
    int64_t size, most;           /* of the next block, of any; whole batches */
    uint8_t *pixels;              /* (most, height, width, 3) */
    float *src;                   /* (batch, 3, height, width) */
    double *oracle, *logits;      /* (most, classes) */
    bool has_oracle;              /* oracle is this block's */
    rb_progress progress;
};

static rb_status allocate(rb_accuracy_blocks *b, rb_error *err) {
    const int64_t classes = b->accuracy->classes, batch = b->accuracy->batch;
    const int64_t pixels[] = {b->most, b->image_bytes};
    const int64_t src[] = {batch, b->image_bytes, (int64_t)sizeof *b->src};
    const int64_t logits[] = {b->most, classes, (int64_t)sizeof *b->logits};
    int64_t pixel_bytes, src_bytes, logit_bytes;
    if (rb_product_i64(pixels, 2, &pixel_bytes) && rb_product_i64(src, 3, &src_bytes) &&
        rb_product_i64(logits, 3, &logit_bytes)) {
        b->pixels = malloc((size_t)pixel_bytes);
        b->src = malloc((size_t)src_bytes);
        b->oracle = malloc((size_t)logit_bytes);
        b->logits = malloc((size_t)logit_bytes);
    }
    if (!b->pixels || !b->src || !b->oracle || !b->logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a block of %lld images",
                       (long long)b->most);
    return RB_OK;
}

static bool is_live(const rb_accuracy_engine *engine) {
    return engine->failure == RB_VERDICT_NONE;
}

static double work_left(const rb_accuracy *accuracy) {
    double images = 0;
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (is_live(&accuracy->engines[e]))
            images += (double)(accuracy->count - accuracy->engines[e].done);
    return images;
}

rb_status rb_accuracy_blocks_create(const rb_accuracy_job *job, const rb_accuracy_source *source,
                                    rb_accuracy *accuracy, rb_accuracy_blocks **blocks,
                                    rb_error *err) {
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    *blocks = NULL;
    rb_accuracy_blocks *b = calloc(1, sizeof *b);
    if (!b)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for an accuracy job");
    *b = (rb_accuracy_blocks){
        .job = job,
        .source = source,
        .accuracy = accuracy,
        .image_bytes = images->height * images->width * 3,
        .size = job->batch,
        .most = job->batch > BLOCK_IMAGES ? job->batch : BLOCK_IMAGES / job->batch * job->batch};
    const rb_status status = allocate(b, err);
    rb_progress_start(&b->progress, work_left(accuracy));
    if (status == RB_OK)
        *blocks = b;
    else
        rb_accuracy_blocks_destroy(b);
    return status;
}

void rb_accuracy_blocks_destroy(rb_accuracy_blocks *b) {
    if (!b)
        return;
    rb_progress_clear(&b->progress);
    for (size_t e = 0; e < RB_ACCURACY_MAX_ENGINES; e++)
        rb_remote_close(b->remotes[e]);
    for (size_t i = 0; i < RB_JITTERS; i++)
        rb_remote_close(b->moved[i]);
    free(b->pixels);
    free(b->src);
    free(b->oracle);
    free(b->logits);
    free(b);
}

/* A failure that is the engine's ends it; any other goes up. */
static rb_status settle(rb_accuracy_blocks *b, size_t e, rb_status status, const char *step,
                        rb_error *err) {
    rb_accuracy_engine *engine = &b->accuracy->engines[e];
    if (status == RB_OK || status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return status;
    if (rb_interrupted()) /* what stops a whole job, as Slurm's requeue does, kills workers too */
        return rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    engine->failure = rb_verdict_of_failure(status);
    snprintf(engine->failure_note, sizeof engine->failure_note, "%s: %.230s", step, err->message);
    rb_remote_close(b->remotes[e]);
    b->remotes[e] = NULL;
    rb_progress_advance(&b->progress, (double)(b->accuracy->count - engine->done));
    return RB_OK;
}

static rb_status open_remote(const rb_accuracy_blocks *b, size_t e, int32_t jitter,
                             rb_remote **remote, rb_error *err) {
    const rb_image_set_info *images = rb_image_set_info_of(b->source->set);
    const rb_case_spec spec = {.engine_path = b->job->plan.engines[e].path,
                               .network = b->source->network->name,
                               .weights = b->source->weights,
                               .batch = b->accuracy->batch,
                               .height = images->height,
                               .width = images->width,
                               .classes = b->accuracy->classes,
                               .threads = b->job->threads,
                               .jitter = jitter,
                               .verbose = b->job->plan.verbose};
    return rb_remote_open(&b->job->plan.worker, &spec, remote, err);
}

static rb_status open_engine(rb_accuracy_blocks *b, size_t e, rb_error *err) {
    rb_accuracy_engine *engine = &b->accuracy->engines[e];
    const rb_status status = open_remote(b, e, 0, &b->remotes[e], err);
    if (status != RB_OK)
        return settle(b, e, status, "open", err);
    const char *version = rb_remote_facts_of(b->remotes[e])->engine_version;
    if (engine->done > 0 && strcmp(engine->version, version) != 0) /* a library behind it is new */
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s is version %s, and was %s for the images that are done; use another -o",
                       engine->engine, version, engine->version);
    snprintf(engine->version, sizeof engine->version, "%s", version);
    return RB_OK;
}

static void show(const rb_accuracy_blocks *b, const rb_accuracy_engine *engine, int64_t image) {
    char text[128];
    snprintf(text, sizeof text, "%.32s: %lld of %lld images", engine->engine, (long long)image,
             (long long)b->accuracy->count);
    rb_progress_show(&b->progress, text);
}

/* One batch of a block, from its image `at` on, through one session. */
static rb_status call_batch(rb_accuracy_blocks *b, rb_remote *remote, int64_t at, int64_t images,
                            double *logits, double *call_ns, rb_error *err) {
    for (int64_t i = 0; i < images; i++)
        rb_preprocess_normalise(&b->source->preprocess, b->pixels + (at + i) * b->image_bytes,
                                b->src + i * b->image_bytes);
    return rb_remote_logits(remote, b->src, images, false, logits, call_ns, err);
}

static int64_t images_of_batch(const rb_accuracy_blocks *b, int64_t at, int64_t count) {
    return count - at < b->accuracy->batch ? count - at : b->accuracy->batch;
}

/* All batches of a block through one engine. */
static rb_status call_engine(rb_accuracy_blocks *b, size_t e, int64_t first, int64_t count,
                             double *logits, double *call_ns, rb_error *err) {
    const rb_accuracy_engine *engine = &b->accuracy->engines[e];
    rb_status status = RB_OK;
    for (int64_t at = 0; status == RB_OK && at < count; at += b->accuracy->batch) {
        const int64_t images = images_of_batch(b, at, count);
        double ns = 0;
        show(b, engine, first + at);
        status =
            call_batch(b, b->remotes[e], at, images, logits + at * b->accuracy->classes, &ns, err);
        *call_ns += ns;
        if (engine->done == first)
            rb_progress_advance(&b->progress, (double)images);
    }
    return status;
}

/* Compares one moved oracle with the oracle on some batches, always the same ones. */
static rb_status call_moved(rb_accuracy_blocks *b, size_t oracle, int32_t way, int64_t first,
                            int64_t count, rb_error *err) {
    const int64_t batch = b->accuracy->batch, classes = b->accuracy->classes;
    rb_remote **moved = &b->moved[way - 1];
    rb_status status = *moved ? RB_OK : open_remote(b, oracle, way, moved, err);
    for (int64_t at = 0; status == RB_OK && at < count; at += batch) {
        const int64_t images = images_of_batch(b, at, count);
        rb_parity parity = {0};
        double ns;
        const int64_t number = b->accuracy->first + first + at;
        if (number >= MOVED_FIRST_IMAGES && number / batch % MOVED_EVERY_BATCH != 0)
            continue;
        status = call_batch(b, *moved, at, images, b->logits, &ns, err);
        if (status != RB_OK)
            break;
        rb_parity_add(&parity, b->oracle + at * classes, b->logits, images, classes, 0);
        b->accuracy->moved_rel_l2 = fmax(b->accuracy->moved_rel_l2, parity.worst_rel_l2);
    }
    return status;
}

static void keep(rb_accuracy_blocks *b, rb_accuracy_engine *engine, int64_t first, int64_t count,
                 const double *logits, double call_ns) {
    const rb_accuracy *accuracy = b->accuracy;
    const int64_t batches = (count + accuracy->batch - 1) / accuracy->batch;
    const bool compare = b->has_oracle && logits != b->oracle;
    for (int64_t i = 0; i < count; i++)
        engine->images[first + i] = rb_accuracy_score(
            logits + i * accuracy->classes, compare ? b->oracle + i * accuracy->classes : NULL,
            accuracy->classes, accuracy->labels[first + i]);
    engine->done = first + count;
    engine->call_ns += call_ns;
    engine->called_images += batches * accuracy->batch;
}

static rb_status run_engine(rb_accuracy_blocks *b, size_t e, int64_t first, int64_t count,
                            rb_error *err) {
    rb_accuracy_engine *engine = &b->accuracy->engines[e];
    const bool is_oracle = engine == rb_accuracy_oracle(b->accuracy);
    double *logits = is_oracle ? b->oracle : b->logits;
    double call_ns = 0;
    if (!b->remotes[e]) {
        show(b, engine, first);
        const rb_status status = open_engine(b, e, err);
        if (status != RB_OK || !is_live(engine))
            return status;
    }
    rb_status status = call_engine(b, e, first, count, logits, &call_ns, err);
    const bool is_new = is_oracle && b->accuracy->engine_count > 1 && engine->done == first;
    for (int32_t way = 1; status == RB_OK && is_new && way <= RB_JITTERS; way++)
        status = call_moved(b, e, way, first, count, err);
    if (status != RB_OK)
        return settle(b, e, status, "run", err);
    b->has_oracle = b->has_oracle || is_oracle;
    if (engine->done == first) /* otherwise it is the oracle, again for others that lag behind */
        keep(b, engine, first, count, logits, call_ns);
    return RB_OK;
}

/* Where the engine that lags behind most stands, and as far as all that stand there can go
 * together; false when nothing is left. */
static bool choose_block(const rb_accuracy_blocks *b, int64_t *first, int64_t *count) {
    const rb_accuracy *accuracy = b->accuracy;
    *first = accuracy->count;
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (is_live(&accuracy->engines[e]) && accuracy->engines[e].done < *first)
            *first = accuracy->engines[e].done;
    int64_t end = accuracy->count - *first > b->size ? *first + b->size : accuracy->count;
    for (size_t e = 0; e < accuracy->engine_count; e++) {
        const rb_accuracy_engine *engine = &accuracy->engines[e];
        if (is_live(engine) && engine->done > *first && engine->done < end)
            end = engine->done;
    }
    *count = end - *first;
    return *count > 0;
}

static void choose_size(rb_accuracy_blocks *b, int64_t count, int64_t spent_ns) {
    const int64_t batch = b->accuracy->batch;
    const double fitting = BLOCK_NS / ((double)spent_ns / (double)count) / (double)batch;
    b->size = fitting < (double)(b->most / batch) ? (int64_t)fitting * batch : b->most;
    if (b->size < batch)
        b->size = batch;
}

rb_status rb_accuracy_block_run(rb_accuracy_blocks *b, bool *more, rb_error *err) {
    rb_accuracy *accuracy = b->accuracy;
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    int64_t first, count;
    *more = choose_block(b, &first, &count);
    if (!*more)
        return RB_OK;
    const int64_t from_ns = rb_now_ns();
    b->has_oracle = false;
    rb_status status =
        rb_accuracy_source_read(b->source, accuracy->first + first, count, b->pixels, err);
    if (status == RB_OK && oracle && is_live(oracle))
        status = run_engine(b, (size_t)(oracle - accuracy->engines), first, count, err);
    for (size_t e = 0; status == RB_OK && e < accuracy->engine_count; e++) {
        const rb_accuracy_engine *engine = &accuracy->engines[e];
        if (engine != oracle && is_live(engine) && engine->done == first)
            status = run_engine(b, e, first, count, err);
    }
    choose_size(b, count, rb_now_ns() - from_ns);
    return status;
}

rb_status rb_accuracy_blocks_end(rb_accuracy_blocks *b, rb_error *err) {
    rb_status status = RB_OK;
    for (size_t e = 0; status == RB_OK && e < b->accuracy->engine_count; e++)
        if (b->remotes[e])
            status = settle(b, e, rb_remote_end(b->remotes[e], err), "close", err);
    return status;
}
