/* From logits to what is kept of an image, and from that to verdicts. */
#ifndef BENCH_ACCURACY_JUDGE_H
#define BENCH_ACCURACY_JUDGE_H

#include "results/accuracy.h"

/* logits and oracle: (classes). oracle NULL: not compared. label: negative for none. */
rb_accuracy_image rb_accuracy_score(const double *logits, const double *oracle, int64_t classes,
                                    int32_t label);

/* Gives every engine its verdict, note and limit, by docs/design.md's rules of network and task.
 * An engine is not judged (RB_VERDICT_NONE) when the oracle has not
 * answered all that it has, and none in a part of a job: the limits rest on images of all parts. */
void rb_accuracy_judge(rb_accuracy *accuracy);

#endif
