#include "bench/memory_need.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/case.h"
#include "bench/machine.h"
#include "model/graph_cost.h"

#define MIB ((double)(1 << 20))
#define GIB (1024 * MIB)
#define SIZE_CAPACITY 24
#define PROCESS_BYTES (32 * MIB) /* a worker with an engine's libraries: see `start`, `engine` */

rb_engine_kind rb_engine_kind_of(const char *label) {
    return strcmp(label, "oracle") == 0      ? RB_ENGINE_ORACLE
           : strcmp(label, "reference") == 0 ? RB_ENGINE_REFERENCE
                                             : RB_ENGINE_ANY;
}

static double logits_bytes(const rb_graph *graph, rb_engine_kind kind) {
    const size_t size = kind == RB_ENGINE_ORACLE ? sizeof(double) : sizeof(float);
    return (double)graph->batch * (double)graph->classes * (double)size;
}

double rb_memory_need_worker(const rb_graph *graph, rb_engine_kind kind) {
    const double weights = (double)rb_graph_weight_bytes(graph);
    const double bound = (double)rb_graph_activation_bound_bytes(graph);
    const double input = (double)rb_graph_input_bytes(graph);
    const double width = kind == RB_ENGINE_ORACLE ? 2 : 1; /* of a value, in float32 */
    const double file = kind == RB_ENGINE_ORACLE ? 2 * weights : weights;
    const double activations = kind == RB_ENGINE_ANY ? bound : 2 * width * bound;
    return PROCESS_BYTES + file + width * weights + activations + (RB_CASE_INPUTS + 1) * input +
           (RB_CASE_INPUTS + 1) * logits_bytes(graph, kind);
}

double rb_memory_need_set(const rb_graph *graph, int64_t images) {
    const double batch = (double)graph->batch;
    const double image = (double)rb_graph_input_bytes(graph) / batch;
    const double logits = logits_bytes(graph, RB_ENGINE_ANY) / batch;
    return (double)images * (2 * image + logits) + (batch - 1) * image;
}

double rb_memory_need_harness(const rb_graph *graph, int64_t images) {
    const double batch = (double)rb_graph_input_bytes(graph);
    const double logits = logits_bytes(graph, RB_ENGINE_ORACLE);
    const double each = 1 / (double)graph->batch;
    return (double)images * each * (batch + 2 * logits) + RB_CASE_INPUTS * (batch + logits);
}

int64_t rb_memory_have(int64_t limit_bytes) {
    const int64_t available = rb_machine_available_bytes();
    return limit_bytes > 0 && (available < 0 || limit_bytes < available) ? limit_bytes : available;
}

/* "1.5 GiB", "12 MiB". */
static void say_size(double bytes, char text[SIZE_CAPACITY]) {
    if (bytes >= GIB)
        snprintf(text, SIZE_CAPACITY, "%.1f GiB", bytes / GIB);
    else
        snprintf(text, SIZE_CAPACITY, "%.0f MiB", bytes / MIB);
}

rb_status rb_memory_need_check(double harness, double beside, double worker, int64_t have,
                               int64_t limit_bytes, rb_error *err) {
    const double all = harness + beside + worker;
    if (have < 0 || all <= (double)have)
        return RB_OK;
    char texts[5][SIZE_CAPACITY];
    const bool limited = limit_bytes > 0 && have == limit_bytes;
    const double sizes[5] = {all, harness, beside, worker, (double)have};
    for (int i = 0; i < 5; i++)
        say_size(sizes[i], texts[i]);
    return rb_fail(
        err, RB_ERR_MEMORY,
        "not started: needs at least %s of memory (harness %s, workers beside it %s, its "
        "own %s), %s %s%s",
        texts[0], texts[1], texts[2], texts[3],
        limited ? "--memory-limit is" : "this machine, or its control group, has", texts[4],
        limited ? "" : " left");
}
