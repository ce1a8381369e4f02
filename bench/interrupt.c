#include "bench/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t interrupted;
static sigset_t start_mask;
static bool installed;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

void rb_interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &start_mask);
    installed = true;
}

bool rb_interrupted(void) {
    return interrupted != 0;
}

const sigset_t *rb_interrupt_wait_mask(void) {
    return installed ? &start_mask : NULL;
}
