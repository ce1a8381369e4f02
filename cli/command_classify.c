#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bench/engine_loader.h"
#include "bench/remote_case.h"
#include "bench/weights_source.h"
#include "cli/cli.h"
#include "cli/engine_options.h"
#include "loaders/class_names.h"
#include "loaders/image_folder.h"

enum { OPT_TOP = 256, OPT_CLASS_NAMES, OPT_RESIZE, OPT_CROP, OPT_JSON };

static const struct argp_option options[] = {
    {"weights", 'w', "FILE", 0, "Weights of the network", 0},
    {"engine", 'e', "NAME|PATH", 0, "Engine (default: onednn)", 0},
    {"top", OPT_TOP, "N", 0, "Classes for each photograph (default: 5)", 0},
    {"class-names", OPT_CLASS_NAMES, "FILE", 0,
     "A line for each class (default: ImageNet's, CIFAR-10's, or numbers)", 0},
    {"resize", OPT_RESIZE, "N|none", 0, "Shorter side before the crop (default: the weights')", 0},
    {"crop", OPT_CROP, "N|HxW", 0, "What is cut from the centre (default: the weights')", 0},
    {"json", OPT_JSON, NULL, 0, "Print JSON", 0},
    {0}};

static const char doc[] =
    "Tells what is on a photograph: the likeliest classes, with softmax probabilities."
    "\v"
    "Photographs are JPEG or PNG files, or folders of them. They are prepared as the weights say; "
    "weights that say nothing get torchvision's way.\n\n"
    "Example:\n"
    "  resbench classify photo.jpg --weights resnet50.h5\n\n" RB_EXIT_HELP;

typedef struct classify_arguments {
    const char *weights, *engine, *class_names;
    char **photos; /* files and folders */
    size_t photo_count;
    int64_t top, resize, crop_height, crop_width;
    bool json;
    rb_engine_options engine_options;
} classify_arguments;

/* What is open while photographs go through. */
typedef struct classifier {
    const classify_arguments *arguments;
    rb_weights_info info;
    rb_preprocess preprocess;
    rb_class_names *names; /* NULL: numbers */
    rb_remote *remote;
    float *src;
    double *logits; /* becomes probabilities */
    json_t *json;   /* with --json: one object a photograph */
    rb_exit code;   /* of the first photograph that could not be used */
    bool assumes;   /* torchvision's preprocessing, which is not told yet */
    bool told;      /* that photographs are cropped without a resize */
} classifier;

