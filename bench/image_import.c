#include "bench/image_import.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/progress.h"
#include "loaders/cifar.h"
#include "loaders/class_names.h"

#define PROGRESS_STEP 32 /* images between two looks at the terminal */

typedef struct importer {
    const rb_import_request *request;
    rb_import_result *result;
    rb_image_set_writer *writer;
    rb_progress progress;
    int64_t start_ns, done;
    uint8_t *pixels; /* of one image */
} importer;

/* The last part of a path, without a slash at its end. */
static void take_source(const char *path, char *source, size_t capacity) {
    size_t end = strlen(path), begin;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
        continue;
    snprintf(source, capacity, "%.*s", (int)(end - begin), path + begin);
    rb_text_clean(source);
}

static rb_status start(importer *run, const rb_import_request *request, int64_t total,
                       rb_import_result *result, rb_error *err) {
    rb_image_set_info *info = &result->info;
    *run = (importer){.request = request, .result = result, .start_ns = rb_now_ns()};
    info->preprocess = request->preprocess;
    info->height = request->preprocess.crop_height;
    info->width = request->preprocess.crop_width;
    rb_status status = rb_preprocess_check(&info->preprocess, err);
    if (status != RB_OK)
        return status;
    run->pixels = malloc((size_t)(info->height * info->width) * 3);
    if (!run->pixels)
        return rb_fail(err, RB_ERR_MEMORY, "%s: no memory for an image", request->output);
    rb_progress_start(&run->progress, (double)total);
    info->count = total;
    status = rb_image_set_create(request->output, info, &run->writer, err);
    info->count = 0; /* as many as are appended */
    return status;
}

static rb_status finish(importer *run, rb_status status, rb_error *err) {
    rb_progress_clear(&run->progress);
    if (status == RB_OK)
        status = rb_image_set_finish(run->writer, run->result->info.sha256, err);
    else
        rb_image_set_discard(run->writer);
    free(run->pixels);
    run->result->seconds = (double)(rb_now_ns() - run->start_ns) * 1e-9;
    return status;
}

/* Appends run->pixels. */
static rb_status append(importer *run, int32_t label, const char *name, rb_error *err) {
    const rb_status status = rb_image_set_append(run->writer, run->pixels, label, name, err);
    if (status != RB_OK)
        return status;
    run->result->info.count++;
    run->result->unlabelled += label == RB_NO_LABEL;
    return RB_OK;
}

/* After each image, used or not. */
static rb_status step(importer *run, rb_error *err) {
    run->done++;
    rb_progress_advance(&run->progress, 1);
    if (rb_interrupted())
        return rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    if (run->done % PROGRESS_STEP == 0) {
        char text[64];
        const double seconds = (double)(rb_now_ns() - run->start_ns) * 1e-9;
        snprintf(text, sizeof text, "%lld images, %.0f images/s", (long long)run->done,
                 (double)run->done / seconds);
        rb_progress_show(&run->progress, text);
    }
    return RB_OK;
}

/* path -> run->pixels; *used is false for an image that is left out. */
static rb_status take_photograph(importer *run, const char *path, bool *used, rb_error *err) {
    rb_image *image;
    rb_status status = rb_image_decode_file(path, &image, err);
    if (status == RB_OK)
        status = rb_preprocess_pixels(&run->request->preprocess, path, image, run->pixels, err);
    rb_image_destroy(image);
    *used = status == RB_OK;
    if ((status != RB_ERR_INPUT && status != RB_ERR_UNSUPPORTED) || !run->request->skip_damaged)
        return status;
    rb_progress_clear(&run->progress);
    run->request->notice(err->message);
    run->result->skipped++;
    return RB_OK;
}

static rb_status import_list(importer *run, const rb_image_list *list, const rb_labels *labels,
                             int64_t count, rb_error *err) {
    rb_status status = RB_OK;
    for (int64_t i = 0; status == RB_OK && i < count; i++) {
        char name[RB_IMAGE_SET_MAX_NAME + 1];
        bool used;
        status = take_photograph(run, list->paths[i], &used, err);
        if (status == RB_OK && used) {
            snprintf(name, sizeof name, "%s", list->paths[i] + list->root);
            rb_text_clean(name);
            status = append(run, labels->values[i], name, err);
        }
        if (status == RB_OK)
            status = step(run, err);
    }
    if (status == RB_OK && run->result->info.count == 0)
        status = rb_fail(err, RB_ERR_INPUT, "not one of %lld images can be used", (long long)count);
    return status;
}

