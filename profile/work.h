/* What the parts of a profile share. */
#ifndef PROFILE_WORK_H
#define PROFILE_WORK_H

#include "bench/truth.h"
#include "profile/profile.h"

typedef struct rb_profile_work {
    const rb_profile_plan *plan;
    const rb_graph *graph;
    const rb_truth *truth;
    rb_profile *profile;
} rb_profile_work;

/* Whether a call's failure costs one engine or node alone. */
static inline bool rb_profile_is_engines_own(rb_status status) {
    return status == RB_ERR_ENGINE || status == RB_ERR_UNSUPPORTED || status == RB_ERR_CRASHED ||
           status == RB_ERR_TIMEOUT || status == RB_ERR_MEMORY;
}

/* network.c: the engines within the running network. */
rb_status rb_profile_network(rb_profile_work *work, rb_error *err);

/* alone.c: the nodes alone, of those engines that have times within the network. */
rb_status rb_profile_alone(rb_profile_work *work, rb_error *err);

/* Of one of the two, the first half of all work or the second. */
void rb_profile_tell(const rb_profile_work *work, double share, const char *what);

#endif
