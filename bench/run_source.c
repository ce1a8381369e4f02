#include "bench/run_source.h"

#include <string.h>

#include "bench/case.h"

rb_status rb_run_source_find(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                             rb_error *err) {
    if (source->network)
        return RB_OK;
    const rb_status status =
        rb_weights_source(plan->weights, network, plan->seed, source->weights, &source->info, err);
    if (status == RB_OK)
        source->network = network;
    return status;
}

size_t rb_run_sizes(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                    rb_plan_size sizes[RB_MAX_SIZES], rb_status *status, rb_error *err) {
    rb_preprocess preprocess;
    *status = RB_OK;
    if (plan->size_count > 0) {
        memcpy(sizes, plan->sizes, plan->size_count * sizeof *sizes);
        return plan->size_count;
    }
    sizes[0] = (rb_plan_size){network->size, network->size};
    if (!plan->images)
        return 1;
    *status = rb_run_source_find(plan, network, source, err);
    if (*status == RB_OK)
        *status = rb_preprocess_choose(source->info.preprocessing, source->weights, plan->resize, 0,
                                       0, network->size, &preprocess, err);
    if (*status != RB_OK)
        return 0;
    sizes[0] = (rb_plan_size){preprocess.crop_height, preprocess.crop_width};
    return 1;
}

/* Every image of a batch must be another, and so must those of two calls in a row: an engine that
 * computes one image and copies it, or remembers its last, shall not pass. The largest batch
 * decides, so that all rows of a network and size see the same images. */
static int64_t least_images(const rb_plan *plan) {
    int64_t least = RB_CASE_INPUTS;
    for (size_t b = 0; b < plan->batch_count; b++)
        if (plan->batches[b] > least)
            least = plan->batches[b];
    /* Neither may two batches of a set be alike. */
    return plan->scenario == RB_SCENARIO_OFFLINE ? 2 * least : least;
}

int64_t rb_run_image_limit(const rb_plan *plan) {
    const int64_t limit = plan->tier->images, least = least_images(plan);
    return limit == 0 || limit > least ? limit : least;
}

rb_status rb_run_inputs(const rb_plan *plan, const rb_run_source *source, rb_plan_size size,
                        rb_inputs *inputs, rb_error *err) {
    const rb_inputs_request request = {.images = plan->images,
                                       .least = least_images(plan),
                                       .limit = rb_run_image_limit(plan),
                                       .height = size.height,
                                       .width = size.width,
                                       .size = source->network->size,
                                       .resize = plan->resize,
                                       .seed = plan->seed,
                                       .weights = source->weights,
                                       .preprocessing = source->info.preprocessing};
    return rb_inputs_make(&request, inputs, err);
}

rb_status rb_run_preprocessing(const rb_plan *plan, const rb_run_source *source, rb_plan_size size,
                               char text[RB_PREPROCESS_CAPACITY], rb_error *err) {
    rb_preprocess preprocess;
    text[0] = '\0';
    if (!plan->images)
        return RB_OK;
    const rb_status status =
        rb_preprocess_choose(source->info.preprocessing, source->weights, plan->resize, size.height,
                             size.width, source->network->size, &preprocess, err);
    return status == RB_OK ? rb_preprocess_format(&preprocess, text, RB_PREPROCESS_CAPACITY, err)
                           : status;
}

static rb_status check_row(const rb_plan *plan, const rb_run_source *source,
                           const rb_record *record, rb_error *err) {
    char preprocessing[RB_PREPROCESS_CAPACITY];
    const char *name = record->network;
    const rb_status status = rb_run_preprocessing(
        plan, source, (rb_plan_size){record->height, record->width}, preprocessing, err);
    if (status != RB_OK)
        return status;
    if (strcmp(record->weights_sha256, source->info.sha256) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s: was made with other weights of %s than %s holds; use another -o",
                       plan->directory, name, source->weights);
    if (strcmp(record->preprocessing, preprocessing) != 0)
        return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                       "%s: was made with images of %s prepared in another way (%.300s) than now "
                       "(%.300s); use another -o",
                       plan->directory, name, record->preprocessing, preprocessing);
    return RB_OK;
}

rb_status rb_run_check_rows(const rb_plan *plan, const rb_network *network, rb_run_source *source,
                            const rb_record_list *records, rb_error *err) {
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < records->count; i++) {
        if (strcmp(records->items[i].network, network->name) != 0)
            continue;
        status = rb_run_source_find(plan, network, source, err);
        if (status == RB_OK)
            status = check_row(plan, source, &records->items[i], err);
    }
    return status;
}