/* The output takes no image's place, nor the table's. */
static rb_status check_output(const rb_import_request *request, const rb_image_list *list,
                              rb_error *err) {
    const char *table = request->labels.csv;
    rb_status status = table ? rb_check_output(request->output, table, err) : RB_OK;
    if (access(request->output, F_OK) != 0)
        return status;
    for (size_t i = 0; status == RB_OK && i < list->count; i++)
        status = rb_check_output(request->output, list->paths[i], err);
    return status;
}

/* Room for the longest name; a character that is no UTF-8 stays one byte. */
static int64_t longest_name(const rb_image_list *list, int64_t count) {
    size_t longest = 1;
    for (int64_t i = 0; i < count; i++) {
        const size_t length = strlen(list->paths[i] + list->root);
        longest = length > longest ? length : longest;
    }
    return longest < RB_IMAGE_SET_MAX_NAME ? (int64_t)longest : RB_IMAGE_SET_MAX_NAME;
}

rb_status rb_import_folder(const char *dir, const rb_import_request *request,
                           rb_import_result *result, rb_error *err) {
    rb_image_list *list;
    rb_labels labels = {0};
    *result = (rb_import_result){0};
    rb_status status = rb_image_tree_list(dir, &list, err);
    if (status == RB_OK)
        status = check_output(request, list, err);
    if (status == RB_OK)
        status = rb_labels_find(dir, list, &request->labels, &labels, err);
    if (status == RB_OK) {
        importer run;
        int64_t count = (int64_t)list->count;
        count = request->limit && request->limit < count ? request->limit : count;
        result->info.classes = labels.classes;
        result->info.name_bytes = longest_name(list, count);
        take_source(dir, result->info.source, sizeof result->info.source);
        snprintf(result->labels, sizeof result->labels, "%s", labels.origin);
        status = start(&run, request, count, result, err);
        if (status == RB_OK)
            status = import_list(&run, list, &labels, count, err);
        status = finish(&run, status, err);
    }
    rb_labels_release(&labels);
    rb_image_list_destroy(list);
    return status;
}

/* Opens every file once, so that a wrong one is named before work begins. */
static rb_status count_cifar(char *const *paths, size_t count, const char *output, int64_t *images,
                             rb_image_set_info *info, rb_error *err) {
    rb_status status = RB_OK;
    *images = 0;
    info->name_bytes = 0;
    for (size_t i = 0; status == RB_OK && i < count; i++) {
        rb_cifar cifar;
        char source[sizeof info->source];
        status = rb_cifar_open(paths[i], &cifar, err);
        if (status == RB_OK)
            status = rb_check_output(output, paths[i], err);
        *images += cifar.count;
        rb_cifar_close(&cifar);
        take_source(paths[i], source, sizeof source);
        const int64_t bytes = (int64_t)strlen(source) + 16; /* a colon and a number */
        info->name_bytes = bytes > info->name_bytes ? bytes : info->name_bytes;
    }
    if (count > 0)
        take_source(paths[0], info->source, sizeof info->source);
    return status;
}

static rb_status import_cifar_file(importer *run, const char *path, int64_t limit, rb_error *err) {
    rb_cifar cifar;
    char source[256], name[sizeof source + 32];
    int32_t label;
    take_source(path, source, sizeof source);
    rb_status status = rb_cifar_open(path, &cifar, err);
    while (status == RB_OK && cifar.next < cifar.count && run->done < limit) {
        snprintf(name, sizeof name, "%s:%lld", source, (long long)cifar.next);
        status = rb_cifar_read(&cifar, run->pixels, &label, err);
        if (status == RB_OK)
            status = append(run, label, name, err);
        if (status == RB_OK)
            status = step(run, err);
    }
    rb_cifar_close(&cifar);
    return status;
}

rb_status rb_import_cifar(char *const *paths, size_t count, const rb_import_request *request,
                          rb_import_result *result, rb_error *err) {
    rb_import_request fixed = *request;
    importer run;
    int64_t images;
    *result = (rb_import_result){.info.classes = RB_CIFAR10_CLASSES};
    fixed.preprocess.resize = 0;
    fixed.preprocess.crop_height = fixed.preprocess.crop_width = RB_CIFAR_SIZE;
    snprintf(result->labels, sizeof result->labels, "first byte of each record");
    rb_status status = count_cifar(paths, count, request->output, &images, &result->info, err);
    if (status != RB_OK)
        return status;
    const int64_t limit = request->limit && request->limit < images ? request->limit : images;
    status = start(&run, &fixed, limit, result, err);
    for (size_t i = 0; status == RB_OK && i < count; i++)
        status = import_cifar_file(&run, paths[i], limit, err);
    return finish(&run, status, err);
}
