/* The problems that `resbench check` asks of every engine. */
#ifndef CHECK_PROBLEM_LIST_H
#define CHECK_PROBLEM_LIST_H

#include "model/problem.h"
#include "results/check_record.h"

typedef struct rb_listed_problem {
    rb_problem problem;
    char why[48];         /* a network that has it, or what is awkward about it */
    int32_t multiplicity; /* how often it occurs in ResNet-18, 34, 50, 101 and 152 together */
} rb_listed_problem;

typedef struct rb_problem_list {
    rb_listed_problem *items;
    size_t count, capacity;
} rb_problem_list;

/* For exact or operation. Every distinct convolution of the ImageNet networks (both places of the
 * stride) with batch 1 and 3, plain, with ReLU, with addition and ReLU; those of the CIFAR networks
 * and of ResNet-8 as they stand there; awkward shapes; FC, pools, shortcuts. A convolution has a
 * bias at level exact and batch norm at level operation. quick: few of each kind. */
rb_status rb_problem_list_create(rb_check_level level, bool quick, rb_problem_list *list,
                                 rb_error *err);
void rb_problem_list_release(rb_problem_list *list);

#endif
