/* The images of one folder, and batches of them as the network's input. */
#ifndef LOADERS_IMAGE_FOLDER_H
#define LOADERS_IMAGE_FOLDER_H

#include <stddef.h>

#include "loaders/preprocess.h"

/* Owned by the caller; read only. */
typedef struct rb_image_list {
    size_t count; /* at least 1 */
    char **paths; /* (count) "<dir>/<name>", in the order of strcmp over the names */
    size_t root;  /* bytes of "<dir>/", after which a path is <name> */
} rb_image_list;

/* The images directly in dir: regular files (or links to such) called .jpg, .jpeg or .png in any
 * case, or beginning as JPEG or PNG files do. Hidden files, folders and everything else, such
 * as labels.csv, are passed over. Of more than limit images the first limit are taken; 0 is no
 * limit. RB_ERR_INPUT when dir cannot be read or holds no image, RB_ERR_MEMORY; then *list is NULL.
 * Whether an image is whole shows when it is loaded. */
rb_status rb_image_folder_list(const char *dir, size_t limit, rb_image_list **list,
                               rb_error *error);

/* The same for all folders below dir, too, in the order of strcmp over the paths; hidden ones are
 * passed over, links are followed. RB_ERR_INPUT also for a folder that cannot be read, a link that
 * leads back to a folder above it, and an image that is a link to nothing. */
rb_status rb_image_tree_list(const char *dir, rb_image_list **list, rb_error *error);

void rb_image_list_destroy(rb_image_list *list); /* NULL is fine */

/* Images first .. first + count - 1 -> dst, (count, 3, crop_height, crop_width) floats as of
 * rb_preprocess_file. The first image that cannot be used ends it with its name in the sentence;
 * dst then holds the images before it. RB_ERR_USAGE when the list has no such images. */
rb_status rb_images_load(const rb_image_list *list, size_t first, size_t count,
                         const rb_preprocess *preprocess, float *dst, rb_error *error);

#endif
