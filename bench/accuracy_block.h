/* Blocks of images, each of them through every engine: the oracle's logits are there when the
 * others are compared with them, and no more than a block is held. */
#ifndef BENCH_ACCURACY_BLOCK_H
#define BENCH_ACCURACY_BLOCK_H

#include "bench/accuracy.h"

typedef struct rb_accuracy_blocks rb_accuracy_blocks;

/* The pointers must outlive *blocks. */
rb_status rb_accuracy_blocks_create(const rb_accuracy_job *job, const rb_accuracy_source *source,
                                    rb_accuracy *accuracy, rb_accuracy_blocks **blocks,
                                    rb_error *err);

/* The next block: as many batches as take about 10 s, at most 256 images or one batch. What an
 * engine said of it stands in accuracy when the engine is through, none of it before. *more:
 * whether there was anything left to do. A failure of an engine ends that engine and is RB_OK. */
rb_status rb_accuracy_block_run(rb_accuracy_blocks *blocks, bool *more, rb_error *err);

/* Closes the sessions; an engine may fail there, too. */
rb_status rb_accuracy_blocks_end(rb_accuracy_blocks *blocks, rb_error *err);

void rb_accuracy_blocks_destroy(rb_accuracy_blocks *blocks); /* NULL is fine */

#endif
