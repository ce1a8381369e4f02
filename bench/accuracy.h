/* The accuracy job: a data set goes through engines, block by block, and every block that is done
 * is kept in the directory of the results. */
#ifndef BENCH_ACCURACY_H
#define BENCH_ACCURACY_H

#include "bench/accuracy_source.h"
#include "bench/plan.h"
#include "bench/shard.h"
#include "results/accuracy.h"

typedef struct rb_accuracy_job {
    rb_plan plan; /* engines, directory, resume, verbose and worker; the rest unused */
    int64_t batch;
    int32_t threads;
    rb_shard shard; /* whole batches, so that an image stands in the same one in any split */
} rb_accuracy_job;

/* Begins *accuracy: engines, notes, title, and with plan.resume what an earlier job has done.
 * RB_ERR_USAGE when there are fewer batches than shards. The caller releases it with
 * rb_accuracy_end, also after an error, before the source is closed. */
rb_status rb_accuracy_begin(const rb_accuracy_job *job, rb_accuracy_source *source,
                            rb_accuracy *accuracy, rb_error *err);

/* Does what is left, judges, and writes the files, unless plan.directory is "". An engine that
 * fails costs its own row; when another status than RB_OK ends the job early, accuracy has what was
 * done until then. */
rb_status rb_accuracy_run(const rb_accuracy_job *job, const rb_accuracy_source *source,
                          rb_accuracy *accuracy, rb_error *err);

void rb_accuracy_end(rb_accuracy *accuracy);

#endif
