#include "bench/jitter.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "loaders/synth.h"
#include "model/graph_cost.h"

#define UNIT_ROUNDOFF 0x1p-24          /* of float32 */
#define FIRST_SEED 0x6A69747465720000u /* far from those that people give to synthetic weights */

static bool is_weight(const rb_tensor_desc *tensor) {
    return tensor->ndim > 1; /* the others have one value a channel */
}

static void move(const rb_tensor_desc *tensor, const float *from, int32_t way, float *to) {
    const int64_t terms = tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
    const int64_t count = rb_tensor_elements(tensor);
    const double most = sqrt((double)terms) * UNIT_ROUNDOFF;
    rb_synth_values(tensor->name, FIRST_SEED + (uint64_t)way, count, to);
    for (int64_t i = 0; i < count; i++)
        to[i] = (float)((double)from[i] * (1 + most * (double)to[i]));
}

rb_status rb_jitter_create(const rb_graph *graph, const float *const *tensors, int32_t way,
                           float ***moved, rb_error *err) {
    float **table = calloc((size_t)graph->tensor_count, sizeof *table);
    *moved = NULL;
    for (int32_t t = 0; table && t < graph->tensor_count; t++) {
        const rb_tensor_desc *tensor = &graph->tensors[t];
        if (!is_weight(tensor)) {
            table[t] = (float *)(uintptr_t)tensors[t];
            continue;
        }
        table[t] = malloc((size_t)rb_tensor_elements(tensor) * sizeof **table);
        if (!table[t]) {
            rb_jitter_destroy(graph, table);
            table = NULL;
            break;
        }
        move(tensor, tensors[t], way, table[t]);
    }
    if (!table)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a second set of weights of %s",
                       graph->name);
    *moved = table;
    return RB_OK;
}

void rb_jitter_destroy(const rb_graph *graph, float **moved) {
    for (int32_t t = 0; moved && t < graph->tensor_count; t++)
        if (is_weight(&graph->tensors[t]))
            free(moved[t]);
    free(moved);
}
