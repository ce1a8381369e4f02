#include "bench/fault.h"

#include <jansson.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/text.h"
#include "bench/guard_pages.h"
#include "bench/message.h"

static const int signals[] = {SIGSEGV, SIGBUS};
#define SIGNALS (sizeof signals / sizeof signals[0])

static struct sigaction before[SIGNALS];
static int conversation = -1;
static char engine_name[512] = "of no name"; /* as JSON spells it */

/* Who speaks to the harness. The last that a process says is of its fault. */
enum { NOBODY, THE_WORKER, THE_FAULT };
static atomic_int speaker = NOBODY;

void rb_fault_name_engine(const char *name) {
    char clean[64];
    snprintf(clean, sizeof clean, "%s", name);
    rb_text_clean(clean);
    json_t *text = json_string(clean);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (quoted)
        snprintf(engine_name, sizeof engine_name, "%.*s", (int)strlen(quoted) - 2, quoted + 1);
    free(quoted);
    json_decref(text);
}

static void wait_for_the_end(void) {
    for (;;)
        pause();
}

void rb_fault_hold(void) {
    int nobody = NOBODY;
    if (!atomic_compare_exchange_strong(&speaker, &nobody, THE_WORKER))
        wait_for_the_end(); /* another thread has faulted and is about to end the process */
}

void rb_fault_release(void) {
    atomic_store(&speaker, NOBODY);
}

/* What follows runs in a signal handler: no locks, no memory, no stdio. */

typedef struct sentence {
    char text[1024];
    size_t length;
} sentence;

static void say(sentence *s, const char *part) {
    while (*part && s->length < sizeof s->text)
        s->text[s->length++] = *part++;
}

static void say_number(sentence *s, int64_t number) {
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        digits[--at] = '-';
    say(s, digits + at);
}

/* Whether the access was a write: bit 1 of the page fault's error code (Intel SDM 3A, 4.7). */
static const char *what_was_done(const void *context) {
#if defined(__x86_64__)
    const ucontext_t *at = context;
    return at->uc_mcontext.gregs[REG_ERR] & 2 ? "written" : "read";
#else
    (void)context;
    return "read or written";
#endif
}

static void tell(const rb_guard_place *place, const void *context) {
    sentence s = {.length = 0};
    say(&s, "{\"status\":");
    say_number(&s, RB_ERR_CRASHED);
    say(&s, ",\"message\":\"engine ");
    say(&s, engine_name);
    say(&s, " has ");
    say(&s, what_was_done(context));
    const bool behind = place->offset >= 0 && (uint64_t)place->offset >= place->bytes;
    say(&s, place->offset < 0 ? " in front of " : behind ? " behind " : " ");
    say(&s, place->label);
    say(&s, place->offset < 0 || behind ? "" : " after open, though it does not keep its weights");
    say(&s, " (at byte ");
    say_number(&s, place->offset);
    say(&s, " of ");
    say_number(&s, (int64_t)place->bytes);
    say(&s, ")\"}");
    rb_message_send_text(conversation, s.text, s.length);
}

/* Returning runs the instruction again, which then ends the process as it would have ended
 * without us: the wait status, a core file and a sanitizer's report are the fault's own. */
static void handle(int number, siginfo_t *info, void *context) {
    rb_guard_place place;
    const struct sigaction *next = &before[number == signals[0] ? 0 : 1];
    const struct sigaction fatal = {.sa_handler = SIG_DFL};
    int nobody = NOBODY;
    if (info->si_code > 0 && rb_guard_pages_find(info->si_addr, &place)) {
        if (atomic_compare_exchange_strong(&speaker, &nobody, THE_FAULT))
            tell(&place, context);
        else if (nobody == THE_FAULT)
            wait_for_the_end();
        next = &fatal;
    }
    sigaction(number, next, NULL);
    if (info->si_code <= 0)
        raise(number); /* somebody sent it: no instruction will fault again */
}

void rb_fault_install(int fd) {
    static char stack_memory[64 << 10];
    const stack_t own = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory};
    stack_t stack;
    conversation = fd;
    if (sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_DISABLE)
        sigaltstack(&own, NULL); /* of this thread; the others' own stacks do */
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
}
