/* How a network's answers on a data set are counted: pure functions of what engines said of each
 * image. docs/accuracy.md gives the rules. */
#ifndef RESULTS_ACCURACY_H
#define RESULTS_ACCURACY_H

#include <jansson.h>

#include "results/record.h"

#define RB_ACCURACY_MAX_ENGINES 16
#define RB_ACCURACY_MAX_NOTES 8

/* What an engine said of one image. Scores are logits. */
typedef struct rb_accuracy_image {
    int32_t top1; /* the largest logit's class, of equal ones the lowest; -1: a NaN or infinity */
    int32_t rank; /* logits no smaller than the label's, itself counted; 0: no label. So a label
                   * tied with the fifth is not among the top five. */
    double score, margin;         /* of top1; minus the second largest. NaN without a top1 */
    double oracle_score;          /* the oracle's logit of top1 */
    double max_abs_error, rel_l2; /* against the oracle; these three are NaN: not compared */
} rb_accuracy_image;

typedef struct rb_accuracy_engine {
    char engine[64], version[96];
    rb_accuracy_image *images; /* room for all, of which `done` are filled in */
    int64_t done;
    double call_ns;        /* of all its calls */
    int64_t called_images; /* in them, those that fill up a last batch included */
    rb_verdict failure;    /* CRASHED, TIMEOUT, ...; NONE: it has not failed */
    char failure_note[256];
    /* the judge's (bench/accuracy_judge.h) */
    rb_verdict verdict; /* NONE: not judged */
    char note[256];
    double rel_l2_limit; /* NaN: none */
} rb_accuracy_engine;

typedef struct rb_accuracy {
    char title[512];
    char network[64];
    const char *data; /* path of the data set, as it was given; not owned */
    int64_t count, classes, batch;
    int64_t first, whole;  /* number, in the job, of the first image here; images of the job, of
                            * which these may be a part. 0 is count */
    double moved_rel_l2;   /* how far the oracle's logits move, worst of some images, when its
                            * weights move as far as float32 sums move them (bench/jitter.h) */
    const int32_t *labels; /* (count), negative where there is none; not owned */
    const char *(*name)(void *ctx, int64_t image); /* of an image, "" for none; valid until again */
    void *name_ctx;
    rb_accuracy_engine engines[RB_ACCURACY_MAX_ENGINES];
    size_t engine_count;
    char notes[RB_ACCURACY_MAX_NOTES][320]; /* what a reader must know, a sentence each */
    size_t note_count;
    json_t *context, *identity; /* the machine; what decides whether a run may go on. Not owned */
} rb_accuracy;

rb_status rb_accuracy_allocate(rb_accuracy *accuracy, rb_error *err); /* the engines' images */
void rb_accuracy_release(rb_accuracy *accuracy);
void rb_accuracy_add_note(rb_accuracy *accuracy, const char *format, ...) RB_PRINTF(2, 3);

/* What identity, context and the other members say, in one line. */
void rb_accuracy_entitle(rb_accuracy *accuracy);

/* Not all images of the job are here, only those of one machine. */
bool rb_accuracy_is_part(const rb_accuracy *accuracy);

/* "16..31 of 50", or "50" of a whole. */
void rb_accuracy_describe_images(const rb_accuracy *accuracy, char text[80]);

/* The engine called oracle; NULL: there is none. */
const rb_accuracy_engine *rb_accuracy_oracle(const rb_accuracy *accuracy);

/* 95 % interval of a share, Wilson's (1927) without continuity correction, in 0..1; NaN for none
 * of 0. */
void rb_wilson(int64_t right, int64_t all, double *low, double *high);

/* Sums over the images that an engine has done. */
typedef struct rb_accuracy_sums {
    int64_t labelled, top1_right, top5_right;
    int64_t non_finite;           /* images with a NaN or an infinity */
    int64_t compared;             /* with the oracle */
    double max_abs_error, rel_l2; /* worst image; NaN when none is compared */
    int64_t worst_image;          /* by rel_l2; its number in the job, as in all that is shown */
    double margin_limit;          /* twice max_abs_error */
    int64_t differ, outside;      /* top1 is not the oracle's; of these beyond margin_limit */
    int64_t near_ties;            /* compared images with an oracle's margin below margin_limit */
    double images_per_second;     /* calls alone */
} rb_accuracy_sums;

rb_accuracy_sums rb_accuracy_sum(const rb_accuracy *accuracy, const rb_accuracy_engine *engine);

/* The task rule: another top-1 than the oracle's is allowed where the oracle's margin is below
 * the limit. */
bool rb_accuracy_differs(const rb_accuracy_image *oracle, const rb_accuracy_image *image);
bool rb_accuracy_may_differ(const rb_accuracy_image *oracle, double margin_limit);

/* Images that both have done, and those with the same top-1 in both; a NaN agrees with nothing. */
void rb_accuracy_agreement(const rb_accuracy_engine *a, const rb_accuracy_engine *b,
                           int64_t *images, int64_t *same);

#endif
