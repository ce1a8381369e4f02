#include "loaders/image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_image_suffix(const char *name) {
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    return false;
}

/* Regular, and an image by name or, failing that, by content. What cannot be opened is none. */
static bool is_image(int folder, const char *path) {
    struct stat info;
    if (fstatat(folder, path, &info, 0) != 0 || !S_ISREG(info.st_mode))
        return false;
    if (has_image_suffix(path))
        return true;
    const int file = openat(folder, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return false;
    uint8_t magic[RB_IMAGE_MAGIC_BYTES];
    const ssize_t got = read(file, magic, sizeof magic);
    close(file);
    return got > 0 && rb_image_format_of(magic, (size_t)got) != RB_IMAGE_FORMAT_NONE;
}

/* Appends dir/name to list, whose paths have room for *room. False when memory is short. */
static bool append(rb_image_list *list, size_t *room, const char *dir, const char *name) {
    if (list->count == *room) {
        const size_t wanted = *room ? *room * 2 : 64;
        char **paths = realloc(list->paths, wanted * sizeof *paths);
        if (!paths)
            return false;
        list->paths = paths;
        *room = wanted;
    }
    const size_t dir_length = strlen(dir), name_length = strlen(name);
    const bool slash = dir_length > 0 && dir[dir_length - 1] != '/';
    char *path = malloc(dir_length + slash + name_length + 1);
    if (!path)
        return false;
    memcpy(path, dir, dir_length);
    path[dir_length] = '/';
    memcpy(path + dir_length + slash, name, name_length + 1);
    list->paths[list->count++] = path;
    return true;
}

/* All paths begin with the same folder, so this is the order of the names. */
static int by_path(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Every image of the open folder, unsorted. */
static rb_status read_folder(DIR *folder, const char *dir, rb_image_list *list, rb_error *error) {
    size_t room = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return rb_fail(error, RB_ERR_INPUT, "%s: cannot be read: %s", dir, strerror(errno));
        if (!entry)
            break;
        if (entry->d_name[0] != '.' && is_image(dirfd(folder), entry->d_name) &&
            !append(list, &room, dir, entry->d_name))
            return rb_fail(error, RB_ERR_MEMORY, "%s: no memory for its list of images", dir);
    }
    if (list->count == 0)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: a folder with JPEG or PNG images was expected, found none in it", dir);
    return RB_OK;
}

rb_status rb_image_folder_list(const char *dir, size_t limit, rb_image_list **list,
                               rb_error *error) {
    *list = NULL;
    rb_status status;
    rb_image_list *made = calloc(1, sizeof *made);
    DIR *folder = opendir(dir);
    if (!made) {
        status = rb_fail(error, RB_ERR_MEMORY, "%s: no memory for its list of images", dir);
        goto cleanup;
    }
    if (!folder) {
        status = rb_fail(error, RB_ERR_INPUT, "%s: cannot be opened as a folder of images: %s", dir,
                         strerror(errno));
        goto cleanup;
    }
    status = read_folder(folder, dir, made, error);
    if (status != RB_OK)
        goto cleanup;
    const size_t length = strlen(dir);
    made->root = length + (length > 0 && dir[length - 1] != '/');
    qsort(made->paths, made->count, sizeof *made->paths, by_path);
    while (limit > 0 && made->count > limit)
        free(made->paths[--made->count]);
    *list = made;
    made = NULL;
cleanup:
    rb_image_list_destroy(made);
    if (folder)
        closedir(folder);
    return status;
}

/* What is wrong with an entry of the tree; NULL when nothing is. */
static const char *tree_objection(const FTSENT *entry) {
    switch (entry->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return strerror(entry->fts_errno);
    case FTS_DC:
        return "a link leads back to a folder above it";
    case FTS_SLNONE:
        return has_image_suffix(entry->fts_name) ? "the image is a link to nothing" : NULL;
    default:
        return NULL;
    }
}

static rb_status read_tree(FTS *tree, const char *dir, rb_image_list *list, rb_error *error) {
    size_t room = 0;
    for (;;) {
        errno = 0;
        FTSENT *entry = fts_read(tree);
        if (!entry && errno)
            return rb_fail(error, RB_ERR_INPUT, "%s: cannot be read: %s", dir, strerror(errno));
        if (!entry)
            break;
        if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
            fts_set(tree, entry, FTS_SKIP);
            continue;
        }
        if (entry->fts_info == FTS_F && entry->fts_level == 0)
            return rb_fail(error, RB_ERR_INPUT,
                           "%s: a folder with JPEG or PNG images was expected, this is a file",
                           dir);
        const char *objection = tree_objection(entry);
        if (objection)
            return rb_fail(error, RB_ERR_INPUT, "%s: cannot be read: %s", entry->fts_path,
                           objection);
        if (entry->fts_info == FTS_F && is_image(AT_FDCWD, entry->fts_path) &&
            !append(list, &room, "", entry->fts_path))
            return rb_fail(error, RB_ERR_MEMORY, "%s: no memory for its list of images", dir);
    }
    if (list->count == 0)
        return rb_fail(error, RB_ERR_INPUT,
                       "%s: a folder with JPEG or PNG images was expected, found none in it", dir);
    return RB_OK;
}

rb_status rb_image_tree_list(const char *dir, rb_image_list **list, rb_error *error) {
    char path[PATH_MAX];
    *list = NULL;
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        length--;
    if (length == 0 || length >= sizeof path)
        return rb_fail(error, RB_ERR_INPUT, "'%.64s': this is no folder", dir);
    memcpy(path, dir, length);
    path[length] = '\0';
    rb_image_list *made = calloc(1, sizeof *made);
    FTS *tree = fts_open((char *const[]){path, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    rb_status status;
    if (made && tree)
        status = read_tree(tree, path, made, error);
    else
        status = rb_fail(error, RB_ERR_MEMORY, "%s: no memory for its list of images", dir);
    if (tree)
        fts_close(tree);
    if (status == RB_OK) {
        made->root = length + (path[length - 1] != '/');
        qsort(made->paths, made->count, sizeof *made->paths, by_path);
        *list = made;
    } else {
        rb_image_list_destroy(made);
    }
    return status;
}

void rb_image_list_destroy(rb_image_list *list) {
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    free(list);
}

rb_status rb_images_load(const rb_image_list *list, size_t first, size_t count,
                         const rb_preprocess *preprocess, float *dst, rb_error *error) {
    if (first > list->count || count > list->count - first)
        return rb_fail(error, RB_ERR_USAGE,
                       "%zu images from number %zu on were asked of a list of %zu", count, first,
                       list->count);
    rb_status status = rb_preprocess_check(preprocess, error);
    if (status != RB_OK)
        return status;
    const size_t elements = 3 * (size_t)preprocess->crop_height * (size_t)preprocess->crop_width;
    for (size_t i = 0; i < count && status == RB_OK; i++)
        status = rb_preprocess_file(preprocess, list->paths[first + i], dst + i * elements, error);
    return status;
}
