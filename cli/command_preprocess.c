#include <stdlib.h>
#include <string.h>

#include "bench/image_import.h"
#include "bench/interrupt.h"
#include "bench/trial.h"
#include "cli/cli.h"

enum {
    OPT_RESIZE = 256,
    OPT_CROP,
    OPT_PREPROCESSING,
    OPT_LIMIT,
    OPT_LABELS,
    OPT_CLASSES,
    OPT_UNLABELLED,
    OPT_SKIP_DAMAGED
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The HDF5 file to write (default: set.h5)", 0},
    {"preprocessing", OPT_PREPROCESSING, "NAME|JSON", 0,
     "torchvision (default), caffe, cifar (default for cifar10), raw, or JSON as in "
     "docs/datasets.md",
     0},
    {"resize", OPT_RESIZE, "N|none", 0, "Shorter side of images before the crop", 0},
    {"crop", OPT_CROP, "N|HxW", 0, "What is cut from the images' centre", 0},
    {"labels", OPT_LABELS, "CSV", 0,
     "Table of file,class (default: labels.csv in DIR, if it is there)", 0},
    {"classes", OPT_CLASSES, "N", 0, "Number of classes (default: as the labels need)", 0},
    {"unlabelled", OPT_UNLABELLED, NULL, 0, "Take images that have no label, too", 0},
    {"skip-damaged", OPT_SKIP_DAMAGED, NULL, 0,
     "Leave images out that cannot be used, and name them", 0},
    {"limit", OPT_LIMIT, "N", 0, "The first N images only", 0},
    {0}};

static const char doc[] =
    "Makes a data set of labelled images: 8-bit pixels after resize and crop, in one HDF5 file."
    "\v"
    "Labels of a folder come from labels.csv, from one folder for each class, or from synsets of "
    "ImageNet in the images' names. 'cifar10' takes CIFAR-10's binary files; 'verify' recomputes "
    "the SHA-256 of a data set.\n\n"
    "Examples:\n"
    "  resbench preprocess photos/ -o set.h5\n"
    "  resbench preprocess photos/ --resize none --crop 224 --labels t.csv -o set.h5\n"
    "  resbench preprocess cifar10 test_batch.bin -o cifar.h5\n"
    "  resbench preprocess verify set.h5\n\n" RB_EXIT_HELP;

#define MAX_FILES 64

typedef struct preprocess_arguments {
    rb_import_request request;
    const char *preprocessing;
    int64_t resize, crop_height, crop_width;
    char *arguments[MAX_FILES];
    size_t count;
} preprocess_arguments;

static bool is_mode(const preprocess_arguments *a, const char *name) {
    return a->count > 0 && strcmp(a->arguments[0], name) == 0;
}

