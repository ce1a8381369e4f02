#include "plan.h"

int32_t rb_plan_add_place(rb_plan *plan, int32_t value, rb_layout layout, rb_shape shape,
                          rb_home home) {
    plan->places[plan->place_count] = (rb_place){.value = value,
                                                 .layout = layout,
                                                 .shape = shape,
                                                 .home = home,
                                                 .first = plan->step_count,
                                                 .last = plan->step_count};
    return plan->place_count++;
}

const rb_place *rb_plan_origin(const rb_plan *plan, int32_t value) {
    int32_t i = 0;
    while (plan->places[i].value != value)
        i++;
    return &plan->places[i];
}

int32_t rb_plan_ensure(rb_plan *plan, int32_t value, rb_layout layout, int32_t node) {
    for (int32_t i = 0; i < plan->place_count; i++)
        if (plan->places[i].value == value &&
            rb_layout_same(plan->places[i].layout, layout, plan->places[i].shape))
            return i;
    const int32_t origin = (int32_t)(rb_plan_origin(plan, value) - plan->places);
    const int32_t place =
        rb_plan_add_place(plan, value, layout, plan->places[origin].shape, RB_HOME_BUFFER);
    rb_plan_add_step(plan, (rb_step){.kind = RB_STEP_REORDER,
                                     .node = node,
                                     .src = origin,
                                     .add = RB_NO_PLACE,
                                     .dst = place});
    return place;
}

void rb_plan_add_step(rb_plan *plan, rb_step step) {
    plan->places[step.src].last = plan->step_count;
    if (step.add != RB_NO_PLACE)
        plan->places[step.add].last = plan->step_count;
    plan->places[step.dst].first = plan->places[step.dst].last = plan->step_count;
    plan->steps[plan->step_count++] = step;
}

/* Of the slots that are free: the smallest that is large enough, else the largest (which then
 * grows), else a new one. */
static int32_t choose_slot(const rb_plan *plan, int32_t now, int64_t elements) {
    int32_t best = plan->slot_count;
    for (int32_t s = 0; s < plan->slot_count; s++) {
        const rb_slot *slot = &plan->slots[s];
        if (slot->busy_until >= now)
            continue;
        const bool fits = slot->elements >= elements;
        const bool best_fits = best < plan->slot_count && plan->slots[best].elements >= elements;
        if (best == plan->slot_count || (fits && !best_fits) ||
            (fits == best_fits && (slot->elements < plan->slots[best].elements) == fits))
            best = s;
    }
    return best;
}

/* Places stand in the order of the steps that write them. */
void rb_plan_assign_slots(rb_plan *plan) {
    for (int32_t i = 0; i < plan->place_count; i++) {
        rb_place *place = &plan->places[i];
        if (place->home != RB_HOME_BUFFER)
            continue;
        const int64_t elements = rb_layout_elements(place->layout, place->shape);
        place->slot = choose_slot(plan, place->first, elements);
        rb_slot *slot = &plan->slots[place->slot];
        if (place->slot == plan->slot_count)
            plan->slots[plan->slot_count++] = (rb_slot){0};
        if (slot->elements < elements)
            slot->elements = elements;
        slot->busy_until = place->last;
    }
}
