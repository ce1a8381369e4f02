#include "adapter.h"

#include <pthread.h>
#include <stdlib.h>

#include "session.h"

static rb_status memory_of(const rb_session *s, rb_memory *memory, rb_error *err) {
    (void)err;
    *memory = rb_account_held(s->account);
    return RB_OK;
}

static const char *kernel_of(const rb_session *s, int32_t node) {
    return s->nodes[node].kernel;
}

static rb_algorithm algorithm_of(const rb_session *s, int32_t node) {
    return s->nodes[node].convolution.prepared ? s->nodes[node].convolution.choice.algorithm
                                               : RB_ALGORITHM_DIRECT;
}

/* Of a plug-in only what it has told, 0 being nothing. */
static int64_t executed_macs_of(const rb_session *s, int32_t node) {
    const rb_adapted *adapted = &s->nodes[node];
    const rb_engine *reference = s->adapter->reference;
    if (adapted->reference)
        return reference->executed_macs(adapted->reference, 0);
    return adapted->convolution.choice.executed_macs > 0 ? adapted->convolution.choice.executed_macs
                                                         : -1;
}

static rb_adapter *create(const rb_kernel *kernel, const rb_engine *reference) {
    rb_adapter *adapter = calloc(1, sizeof *adapter);
    if (!adapter)
        return NULL;
    adapter->kernel = kernel;
    adapter->reference = reference;
    snprintf(adapter->description, sizeof adapter->description, "%.160s (kernel plug-in%s)",
             kernel->description,
             kernel->flags & RB_KERNEL_PARTIAL ? "; what it refuses is the reference's" : "");
    adapter->table = (rb_engine){.abi = RB_ENGINE_ABI,
                                 .size = sizeof(rb_engine),
                                 .name = kernel->name,
                                 .version = kernel->version,
                                 .description = adapter->description,
                                 .output_dtype = RB_F32,
                                 .flags = RB_ENGINE_CONV_ONLY,
                                 .open = rb_adapter_open,
                                 .run = rb_adapter_run,
                                 .tap = rb_adapter_tap,
                                 .memory = memory_of,
                                 .kernel = kernel_of,
                                 .algorithm = algorithm_of,
                                 .close = rb_adapter_close,
                                 .executed_macs = executed_macs_of,
                                 .profile = rb_adapter_profile};
    return adapter;
}

const rb_engine *rb_adapter_create(const rb_kernel *kernel, const rb_engine *reference) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static rb_adapter *adapters;
    pthread_mutex_lock(&lock);
    rb_adapter *found = adapters;
    while (found && (found->kernel != kernel || found->reference != reference))
        found = found->next;
    if (!found && (found = create(kernel, reference))) {
        found->next = adapters;
        adapters = found;
    }
    pthread_mutex_unlock(&lock);
    return found ? &found->table : NULL;
}
