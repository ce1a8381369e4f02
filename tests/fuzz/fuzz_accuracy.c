/* accuracy-images.json of an earlier job -> what engines said of four images, and the tables of it;
 * and of a part of a job, which the file alone describes. */
#include "../unit/test_accuracy_support.h"

#include "base/atomic_file.h"
#include "fuzz_file.h"
#include "results/accuracy_file.h"
#include "results/accuracy_tables.h"

static void sum_up(const rb_accuracy *job) {
    for (size_t e = 0; e < job->engine_count; e++) {
        const rb_accuracy_engine *engine = &job->engines[e];
        FUZZ_REQUIRE(engine->done >= 0 && engine->done <= job->count);
        const rb_accuracy_sums sums = rb_accuracy_sum(job, engine);
        FUZZ_REQUIRE(sums.top1_right <= sums.top5_right && sums.top5_right <= sums.labelled);
        FUZZ_REQUIRE(sums.labelled <= job->count && sums.compared <= job->count);
        FUZZ_REQUIRE(sums.outside <= sums.differ);
    }
    FILE *out = fopen("/dev/null", "w");
    FUZZ_REQUIRE(out);
    rb_accuracy_terminal(job, out);
    rb_accuracy_markdown(job, out);
    rb_accuracy_csv(job, out);
    fclose(out);
}

static void read_part(void) {
    static rb_accuracy_part part;
    char path[RB_PATH_CAPACITY];
    rb_error err = {""};
    FUZZ_REQUIRE(rb_path_in(scratch.directory, RB_ACCURACY_IMAGES, path, &err) == RB_OK);
    const rb_status status = rb_accuracy_part_load(path, &part, &err);
    if (status == RB_OK)
        sum_up(&part.accuracy);
    else
        fuzz_check_refusal(status, &err);
    rb_accuracy_part_release(&part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const engines[] = {"oracle", "onednn", NULL};
    rb_error err = {""};
    rb_accuracy job = make_job(engines, 4, 3, 2);
    fuzz_file(RB_ACCURACY_IMAGES, data, size);
    const rb_status status = rb_accuracy_images_read(scratch.directory, &job, &err);
    if (status == RB_OK)
        sum_up(&job);
    else
        fuzz_check_refusal(status == RB_ERR_NOT_COMPARABLE ? RB_ERR_INPUT : status, &err);
    job_release(&job);
    read_part();
    return 0;
}