static void check_arguments(const preprocess_arguments *a, const struct argp_state *state) {
    const bool cifar = is_mode(a, "cifar10"), verify = is_mode(a, "verify");
    if (a->count == 0)
        argp_error(state, "a folder of images is needed, or cifar10 and its files");
    if ((cifar || verify) && a->count == 1)
        argp_error(state, "%s needs a file", a->arguments[0]);
    if (a->count > (verify ? 2 : cifar ? MAX_FILES : 1))
        argp_error(state, "'%s' is one argument too many", a->arguments[verify ? 2 : 1]);
    if (cifar && (a->crop_height || a->resize != RB_RESIZE_STORED || a->request.labels.csv ||
                  a->request.labels.classes || a->request.labels.unlabelled))
        argp_error(state, "the images of CIFAR-10 are 32x32 and labelled: --resize, --crop, "
                          "--labels, --classes and --unlabelled are for folders");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    preprocess_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->request.output = argument;
        break;
    case OPT_PREPROCESSING:
        a->preprocessing = argument;
        break;
    case OPT_RESIZE:
        a->resize = rb_cli_resize(state, argument);
        break;
    case OPT_CROP:
        rb_cli_crop(state, argument, &a->crop_height, &a->crop_width);
        break;
    case OPT_LABELS:
        a->request.labels.csv = argument;
        break;
    case OPT_CLASSES:
        a->request.labels.classes =
            rb_cli_integer(state, "classes", argument, 1, RB_IMAGE_SET_MAX_CLASSES);
        break;
    case OPT_UNLABELLED:
        a->request.labels.unlabelled = true;
        break;
    case OPT_SKIP_DAMAGED:
        a->request.skip_damaged = true;
        break;
    case OPT_LIMIT:
        a->request.limit = rb_cli_integer(state, "limit", argument, 1, RB_IMAGE_SET_MAX_COUNT);
        break;
    case ARGP_KEY_ARG:
        if (a->count == MAX_FILES)
            argp_error(state, "more than %d arguments", MAX_FILES);
        a->arguments[a->count++] = argument;
        break;
    case ARGP_KEY_END:
        check_arguments(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static rb_status choose_preprocessing(preprocess_arguments *a, rb_error *err) {
    const char *name = a->preprocessing;
    rb_preprocess *preprocess = &a->request.preprocess;
    rb_status status;
    if (!name)
        name = is_mode(a, "cifar10") ? "cifar" : "torchvision";
    if (name[0] == '{')
        status = rb_preprocess_parse(name, "--preprocessing", preprocess, err);
    else
        status = rb_preprocess_named(name, preprocess, err);
    if (status == RB_OK && a->crop_height)
        rb_preprocess_fit(preprocess, a->crop_height, a->crop_width);
    if (status == RB_OK && a->resize != RB_RESIZE_STORED)
        preprocess->resize = a->resize;
    if (status == RB_OK && !preprocess->crop_height && !is_mode(a, "cifar10"))
        status = rb_fail(err, RB_ERR_USAGE, "--preprocessing has no crop: --crop is needed");
    return status;
}

static void notice(const char *sentence) {
    fprintf(stderr, "resbench: skipped: %s\n", sentence);
}

static void print_result(const preprocess_arguments *a, const rb_import_result *result) {
    const rb_image_set_info *info = &result->info;
    printf("%s: %lld images of %lldx%lld, %lld classes\n", a->request.output,
           (long long)info->count, (long long)info->height, (long long)info->width,
           (long long)info->classes);
    printf("labels: %s\n", result->labels[0] ? result->labels : "none were found");
    if (result->unlabelled > 0)
        printf("without a label: %lld\n", (long long)result->unlabelled);
    if (result->skipped > 0)
        printf("skipped: %lld\n", (long long)result->skipped);
    printf("sha256: %s\n%.0f images/s\n", info->sha256,
           (double)(info->count + result->skipped) / result->seconds);
}

static rb_status try_open(void *ctx, rb_error *err) {
    rb_image_set *set;
    const rb_status status = rb_image_set_open(ctx, &set, err);
    rb_image_set_close(set);
    return status;
}

static int verify(char *path) {
    rb_image_set *set = NULL;
    rb_error err;
    rb_status status = rb_trial(path, try_open, path, &err);
    if (status == RB_OK)
        status = rb_image_set_open(path, &set, &err);
    if (status == RB_OK)
        status = rb_image_set_verify(set, &err);
    rb_image_set_close(set);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    printf("%s: fine\n", path);
    return RB_EXIT_FINE;
}

int rb_command_preprocess(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "DIR\ncifar10 FILE...\nverify FILE",
                                     .doc = doc};
    preprocess_arguments a = {.request = {.output = "set.h5", .notice = notice},
                              .resize = RB_RESIZE_STORED};
    rb_import_result result;
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    if (is_mode(&a, "verify"))
        return verify(a.arguments[1]);
    rb_interrupt_install();
    rb_status status = choose_preprocessing(&a, &err);
    if (status == RB_OK)
        status = is_mode(&a, "cifar10")
                     ? rb_import_cifar(a.arguments + 1, a.count - 1, &a.request, &result, &err)
                     : rb_import_folder(a.arguments[0], &a.request, &result, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    print_result(&a, &result);
    return RB_EXIT_FINE;
}
