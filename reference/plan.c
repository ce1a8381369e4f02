#include "plan.h"

#include "resbench/graph_check.h"

/* The last node that reads value; its own node when nobody does, the end for the result. */
static int32_t last_reader(const rb_graph *graph, int32_t value) {
    if (value == graph->node_count - 1)
        return graph->node_count;
    for (int32_t i = graph->node_count - 1; i > value; i--)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return i;
    return value;
}

/* Of the slots that are free at node `now`: the smallest that is large enough, else the
 * largest (which then grows), else a new one. */
static int32_t choose_slot(const rb_slot *slots, int32_t count, int32_t now, int64_t elements) {
    int32_t best = count;
    for (int32_t s = 0; s < count; s++) {
        if (slots[s].busy_until >= now)
            continue;
        const bool fits = slots[s].elements >= elements;
        const bool best_fits = best < count && slots[best].elements >= elements;
        if (best == count || (fits && !best_fits) ||
            (fits == best_fits && (slots[s].elements < slots[best].elements) == fits))
            best = s;
    }
    return best;
}

int32_t rb_ref_plan_slots(const rb_graph *graph, int32_t *slot_of, rb_slot *slots) {
    int32_t count = 0;
    for (int32_t value = RB_VALUE_INPUT; value < graph->node_count; value++) {
        int64_t shape[3];
        rb_value_shape(graph, graph->node_count, value, shape);
        const int64_t elements = graph->batch * shape[0] * shape[1] * shape[2];
        const int32_t s = choose_slot(slots, count, value, elements);
        if (s == count)
            slots[count++] = (rb_slot){0};
        if (slots[s].elements < elements)
            slots[s].elements = elements;
        slots[s].busy_until = last_reader(graph, value);
        slot_of[value + 1] = s;
    }
    return count;
}
