#include "loaders/labels.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "loaders/class_names.h"
#include "loaders/image_set.h"

static const char *name_of(const rb_image_list *list, size_t image) {
    return list->paths[image] + list->root;
}

static bool is_word_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The class of a synset that stands as a word of its own within the bytes from text to end. */
static int32_t synset_within(const char *text, const char *end, int32_t *other) {
    int32_t found = RB_NO_LABEL;
    for (const char *at = text; at + RB_SYNSET_LENGTH <= end; at++) {
        const char *after = at + RB_SYNSET_LENGTH;
        const int32_t class = rb_synset_class(at);
        if (class < 0 || (at > text && is_word_byte(at[-1])) ||
            (after < end && is_word_byte(*after)))
            continue;
        if (found != RB_NO_LABEL && class != found)
            *other = class;
        found = class;
    }
    return found;
}

/* By the names of files; RB_NO_LABEL where a name has no synset. */
static rb_status label_by_name(const rb_image_list *list, int32_t *values, rb_error *err) {
    for (size_t i = 0; i < list->count; i++) {
        const char *name = name_of(list, i), *slash = strrchr(name, '/');
        int32_t other = RB_NO_LABEL;
        name = slash ? slash + 1 : name;
        values[i] = synset_within(name, name + strlen(name), &other);
        if (other != RB_NO_LABEL)
            return rb_fail(err, RB_ERR_INPUT, "%s: its name holds synsets of two classes",
                           list->paths[i]);
    }
    return RB_OK;
}

/* The folder an image lies in: *length bytes from the returned place on; NULL at the top. */
static const char *folder_of(const char *name, size_t *length) {
    const char *end = strrchr(name, '/'), *begin = end;
    if (!end)
        return NULL;
    while (begin > name && begin[-1] != '/')
        begin--;
    *length = (size_t)(end - begin);
    return begin;
}

static int32_t folder_synset(const char *name) {
    size_t length;
    const char *folder = folder_of(name, &length);
    return folder && length == RB_SYNSET_LENGTH ? rb_synset_class(folder) : RB_NO_LABEL;
}

/* Class folders in the order of strcmp, as torchvision's ImageFolder; depth 1 only. The list is
 * sorted by path, which puts "a-b/" before "a/": so a folder is looked up, not counted. */
typedef struct folder_table {
    char **names;
    size_t count;
} folder_table;

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static rb_status collect_folders(const rb_image_list *list, folder_table *folders, rb_error *err) {
    *folders = (folder_table){.names = calloc(list->count, sizeof *folders->names)};
    for (size_t i = 0; folders->names && i < list->count; i++) {
        size_t length;
        const char *name = name_of(list, i), *folder = folder_of(name, &length);
        if (folder && folder != name)
            return rb_fail(
                err, RB_ERR_INPUT,
                "%s: lies more than one folder deep; expected DIR/CLASS/image, or folders "
                "that are synsets of ImageNet",
                list->paths[i]);
        if (!folder)
            continue;
        const char *last = folders->count ? folders->names[folders->count - 1] : NULL;
        if (last && strlen(last) == length && memcmp(last, folder, length) == 0)
            continue; /* images of one folder stand together */
        char *copy = strndup(folder, length);
        if (!copy)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the names of folders");
        folders->names[folders->count++] = copy;
    }
    if (!folders->names)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the names of folders");
    qsort(folders->names, folders->count, sizeof *folders->names, by_text);
    return RB_OK;
}

static void release_folders(folder_table *folders) {
    for (size_t i = 0; i < folders->count; i++)
        free(folders->names[i]);
    free(folders->names);
}

/* "order of the folders' names (cat, dog, ...)" */
static void describe_order(const folder_table *folders, char *text, size_t capacity) {
    enum { SHOWN = 8 };
    size_t used = (size_t)snprintf(text, capacity, "order of the folders' names (");
    for (size_t i = 0; i < folders->count && i < SHOWN; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%.40s, ", folders->names[i]);
    snprintf(text + used - 2, capacity - used + 2, folders->count > SHOWN ? ", ...)" : ")");
}

static rb_status label_by_order(const rb_image_list *list, rb_labels *labels, rb_error *err) {
    folder_table folders;
    char folder[RB_PATH_CAPACITY], *key = folder;
    rb_status status = collect_folders(list, &folders, err);
    for (size_t i = 0; status == RB_OK && i < list->count; i++) {
        size_t length = 0;
        const char *name = name_of(list, i);
        labels->values[i] = RB_NO_LABEL;
        if (!folder_of(name, &length) || length >= sizeof folder)
            continue;
        memcpy(folder, name, length);
        folder[length] = '\0';
        char **found = bsearch(&key, folders.names, folders.count, sizeof *folders.names, by_text);
        labels->values[i] = found ? (int32_t)(found - folders.names) : RB_NO_LABEL;
    }
    if (status == RB_OK) {
        labels->classes = (int64_t)folders.count;
        describe_order(&folders, labels->origin, sizeof labels->origin);
    }
    release_folders(&folders);
    return status;
}

static bool any(const int32_t *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != RB_NO_LABEL)
            return true;
    return false;
}

/* Folders: *found tells whether images lie in any. synsets (count): the folders' own, where all of
 * them are such. */
