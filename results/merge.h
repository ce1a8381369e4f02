/* Results of parts of a run, measured on several machines alike, as one. */
#ifndef RESULTS_MERGE_H
#define RESULTS_MERGE_H

#include "results/report.h"

/* Reads the results.json of each path (a file, or the directory that holds it) and makes one report
 * of all: rows sorted by network, size, batch and threads; the context of the first, with all host
 * names, how many files it is made of and the lowest grade. Refused are
 *   RB_ERR_NOT_COMPARABLE: unlike machines or methods (results/likeness.h); one network with two
 *       weights or two ways to prepare images; one engine's name for two files; parts of two runs;
 *   RB_ERR_INPUT: a cell, or a shard, that is in two files; and unless partial, a shard that is
 *       missing, or has fewer rows than it was to have.
 * The sentence names both files. On RB_OK the caller releases *merged with rb_report_release. */
rb_status rb_merge(const char *const *paths, size_t count, bool partial, rb_report *merged,
                   rb_error *err);

#endif
