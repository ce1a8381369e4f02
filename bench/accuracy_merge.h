/* Parts of an accuracy job, done on several machines, as one. */
#ifndef BENCH_ACCURACY_MERGE_H
#define BENCH_ACCURACY_MERGE_H

#include "results/accuracy.h"

typedef struct rb_accuracy_merged {
    rb_accuracy accuracy; /* points into this struct: not to be moved */
    int32_t *labels;
    json_t *names; /* (count) */
    char *data;
} rb_accuracy_merged;

/* Whether path is an accuracy-images.json, or a directory with one and no results.json. */
bool rb_accuracy_merge_wants(const char *path);

/* Reads accuracy-images.json of each path (a file, or the directory that holds it), and makes of
 * them what a job that was not split would have found, judged. Refused are
 *   RB_ERR_NOT_COMPARABLE: jobs that differ in anything but images and processor, and an engine of
 *       two versions. Two processors are a note: what is counted does not depend on the time, but
 *       engines may have chosen other kernels;
 *   RB_ERR_INPUT: an image that is in two files; unless partial, images that are missing and files
 *       that are not finished; with partial, images that are missing between others.
 * Sentences name the files. With partial the result may be a part itself, or end where an engine
 * ends first. An engine that has failed in one part is left at that image, as in one job. On RB_OK
 * the caller releases *merged. */
rb_status rb_accuracy_merge(const char *const *paths, size_t count, bool partial,
                            rb_accuracy_merged *merged, rb_error *err);
void rb_accuracy_merged_release(rb_accuracy_merged *merged);

#endif