static rb_status label_by_folder(const rb_image_list *list, rb_labels *labels, bool *are_synsets,
                                 bool *found, rb_error *err) {
    size_t length;
    *found = false;
    *are_synsets = true;
    for (size_t i = 0; i < list->count; i++) {
        const bool inside = folder_of(name_of(list, i), &length) != NULL;
        labels->values[i] = folder_synset(name_of(list, i));
        *found = *found || inside;
        *are_synsets = *are_synsets && (!inside || labels->values[i] != RB_NO_LABEL);
    }
    *are_synsets = *are_synsets && *found;
    if (!*found)
        return RB_OK;
    if (!*are_synsets)
        return label_by_order(list, labels, err);
    labels->classes = RB_IMAGENET_CLASSES;
    snprintf(labels->origin, sizeof labels->origin, "synsets of the folders, ImageNet's numbers");
    return RB_OK;
}

/* Two schemes that both know an image must agree. */
static rb_status compare(const rb_image_list *list, const int32_t *values, const char *origin,
                         const int32_t *by_name, rb_error *err) {
    for (size_t i = 0; i < list->count; i++)
        if (values[i] != RB_NO_LABEL && by_name[i] != RB_NO_LABEL && values[i] != by_name[i])
            return rb_fail(err, RB_ERR_INPUT,
                           "%s: is of class %d by the synset in its name, but of class %d by the "
                           "%.200s",
                           list->paths[i], by_name[i], values[i], origin);
    return RB_OK;
}

/* Folders and names; no table. */
static rb_status label_by_place(const rb_image_list *list, rb_labels *labels, int32_t *by_name,
                                rb_error *err) {
    bool found, are_synsets;
    rb_status status = label_by_name(list, by_name, err);
    if (status == RB_OK)
        status = label_by_folder(list, labels, &are_synsets, &found, err);
    if (status != RB_OK)
        return status;
    if (found)
        return compare(list, labels->values, labels->origin, by_name, err);
    memcpy(labels->values, by_name, list->count * sizeof *by_name);
    if (any(by_name, list->count)) {
        labels->classes = RB_IMAGENET_CLASSES;
        snprintf(labels->origin, sizeof labels->origin,
                 "synsets in the images' names, ImageNet's numbers");
    }
    return RB_OK;
}

/* A table, with what the names of its images say held against it unless it was asked for. */
static rb_status label_by_table(const char *path, const rb_image_list *list,
                                const rb_label_request *request, rb_labels *labels,
                                int32_t *by_name, rb_error *err) {
    rb_status status =
        rb_labels_read_csv(path, list, request->classes, labels->values, &labels->classes, err);
    snprintf(labels->origin, sizeof labels->origin, "table %.200s", path);
    if (status == RB_OK && labels->classes == 0)
        status = rb_fail(err, RB_ERR_INPUT, "%s: has no line file,class", path);
    if (status != RB_OK || request->csv)
        return status;
    for (size_t i = 0; i < list->count; i++)
        by_name[i] = folder_synset(name_of(list, i));
    status = compare(list, labels->values, labels->origin, by_name, err);
    if (status == RB_OK)
        status = label_by_name(list, by_name, err);
    return status == RB_OK ? compare(list, labels->values, labels->origin, by_name, err) : status;
}

static rb_status check_complete(const rb_image_list *list, const rb_label_request *request,
                                rb_labels *labels, rb_error *err) {
    if (request->classes && request->classes < labels->classes)
        return rb_fail(err, RB_ERR_INPUT,
                       "%.200s: needs %lld classes, more than the %lld asked for", labels->origin,
                       (long long)labels->classes, (long long)request->classes);
    if (request->classes && labels->classes)
        labels->classes = request->classes;
    for (size_t i = 0; !request->unlabelled && labels->classes && i < list->count; i++)
        if (labels->values[i] == RB_NO_LABEL)
            return rb_fail(err, RB_ERR_INPUT,
                           "%s: has no label, others have by the %.200s (--unlabelled takes it "
                           "without one)",
                           list->paths[i], labels->origin);
    return RB_OK;
}

rb_status rb_labels_find(const char *dir, const rb_image_list *list,
                         const rb_label_request *request, rb_labels *labels, rb_error *err) {
    char table[RB_PATH_CAPACITY];
    *labels = (rb_labels){.values = malloc(list->count * sizeof *labels->values)};
    int32_t *by_name = malloc(list->count * sizeof *by_name);
    rb_status status = RB_OK;
    const int length =
        snprintf(table, sizeof table, "%.*s" RB_LABELS_CSV, (int)list->root, list->paths[0]);
    const char *csv = request->csv;
    if (!csv && length < (int)sizeof table && access(table, F_OK) == 0)
        csv = table;
    if (!labels->values || !by_name)
        status = rb_fail(err, RB_ERR_MEMORY, "%s: no memory for its labels", dir);
    else if (csv)
        status = label_by_table(csv, list, request, labels, by_name, err);
    else
        status = label_by_place(list, labels, by_name, err);
    if (status == RB_OK)
        status = check_complete(list, request, labels, err);
    free(by_name);
    if (status != RB_OK)
        rb_labels_release(labels);
    return status;
}

void rb_labels_release(rb_labels *labels) {
    free(labels->values);
    *labels = (rb_labels){0};
}
