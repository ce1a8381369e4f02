/* The distinct convolutions of networks, and how often each network has them. */
#ifndef CHECK_CONVOLUTIONS_H
#define CHECK_CONVOLUTIONS_H

#include "model/network.h"
#include "model/problem.h"
#include "results/kernel_record.h"

typedef struct rb_convolution_count {
    rb_problem problem; /* what is fused with it included */
    int32_t counts[RB_KERNEL_NETWORKS];
} rb_convolution_count;

typedef struct rb_convolutions {
    rb_kernel_network networks[RB_KERNEL_NETWORKS];
    size_t network_count;
    rb_convolution_count *items; /* as the networks meet them */
    size_t count, capacity;
} rb_convolutions;

/* Of networks at their own size, with one image. RB_ERR_USAGE where there are more than
 * RB_KERNEL_NETWORKS. */
rb_status rb_convolutions_collect(const rb_network *const *networks, size_t count,
                                  rb_convolutions *convolutions, rb_error *err);
void rb_convolutions_release(rb_convolutions *convolutions);

/* How often the networks have a problem, whatever its batch; NULL where none has it. */
const rb_convolution_count *rb_convolutions_find(const rb_convolutions *convolutions,
                                                 const rb_problem *problem);

#endif
