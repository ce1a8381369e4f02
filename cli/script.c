#include "cli/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"

#define MAX_ARGUMENTS 64

static const char *setting(const char *variable, const char *built_in) {
    const char *value = getenv(variable);
    return value && *value ? value : built_in;
}

/* Tells the script where this program is: it knows the networks. */
static rb_status name_this_program(rb_error *err) {
    char own[RB_PATH_CAPACITY];
    const ssize_t length = readlink("/proc/self/exe", own, sizeof own);
    if (length <= 0 || (size_t)length >= sizeof own)
        return rb_fail(err, RB_ERR_INPUT, "the program's own path cannot be read");
    own[length] = '\0';
    if (setenv("RESBENCH_PROGRAM", own, 1) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a variable of the environment");
    return RB_OK;
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
    const char *python = setting("RESBENCH_PYTHON", RB_PYTHON);
    const char *share = setting("RESBENCH_SHARE", RB_SHARE);
    char path[RB_PATH_CAPACITY];
    char *arguments[MAX_ARGUMENTS + 3] = {(char *)(uintptr_t)python, path};
    size_t count = 2;
    if (snprintf(path, sizeof path, "%s/%s", share, script) >= (int)sizeof path)
        return rb_fail(err, RB_ERR_USAGE, "the path of %s is too long", script);
    if (access(path, R_OK) != 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: there is no such program; set RESBENCH_SHARE", path);
    for (; *argv; argv++) {
        if (count == MAX_ARGUMENTS + 2)
            return rb_fail(err, RB_ERR_USAGE, "more than %d arguments", MAX_ARGUMENTS);
        arguments[count++] = *argv;
    }
    const rb_status status = name_this_program(err);
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
