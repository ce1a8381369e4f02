#include "bench/inputs.h"

#include <stdlib.h>

#include "bench/machine.h"
#include "bench/trial.h"
#include "loaders/image_folder.h"
#include "loaders/synth.h"
#include "loaders/tensor_file.h"
#include "model/graph_build.h"
#include "resbench/checked.h"

#define CHANNELS 3

static rb_status allocate(int64_t count, int64_t height, int64_t width, rb_inputs *inputs,
                          rb_error *err) {
    const int64_t factors[] = {count, CHANNELS, height, width, (int64_t)sizeof(float)};
    int64_t bytes;
    *inputs = (rb_inputs){.count = count, .height = height, .width = width};
    if (count < 1 || height < 1 || width < 1 || height > RB_MAX_IMAGE_SIZE ||
        width > RB_MAX_IMAGE_SIZE)
        return rb_fail(err, RB_ERR_USAGE, "an input of %lld images of %lldx%lld is out of range",
                       (long long)count, (long long)height, (long long)width);
    if (rb_product_i64(factors, 5, &bytes)) {
        char what[96];
        snprintf(what, sizeof what, "an input of %lld images of %lldx%lld", (long long)count,
                 (long long)height, (long long)width);
        const rb_status status = rb_machine_check_memory(what, (double)bytes, err);
        if (status != RB_OK)
            return status;
        inputs->images = malloc((size_t)bytes);
    }
    if (!inputs->images)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %lld images of %lldx%lld",
                       (long long)count, (long long)height, (long long)width);
    return RB_OK;
}

rb_status rb_inputs_synthetic(int64_t count, int64_t height, int64_t width, uint64_t seed,
                              rb_inputs *inputs, rb_error *err) {
    const rb_status status = allocate(count, height, width, inputs, err);
    if (status != RB_OK)
        return status;
    rb_synth_input((const int64_t[4]){count, CHANNELS, height, width}, seed, inputs->images);
    snprintf(inputs->label, sizeof inputs->label, "synthetic, seed %llu", (unsigned long long)seed);
    return RB_OK;
}

rb_status rb_inputs_folder_digest(const char *directory, int64_t limit,
                                  char digest[RB_DIGEST_CAPACITY], rb_error *err) {
    rb_image_list *list;
    rb_status status = rb_image_folder_list(directory, (size_t)limit, &list, err);
    if (status == RB_OK)
        status = rb_digest_files((const char *const *)list->paths, list->count, digest, err);
    rb_image_list_destroy(list);
    return status;
}

rb_status rb_inputs_folder(const char *directory, int64_t least, int64_t limit,
                           const rb_preprocess *preprocess, rb_inputs *inputs, rb_error *err) {
    rb_image_list *list;
    *inputs = (rb_inputs){0};
    rb_status status = rb_image_folder_list(directory, (size_t)limit, &list, err);
    if (status != RB_OK)
        return status;
    if ((int64_t)list->count < least) {
        status = rb_fail(err, RB_ERR_INPUT, "%s: holds %zu images, expected at least %lld",
                         directory, list->count, (long long)least);
        rb_image_list_destroy(list);
        return status;
    }
    status = allocate((int64_t)list->count, preprocess->crop_height, preprocess->crop_width, inputs,
                      err);
    if (status == RB_OK)
        status = rb_preprocess_format(preprocess, inputs->preprocessing,
                                      sizeof inputs->preprocessing, err);
    if (status == RB_OK)
        status = rb_images_load(list, 0, list->count, preprocess, inputs->images, err);
    snprintf(inputs->label, sizeof inputs->label, "%zu images of %.200s", list->count, directory);
    rb_image_list_destroy(list);
    if (status != RB_OK)
        rb_inputs_release(inputs);
    return status;
}

#define MAX_FILE_IMAGES 1000000

static rb_status read_images(const char *path, int64_t dims[RB_MAX_DIMS], float **images,
                             rb_error *err) {
    static const rb_dims_range range = {
        .low = {1, CHANNELS, RB_MIN_IMAGE_SIZE, RB_MIN_IMAGE_SIZE},
        .high = {MAX_FILE_IMAGES, CHANNELS, RB_MAX_IMAGE_SIZE, RB_MAX_IMAGE_SIZE}};
    return rb_tensor_read(path, "input", 4, &range, dims, images, err);
}

static rb_status try_file(void *ctx, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    float *images;
    const rb_status status = read_images(ctx, dims, &images, err);
    free(images);
    return status;
}

rb_status rb_inputs_make(const rb_inputs_request *r, rb_inputs *inputs, rb_error *err) {
    rb_preprocess preprocess;
    if (!r->images)
        return rb_inputs_synthetic(r->least, r->height ? r->height : r->size,
                                   r->width ? r->width : r->size, r->seed, inputs, err);
    const rb_status status = rb_preprocess_choose(r->preprocessing, r->weights, r->resize,
                                                  r->height, r->width, r->size, &preprocess, err);
    return status == RB_OK
               ? rb_inputs_folder(r->images, r->least, r->limit, &preprocess, inputs, err)
               : status;
}

rb_status rb_inputs_file(const char *path, rb_inputs *inputs, rb_error *err) {
    int64_t dims[RB_MAX_DIMS];
    *inputs = (rb_inputs){0};
    rb_status status = rb_trial(path, try_file, (void *)(uintptr_t)path, err);
    if (status == RB_OK)
        status = read_images(path, dims, &inputs->images, err);
    if (status != RB_OK)
        return status;
    inputs->count = dims[0];
    inputs->height = dims[2];
    inputs->width = dims[3];
    snprintf(inputs->label, sizeof inputs->label, "%lld images of %.200s", (long long)dims[0],
             path);
    return RB_OK;
}

void rb_inputs_release(rb_inputs *inputs) {
    free(inputs->images);
    *inputs = (rb_inputs){0};
}
