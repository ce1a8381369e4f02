#include "cli/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own_path.h"
#include "base/script_path.h"

#define MAX_ARGUMENTS 64

/* Tells the script where this program is: it knows the networks. */
static rb_status name_this_program(rb_error *err) {
    char own[RB_PATH_CAPACITY];
    const rb_status status = rb_own_program(own, err);
    if (status == RB_OK && setenv("RESBENCH_PROGRAM", own, 1) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a variable of the environment");
    return status;
}

/* Python has no stdout where descriptor 1 is closed, and would give its number to the next file.
 * What is opened for reading fails when it is written to, as the closed one would. */
static void fill_closed_descriptors(void) {
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return;
}

/* Python answers SIGINT with a traceback until the script has its own handler, and may be
 * importing libraries by then. What comes earlier waits: the script unblocks both signals. */
static void hold_signals(sigset_t *before) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, before);
}

rb_status rb_script_exec(const char *script, char **argv, rb_error *err) {
    const char *python = rb_python();
    char path[RB_PATH_CAPACITY];
    char *arguments[MAX_ARGUMENTS + 3] = {(char *)(uintptr_t)python, path};
    size_t count = 2;
    rb_status status = rb_script_path(script, path, err);
    if (status != RB_OK)
        return status;
    for (; *argv; argv++) {
        if (count == MAX_ARGUMENTS + 2)
            return rb_fail(err, RB_ERR_USAGE, "more than %d arguments", MAX_ARGUMENTS);
        arguments[count++] = *argv;
    }
    status = name_this_program(err);
    if (status != RB_OK)
        return status;
    fflush(NULL);
    fill_closed_descriptors();
    sigset_t before;
    hold_signals(&before);
    execvp(python, arguments);
    const int why = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rb_fail(err, RB_ERR_INPUT, "%s: cannot be run: %s; set RESBENCH_PYTHON", python,
                   strerror(why));
}
