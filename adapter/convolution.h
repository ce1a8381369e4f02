/* One convolution of the plug-in. */
#ifndef ADAPTER_CONVOLUTION_H
#define ADAPTER_CONVOLUTION_H

#include "resbench/kernel.h"

typedef struct rb_convolution {
    rb_prepared *prepared;
    rb_kernel_choice choice;
    float *wei, *bia; /* folded; NULL once the plug-in is done with them */
} rb_convolution;

/* Folds batch norm and lets the plug-in prepare node `index`, whose operands lie as said;
 * label goes in front of what the plug-in says. On error nothing is held. */
rb_status rb_convolution_prepare(const rb_kernel *kernel, const rb_host *host,
                                 const rb_graph *graph, const rb_weights *weights, int32_t index,
                                 const char *label, rb_layout src_layout, rb_layout add_layout,
                                 rb_convolution *convolution, rb_error *err);

/* status, and "<label>: <why>" in err. */
rb_status rb_kernel_failed(const char *label, rb_status status, const rb_error *why, rb_error *err);

void rb_convolution_release(const rb_kernel *kernel, const rb_host *host,
                            rb_convolution *convolution);

#define RB_LABEL_CAPACITY 384

/* "<node> (<problem>)" */
void rb_node_label(const rb_graph *graph, int32_t index, char label[RB_LABEL_CAPACITY]);

#endif
