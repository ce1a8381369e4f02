#include "loaders/class_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "loaders/class_names_builtin.h"
#include "loaders/line_reader.h"

struct rb_class_names {
    int64_t count;
    char **names;
};

static bool is_synset(const char *text) {
    return text[0] == 'n' && strspn(text + 1, "0123456789") == RB_SYNSET_LENGTH - 1;
}

static int by_synset(const void *text, const void *line) {
    return strncmp(text, *(const char *const *)line, RB_SYNSET_LENGTH);
}

int32_t rb_synset_class(const char *text) {
    if (!is_synset(text))
        return -1;
    const char *const *line =
        bsearch(text, rb_imagenet_lines, RB_IMAGENET_CLASSES, sizeof *rb_imagenet_lines, by_synset);
    return line ? (int32_t)(line - rb_imagenet_lines) : -1;
}

/* "n01440764 tench, Tinca tinca" -> "tench, Tinca tinca" */
static const char *without_synset(const char *line) {
    return is_synset(line) && line[RB_SYNSET_LENGTH] == ' '
               ? line + RB_SYNSET_LENGTH + strspn(line + RB_SYNSET_LENGTH, " ")
               : line;
}

static bool take(rb_class_names *names, int64_t index, const char *name) {
    names->names[index] = strdup(name);
    return names->names[index] != NULL;
}

static bool take_builtin(rb_class_names *names) {
    bool fine = true;
    for (int64_t i = 0; fine && i < names->count; i++) {
        char numbered[32];
        snprintf(numbered, sizeof numbered, "class %lld", (long long)i);
        fine = take(names, i,
                    names->count == RB_IMAGENET_CLASSES  ? without_synset(rb_imagenet_lines[i])
                    : names->count == RB_CIFAR10_CLASSES ? rb_cifar10_lines[i]
                                                         : numbered);
    }
    return fine;
}

static rb_status take_file(rb_class_names *names, const char *path, rb_error *err) {
    rb_line_reader reader;
    int64_t found = 0;
    bool more = true;
    rb_status status = rb_line_reader_open(path, &reader, err);
    while (status == RB_OK && more) {
        status = rb_line_reader_next(&reader, &more, err);
        if (status != RB_OK || !more)
            break;
        if (reader.line[0] == '\0')
            status = rb_fail(err, RB_ERR_INPUT, "%s: line %lld is empty, expected a class's name",
                             path, (long long)reader.number);
        else if (found < names->count && !take(names, found, without_synset(reader.line)))
            status = rb_fail(err, RB_ERR_MEMORY, "%s: no memory for its names", path);
        found++;
    }
    rb_line_reader_close(&reader);
    if (status == RB_OK && found != names->count)
        status =
            rb_fail(err, RB_ERR_INPUT, "%s: has %lld lines, expected one for each of %lld classes",
                    path, (long long)found, (long long)names->count);
    return status;
}

rb_status rb_class_names_load(const char *path, int64_t classes, rb_class_names **names,
                              rb_error *err) {
    *names = NULL;
    rb_class_names *made = calloc(1, sizeof *made);
    if (made)
        made->names = classes > 0 ? calloc((size_t)classes, sizeof *made->names) : NULL;
    if (!made || !made->names) {
        rb_class_names_destroy(made);
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the names of %lld classes",
                       (long long)classes);
    }
    made->count = classes;
    rb_status status = RB_OK;
    if (path)
        status = take_file(made, path, err);
    else if (!take_builtin(made))
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the names of %lld classes",
                         (long long)classes);
    if (status == RB_OK)
        *names = made;
    else
        rb_class_names_destroy(made);
    return status;
}

void rb_class_names_destroy(rb_class_names *names) {
    if (!names)
        return;
    for (int64_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    free(names);
}

const char *rb_class_name(const rb_class_names *names, int64_t class_index) {
    return names->names[class_index];
}
