#include "bench/accuracy_source.h"

#include <string.h>

#include "bench/trial.h"
#include "bench/weights_source.h"

static rb_status try_set(void *ctx, rb_error *err) {
    rb_image_set *set;
    const rb_status status = rb_image_set_open(ctx, &set, err);
    rb_image_set_close(set);
    return status;
}

static rb_status open_set(const char *path, rb_image_set **set, rb_error *err) {
    *set = NULL;
    const rb_status status = rb_trial(path, try_set, (void *)(uintptr_t)path, err);
    return status == RB_OK ? rb_image_set_open(path, set, err) : status;
}

static rb_status check_labels(const rb_accuracy_source *source, rb_error *err) {
    const int32_t *labels = rb_image_set_labels(source->set);
    for (int64_t i = 0; i < source->count; i++)
        if (labels[i] >= source->info.classes)
            return rb_fail(err, RB_ERR_INPUT,
                           "%s: image %lld has label %d, but %s has %lld classes (0..%lld)",
                           source->data, (long long)i, labels[i], source->weights,
                           (long long)source->info.classes, (long long)source->info.classes - 1);
    return RB_OK;
}

static rb_status check_size(const rb_accuracy_source *source, rb_error *err) {
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    const int64_t low = images->height < images->width ? images->height : images->width;
    const int64_t high = images->height < images->width ? images->width : images->height;
    if (low >= RB_MIN_IMAGE_SIZE && high <= RB_MAX_IMAGE_SIZE)
        return RB_OK;
    return rb_fail(err, RB_ERR_INPUT,
                   "%s: has images of %lldx%lld, expected %d to %d pixels a side", source->data,
                   (long long)images->height, (long long)images->width, RB_MIN_IMAGE_SIZE,
                   RB_MAX_IMAGE_SIZE);
}

static rb_status choose_normalisation(rb_accuracy_source *source, rb_error *err) {
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    rb_status status = RB_OK;
    source->of_weights = strcmp(source->info.preprocessing, "none") != 0;
    if (source->of_weights)
        status = rb_preprocess_parse(source->info.preprocessing, source->weights,
                                     &source->preprocess, err);
    else
        source->preprocess = images->preprocess;
    source->preprocess.crop_height = images->height;
    source->preprocess.crop_width = images->width;
    return status;
}

rb_status rb_accuracy_source_open(const char *weights, const char *data, int64_t limit,
                                  rb_accuracy_source *source, rb_error *err) {
    rb_graph *graph = NULL;
    *source = (rb_accuracy_source){.weights = weights, .data = data};
    rb_status status = rb_weights_inspect(weights, &source->info, &graph, err);
    rb_graph_destroy(graph);
    if (status == RB_OK)
        status = rb_network_find(source->info.network, &source->network, err);
    if (status == RB_OK)
        status = open_set(data, &source->set, err);
    if (status == RB_OK) {
        const int64_t count = rb_image_set_info_of(source->set)->count;
        source->count = limit > 0 && limit < count ? limit : count;
        status = check_size(source, err);
    }
    if (status == RB_OK)
        status = check_labels(source, err);
    if (status == RB_OK)
        status = choose_normalisation(source, err);
    if (status != RB_OK)
        rb_accuracy_source_close(source);
    return status;
}

void rb_accuracy_source_close(rb_accuracy_source *source) {
    rb_image_set_close(source->set);
    source->set = NULL;
}

void rb_accuracy_source_normalisation(const rb_accuracy_source *source, char *text,
                                      size_t capacity) {
    const rb_preprocess *p = &source->preprocess;
    snprintf(text, capacity, "%s, / %g, - (%g %g %g), / (%g %g %g), of the %s",
             p->bgr ? "BGR" : "RGB", (double)p->divisor, (double)p->mean[0], (double)p->mean[1],
             (double)p->mean[2], (double)p->std[0], (double)p->std[1], (double)p->std[2],
             source->of_weights ? "weights" : "data set");
}

/* "resize 256, crop 224x224" */
static void describe_geometry(int64_t resize, int64_t height, int64_t width, char text[96]) {
    char resized[32] = "no resize";
    if (resize > 0)
        snprintf(resized, sizeof resized, "resize %lld", (long long)resize);
    snprintf(text, 96, "%s, crop %lldx%lld", resized, (long long)height, (long long)width);
}

static void note_geometry(const rb_accuracy_source *source, rb_accuracy *accuracy) {
    rb_preprocess wish;
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    if (!source->of_weights ||
        rb_preprocess_parse(source->info.preprocessing, source->weights, &wish, NULL) != RB_OK)
        return;
    if (wish.crop_height == 0)
        wish.crop_height = wish.crop_width = source->network->size;
    char wished[96], found[96];
    describe_geometry(wish.resize, wish.crop_height, wish.crop_width, wished);
    describe_geometry(images->preprocess.resize, images->height, images->width, found);
    if (strcmp(wished, found) != 0)
        rb_accuracy_add_note(accuracy,
                             "the weights were made for images of %s; the data set has "
                             "%s",
                             wished, found);
}

void rb_accuracy_source_notes(const rb_accuracy_source *source, rb_accuracy *accuracy) {
    const rb_image_set_info *images = rb_image_set_info_of(source->set);
    if (rb_weights_are_synthetic(&source->info))
        rb_accuracy_add_note(accuracy, "the weights are synthetic: top-1 and top-5 mean nothing, "
                                       "only how engines agree does");
    note_geometry(source, accuracy);
    if (images->classes > source->info.classes)
        rb_accuracy_add_note(accuracy, "the data set has %lld classes, the network %lld",
                             (long long)images->classes, (long long)source->info.classes);
}

typedef struct read_request {
    rb_image_set *set;
    int64_t first, count;
    uint8_t *pixels;
} read_request;

static rb_status read_block(void *ctx, rb_error *err) {
    const read_request *request = ctx;
    return rb_image_set_read(request->set, request->first, request->count, request->pixels, err);
}

rb_status rb_accuracy_source_read(const rb_accuracy_source *source, int64_t first, int64_t count,
                                  uint8_t *pixels, rb_error *err) {
    read_request request = {.set = source->set, .first = first, .count = count, .pixels = pixels};
    const rb_status status =
        source->in_process ? RB_OK : rb_trial(source->data, read_block, &request, err);
    return status == RB_OK ? read_block(&request, err) : status;
}
