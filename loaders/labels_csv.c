#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loaders/class_names.h"
#include "loaders/image_set.h"
#include "loaders/labels.h"
#include "loaders/line_reader.h"

/* In place: blanks around a field and quotes around a value. */
static char *tidy_field(char *field) {
    field += strspn(field, " ");
    size_t length = strlen(field);
    while (length > 0 && field[length - 1] == ' ')
        field[--length] = '\0';
    if (length < 2 || field[0] != '"' || field[length - 1] != '"')
        return field;
    field[length - 1] = '\0';
    char *out = ++field;
    for (const char *in = field; *in; in++) {
        if (in[0] == '"' && in[1] == '"')
            in++;
        *out++ = *in;
    }
    *out = '\0';
    return field;
}

typedef struct table {
    const rb_image_list *list;
    rb_line_reader reader;
    int64_t classes, needed; /* classes: 0 for any */
    int32_t *values;
} table;

/* -1 when list has no such image. */
static int64_t find_image(const rb_image_list *list, const char *name) {
    size_t low = 0, high = list->count;
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(list->paths[middle] + list->root, name);
        if (order == 0)
            return (int64_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* A number or a synset; -1 for neither. */
static int64_t parse_class(const char *text) {
    char *end;
    if (strlen(text) == RB_SYNSET_LENGTH && rb_synset_class(text) >= 0)
        return rb_synset_class(text);
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    return errno || end == text || *end || text[0] == '+' || value < 0 ? -1 : value;
}

static rb_status take_class(table *t, int64_t image, const char *text, rb_error *err) {
    const int64_t class = parse_class(text);
    const int64_t limit = t->classes ? t->classes : RB_IMAGE_SET_MAX_CLASSES;
    const char *path = t->reader.path;
    const long long line = t->reader.number;
    if (class < 0)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: line %lld: a class must be a number or a synset of ImageNet, not "
                       "'%.100s'",
                       path, line, text);
    if (class >= limit)
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld: class %.100s is not one of %lld classes",
                       path, line, text, (long long)limit);
    if (t->values[image] != RB_NO_LABEL)
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld: %.300s has a line already", path, line,
                       t->list->paths[image] + t->list->root);
    t->values[image] = (int32_t) class;
    if (class >= t->needed)
        t->needed = class + 1;
    if (text[0] == 'n' && t->needed < RB_IMAGENET_CLASSES)
        t->needed = RB_IMAGENET_CLASSES;
    return RB_OK;
}

static rb_status take_line(table *t, rb_error *err) {
    char *line = t->reader.line, *comma = strrchr(line, ',');
    if (!comma)
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld: file,class was expected, not '%.100s'",
                       t->reader.path, (long long)t->reader.number, line);
    *comma = '\0';
    const char *name = tidy_field(line), *class = tidy_field(comma + 1);
    const int64_t image = find_image(t->list, name);
    if (image < 0 && t->reader.number == 1 && parse_class(class) < 0)
        return RB_OK; /* the header */
    if (image < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld: there is no image '%.300s'",
                       t->reader.path, (long long)t->reader.number, name);
    return take_class(t, image, class, err);
}

rb_status rb_labels_read_csv(const char *path, const rb_image_list *list, int64_t classes,
                             int32_t *values, int64_t *needed, rb_error *err) {
    table t = {.list = list, .classes = classes, .values = values};
    bool more = true;
    for (size_t i = 0; i < list->count; i++)
        values[i] = RB_NO_LABEL;
    rb_status status = rb_line_reader_open(path, &t.reader, err);
    while (status == RB_OK && more) {
        status = rb_line_reader_next(&t.reader, &more, err);
        if (status == RB_OK && more && t.reader.line[0])
            status = take_line(&t, err);
    }
    rb_line_reader_close(&t.reader);
    *needed = t.needed;
    return status;
}