static error_t parse(int key, char *argument, struct argp_state *state) {
    classify_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->engine_options;
        break;
    case 'w':
        a->weights = argument;
        break;
    case 'e':
        a->engine = argument;
        break;
    case OPT_TOP:
        a->top = rb_cli_integer(state, "top", argument, 1, 1000000);
        break;
    case OPT_CLASS_NAMES:
        a->class_names = argument;
        break;
    case OPT_RESIZE:
        a->resize = rb_cli_resize(state, argument);
        break;
    case OPT_CROP:
        rb_cli_crop(state, argument, &a->crop_height, &a->crop_width);
        break;
    case OPT_JSON:
        a->json = true;
        break;
    case ARGP_KEY_ARGS:
        a->photos = state->argv + state->next;
        a->photo_count = (size_t)(state->argc - state->next);
        break;
    case ARGP_KEY_END:
        if (a->photo_count == 0 || !a->weights)
            argp_error(state, "a photograph and --weights are needed");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What the weights say, changed by what the user says. */
static rb_status choose_preprocessing(classifier *c, const rb_network *network, rb_error *err) {
    const classify_arguments *a = c->arguments;
    c->assumes = strcmp(c->info.preprocessing, "none") == 0;
    return rb_preprocess_choose(c->info.preprocessing, a->weights, a->resize, a->crop_height,
                                a->crop_width, network->size, &c->preprocess, err);
}

/* Ten classes are CIFAR-10's in a CIFAR network alone. */
static rb_status load_names(classifier *c, const rb_network *network, rb_error *err) {
    const char *path = c->arguments->class_names;
    const int64_t classes = c->info.classes;
    const bool known = classes == RB_IMAGENET_CLASSES ||
                       (classes == RB_CIFAR10_CLASSES && network->stem == RB_STEM_CIFAR);
    return path || known ? rb_class_names_load(path, classes, &c->names, err) : RB_OK;
}

/* What is wrong with a file is said by itself; what is wrong with an engine needs its name. */
static rb_status blame(const classifier *c, rb_status status, const rb_error *why, rb_error *err) {
    if (status == RB_OK)
        return RB_OK;
    if (status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return rb_fail(err, status, "%s", why->message);
    return rb_fail(err, status, "engine %.200s: %.800s", c->arguments->engine, why->message);
}

static rb_status open_engine(classifier *c, rb_error *err) {
    const classify_arguments *a = c->arguments;
    char path[RB_PATH_CAPACITY];
    rb_error why;
    const rb_status status = rb_engine_find(a->engine, path, err);
    if (status != RB_OK)
        return status;
    const rb_case_spec spec = {.engine_path = path,
                               .network = c->info.network,
                               .weights = a->weights,
                               .batch = 1,
                               .height = c->preprocess.crop_height,
                               .width = c->preprocess.crop_width,
                               .classes = c->info.classes,
                               .threads = a->engine_options.threads,
                               .verbose = a->engine_options.verbose};
    return blame(c, rb_remote_open(&a->engine_options.worker, &spec, &c->remote, &why), &why, err);
}

static rb_status open_all(classifier *c, rb_error *err) {
    const rb_network *network;
    rb_graph *graph = NULL;
    rb_status status = rb_weights_inspect(c->arguments->weights, &c->info, &graph, err);
    rb_graph_destroy(graph);
    if (status == RB_OK)
        status = rb_network_find(c->info.network, &network, err);
    if (status == RB_OK)
        status = choose_preprocessing(c, network, err);
    if (status == RB_OK)
        status = load_names(c, network, err);
    if (status == RB_OK)
        status = open_engine(c, err);
    if (status != RB_OK)
        return status;
    const int64_t pixels = c->preprocess.crop_height * c->preprocess.crop_width;
    c->src = malloc((size_t)(3 * pixels) * sizeof *c->src);
    c->logits = malloc((size_t)c->info.classes * sizeof *c->logits);
    if (c->arguments->json)
        c->json = json_array();
    return c->src && c->logits ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "no memory for an image");
}

static void close_all(classifier *c) {
    rb_remote_close(c->remote);
    rb_class_names_destroy(c->names);
    free(c->src);
    free(c->logits);
    json_decref(c->json);
}

/* Softmax in place: no overflow, since nothing exceeds exp(0). */
static void softmax(double *values, int64_t count) {
    double largest = values[0], sum = 0;
    for (int64_t i = 1; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (int64_t i = 0; i < count; i++) {
        values[i] = exp(values[i] - largest);
        sum += values[i];
    }
    for (int64_t i = 0; i < count; i++)
        values[i] /= sum;
}

/* The class of the largest of what is left, the lowest of equal ones; it is taken out. */
static int64_t take_largest(double *values, int64_t count, double *value) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    *value = values[best];
    values[best] = -1; /* below every probability */
    return best;
}

static const char *shown(const char *path, char clean[RB_PATH_CAPACITY]) {
    snprintf(clean, RB_PATH_CAPACITY, "%s", path);
    rb_text_clean(clean);
    return clean;
}

static void print_top(const classifier *c, const char *path, double *probabilities) {
    const int64_t classes = c->info.classes;
    const int64_t top = c->arguments->top < classes ? c->arguments->top : classes;
    char clean[RB_PATH_CAPACITY];
    json_t *all = json_array();
    shown(path, clean);
    if (!c->json)
        printf("%s\n", clean);
    for (int64_t i = 0; i < top; i++) {
        double probability;
        const int64_t index = take_largest(probabilities, classes, &probability);
        char number[32];
        snprintf(number, sizeof number, "class %lld", (long long)index);
        const char *name = c->names ? rb_class_name(c->names, index) : number;
        if (c->json)
            json_array_append_new(all, json_pack("{s:I, s:s, s:f}", "class", (json_int_t)index,
                                                 "name", name, "probability", probability));
        else
            printf("  %8.4f %%  %s\n", 100 * probability, name);
    }
    if (c->json)
        json_array_append_new(c->json, json_pack("{s:s, s:O}", "file", clean, "top", all));
    json_decref(all);
}

static void tell_of_assumption(classifier *c) {
    if (c->assumes)
        fprintf(stderr, "%s says nothing about preprocessing: torchvision's is used\n",
                c->arguments->weights);
    c->assumes = false;
}

/* A network of CIFAR-10 looks at 32 x 32 pixels, and its weights ask for no resize. */
static void tell_of_crop(classifier *c, const char *path, const rb_image *image) {
    const rb_preprocess *p = &c->preprocess;
    char clean[RB_PATH_CAPACITY];
    if (c->told || p->resize || c->arguments->resize != RB_RESIZE_STORED ||
        image->height * image->width < 4 * p->crop_height * p->crop_width)
        return;
    c->told = true;
    fprintf(stderr,
            "%s: of its %lldx%lld pixels the network sees the middle %lldx%lld: the weights ask "
            "for no resize; with --resize %lld it sees more\n",
            shown(path, clean), (long long)image->height, (long long)image->width,
            (long long)p->crop_height, (long long)p->crop_width,
            (long long)(p->crop_height > p->crop_width ? p->crop_height : p->crop_width));
}

static rb_status prepare(classifier *c, const char *path, rb_error *err) {
    rb_image *image;
    rb_status status = rb_image_decode_file(path, &image, err);
    if (status == RB_OK)
        status = rb_preprocess_image(&c->preprocess, path, image, c->src, err);
    if (status == RB_OK) {
        tell_of_assumption(c);
        tell_of_crop(c, path, image);
    }
    rb_image_destroy(image);
    return status;
}

/* A photograph that cannot be used is told and passed over; what is the engine's ends the command.
 */
static rb_status classify_file(classifier *c, const char *path, rb_error *err) {
    double run_ns;
    rb_error why;
    rb_status status = prepare(c, path, err);
    if (status == RB_ERR_INPUT || status == RB_ERR_UNSUPPORTED) {
        const int code = rb_cli_fail(status, err);
        if (c->code == RB_EXIT_FINE)
            c->code = (rb_exit)code;
        return RB_OK;
    }
    if (status == RB_OK)
        status = blame(c, rb_remote_logits(c->remote, c->src, 1, false, c->logits, &run_ns, &why),
                       &why, err);
    for (int64_t i = 0; status == RB_OK && i < c->info.classes; i++)
        if (!isfinite(c->logits[i]))
            status = rb_fail(err, RB_ERR_ENGINE, "%s left logit %lld of %s NaN or infinite",
                             c->arguments->engine, (long long)i, path);
    if (status == RB_OK) {
        softmax(c->logits, c->info.classes);
        print_top(c, path, c->logits);
    }
    return status;
}

static rb_status classify_path(classifier *c, const char *path, rb_error *err) {
    struct stat entry;
    if (stat(path, &entry) != 0 || !S_ISDIR(entry.st_mode))
        return classify_file(c, path, err);
    rb_image_list *list;
    rb_status status = rb_image_folder_list(path, 0, &list, err);
    for (size_t i = 0; status == RB_OK && i < list->count; i++)
        status = classify_file(c, list->paths[i], err);
    rb_image_list_destroy(list);
    return status;
}

int rb_command_classify(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .children = rb_engine_children,
                                     .args_doc = "PHOTO|DIR...",
                                     .doc = doc};
    classify_arguments a = {.engine = "onednn", .top = 5, .resize = RB_RESIZE_STORED};
    classifier c = {.arguments = &a, .code = RB_EXIT_FINE};
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    rb_engine_options_watch(&a.engine_options);
    rb_status status = open_all(&c, &err);
    for (size_t i = 0; status == RB_OK && i < a.photo_count; i++)
        status = classify_path(&c, a.photos[i], &err);
    if (c.json && status == RB_OK) {
        json_dumpf(c.json, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    close_all(&c);
    return status == RB_OK ? (int)c.code : rb_cli_fail(status, &err);
}
