#include "bench/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

void rb_interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool rb_interrupted(void) {
    return interrupted != 0;
}

int rb_interruptible_poll(struct pollfd *entry, const struct timespec *timeout) {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    const int ready = interrupted ? -1 : ppoll(entry, 1, timeout, &before);
    const int why = interrupted ? EINTR : errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return ready;
}
