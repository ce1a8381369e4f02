#include "bench/case_parts.h"
#include "bench/process_memory.h"

double rb_case_buffer_bytes(const rb_case *c) {
    return (double)RB_CASE_INPUTS * (double)rb_case_src_bytes(c) + (double)rb_case_addend_bytes(c) +
           (1.0 + RB_CASE_INPUTS) * (double)rb_case_dst_bytes(c);
}

/* What the engine holds as far as the harness knows: the host's account, and weights that the
 * engine reads where they lie. */
static rb_memory known_memory(const rb_case *c) {
    rb_memory known = rb_host_memory_held(c->host);
    if (rb_case_keeps_weights(c))
        known.bytes[RB_MEMORY_WEIGHTS] += rb_case_source_weight_bytes(&c->source);
    return known;
}

static rb_status judge_memory(const rb_case *c, rb_memory *memory, rb_error *err) {
    static const char *const kinds[RB_MEMORY_KINDS] = {"weights", "activations", "scratch"};
    const rb_memory held = rb_host_memory_held(c->host), known = known_memory(c);
    const int64_t all = rb_process_memory_now().virtual_bytes;
    rb_status status = rb_case_status_of_engine(c->engine->memory(c->session, memory, err));
    for (int kind = 0; status == RB_OK && kind < RB_MEMORY_KINDS; kind++) {
        const int64_t told = memory->bytes[kind];
        if (told == -1)
            memory->bytes[kind] = known.bytes[kind] > 0 ? known.bytes[kind] : -1;
        else if (told < held.bytes[kind])
            status =
                rb_fail(err, RB_ERR_ENGINE,
                        "engine %s reports %lld bytes of %s but holds %lld of the host's",
                        c->engine->name, (long long)told, kinds[kind], (long long)held.bytes[kind]);
        else if (all >= 0 && told > all)
            status = rb_fail(err, RB_ERR_ENGINE,
                             "engine %s reports %lld bytes of %s, the process never had more than "
                             "%lld",
                             c->engine->name, (long long)told, kinds[kind], (long long)all);
        else
            memory->bytes[kind] = told + known.bytes[kind] - held.bytes[kind];
    }
    return status;
}

rb_status rb_case_memory(const rb_case *c, rb_memory *memory, rb_error *err) {
    if (c->engine->memory)
        return judge_memory(c, memory, err);
    const rb_memory known = known_memory(c);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        memory->bytes[kind] = known.bytes[kind] > 0 ? known.bytes[kind] : -1;
    return RB_OK;
}

rb_memory_marks rb_case_marks(const rb_case *c) {
    rb_memory_marks marks = c->marks;
    rb_memory_mark_now(&marks);
    marks.ledger.host_peak_bytes = rb_host_memory_peak(c->host);
    marks.ledger.buffer_bytes = (int64_t)rb_case_buffer_bytes(c);
    return marks;
}
