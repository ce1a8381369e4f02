#include "bench/worker_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own_path.h"
#include "base/text.h"
#include "bench/clock.h"
#include "bench/peer.h"
#include "bench/worker.h"

#define EXIT_GRACE_NS 2000000000
#define LAUNCHER_GRACE_NS 60000000000

struct rb_worker {
    rb_worker_options options;
    rb_worker_state state; /* in process only */
    pid_t pid;             /* 0: none, or gone */
    int fd;
    rb_status end; /* why the process is gone */
    rb_error why;
};

/* Where memory runs out all the same, the system shall end the worker and leave the harness with
 * what it has measured (man proc_pid_oom_score_adj). System calls only. */
static void offer_to_oom_killer(void) {
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "1000", 4); /* who may not, may go on all the same */
    close(fd);
}

/* argv: what to start instead of this program; NULL: nothing. */
static rb_status spawn(rb_worker *worker, char *const *argv, rb_error *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no socket for a worker: %s", strerror(errno));
    const rb_worker_options *options = &worker->options;
    char own[RB_PATH_CAPACITY];
    const bool named = rb_own_program(own, NULL) == RB_OK;
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return rb_fail(err, RB_ERR_MEMORY, "no process for a worker: %s", strerror(errno));
    }
    if (pid == 0) {
        /* Between fork and exec: system calls only. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (options->kept)
            sched_setaffinity(0, sizeof options->processors, &options->processors);
        offer_to_oom_killer();
        if (getppid() != parent || dup2(ends[1], STDIN_FILENO) < 0)
            _exit(127);
        if (argv) {
            execvp(argv[0], argv);
            _exit(127);
        }
        execl("/proc/self/exe", "resbench", "worker", (char *)NULL);
        if (named) /* there is no /proc */
            execl(own, "resbench", "worker", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    worker->pid = pid;
    worker->fd = ends[0];
    return RB_OK;
}

static rb_status spawn_peer(rb_worker *worker, rb_error *err) {
    rb_peer_command *command = malloc(sizeof *command);
    if (!command)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a worker");
    rb_status status =
        rb_peer_command_make(worker->options.peer, worker->options.timeout_seconds, command, err);
    if (status == RB_OK)
        status = spawn(worker, command->argv, err);
    free(command);
    return status;
}

static rb_status spawn_launched(rb_worker *worker, rb_error *err) {
    char own[RB_PATH_CAPACITY], operation[] = "worker";
    char *argv[RB_MAX_LAUNCHER + 3];
    size_t count = 0;
    const rb_status status = rb_own_program(own, err);
    if (status != RB_OK)
        return status;
    while (count < RB_MAX_LAUNCHER && worker->options.launcher[count]) {
        argv[count] = worker->options.launcher[count];
        count++;
    }
    argv[count++] = own;
    argv[count++] = operation;
    argv[count] = NULL;
    return spawn(worker, argv, err);
}

static rb_status start(rb_worker *worker, rb_error *err) {
    if (worker->options.peer && worker->options.in_process)
        return rb_fail(err, RB_ERR_USAGE,
                       "a peer always has a process of its own: leave out --no-worker");
    if (worker->options.peer)
        return spawn_peer(worker, err);
    if (worker->options.launcher)
        return spawn_launched(worker, err);
    return worker->options.in_process ? RB_OK : spawn(worker, NULL, err);
}

rb_status rb_worker_start(const rb_worker_options *options, rb_worker **started, rb_error *err) {
    *started = NULL;
    rb_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a worker");
    worker->options = *options;
    worker->fd = -1;
    const rb_status status = start(worker, err);
    if (status == RB_OK)
        *started = worker;
    else
        free(worker);
    return status;
}

/* Collects the process; it has until grace_ns to end on its own, then it is killed. Returns its
 * wait status. */
static int reap(rb_worker *worker, int64_t grace_ns, bool *killed) {
    int status = 0;
    const int64_t deadline = rb_now_ns() + grace_ns;
    close(worker->fd);
    worker->fd = -1;
    while (waitpid(worker->pid, &status, WNOHANG) == 0) {
        if (rb_now_ns() > deadline) {
            kill(worker->pid, SIGKILL);
            while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
                continue;
            *killed = true;
            break;
        }
        usleep(1000);
    }
    worker->pid = 0;
    return status;
}

/* Turns a broken conversation into the reason that a person wants to read. last_words: what the
 * process has said of its own end; NULL: nothing. */
static rb_status fail_for_good(rb_worker *worker, rb_status status, const char *last_words,
                               rb_error *err) {
    bool killed = false;
    const int ended = reap(worker, status == RB_ERR_CRASHED ? EXIT_GRACE_NS : 0, &killed);
    if (last_words)
        rb_fail(&worker->why, status, "%s", last_words);
    else if (status == RB_ERR_TIMEOUT)
        rb_fail(&worker->why, status, "no answer within %g s", worker->options.timeout_seconds);
    else if (status == RB_ERR_INTERRUPTED)
        rb_fail(&worker->why, status, "interrupted");
    else if (status == RB_ERR_CRASHED && killed)
        rb_fail(&worker->why, status, "it closed its connection");
    else if (status == RB_ERR_CRASHED && WIFSIGNALED(ended))
        rb_fail(&worker->why, status, "killed by signal SIG%s (%s)%s",
                sigabbrev_np(WTERMSIG(ended)), strsignal(WTERMSIG(ended)),
                WTERMSIG(ended) == SIGKILL ? ", as the system does when memory runs out" : "");
    else if (status == RB_ERR_CRASHED)
        rb_fail(&worker->why, status, "its process ended with exit code %d",
                WIFEXITED(ended) ? WEXITSTATUS(ended) : -1);
    else
        worker->why = *err;
    worker->end = status;
    return rb_fail(err, status, "%s", worker->why.message);
}

static rb_status exchange(rb_worker *worker, double seconds, const json_t *request,
                          const void *blob, size_t blob_bytes, rb_message *answer, rb_error *err) {
    const int64_t deadline =
        rb_now_ns() + (int64_t)((worker->options.timeout_seconds + seconds) * 1e9);
    rb_status status = rb_message_send(worker->fd, request, blob, blob_bytes, deadline, err);
    if (status == RB_OK)
        status = rb_message_receive(worker->fd, deadline, answer, err);
    return status == RB_OK ? RB_OK : fail_for_good(worker, status, NULL, err);
}

rb_status rb_worker_call(rb_worker *worker, json_t *request, const void *blob, size_t blob_bytes,
                         rb_message *answer, rb_error *err) {
    return rb_worker_call_for(worker, 0, request, blob, blob_bytes, answer, err);
}

rb_status rb_worker_call_for(rb_worker *worker, double seconds, json_t *request, const void *blob,
                             size_t blob_bytes, rb_message *answer, rb_error *err) {
    rb_status status = RB_OK;
    *answer = (rb_message){0};
    if (worker->options.in_process) {
        rb_message message = {
            .json = request, .blob = (void *)(uintptr_t)blob, .blob_bytes = blob_bytes};
        rb_worker_handle(&worker->state, &message, answer);
    } else if (worker->pid == 0) {
        status = rb_fail(err, worker->end, "%s", worker->why.message);
    } else {
        status = exchange(worker, seconds, request, blob, blob_bytes, answer, err);
    }
    json_decref(request);
    if (status != RB_OK)
        return status;
    const json_t *told = json_object_get(answer->json, "status");
    const json_int_t value = json_is_integer(told) ? json_integer_value(told) : RB_ERR_ENGINE;
    if (value == RB_OK)
        return RB_OK;
    char message[RB_ERROR_CAPACITY] = "";
    const char *said = json_string_value(json_object_get(answer->json, "message"));
    snprintf(message, sizeof message, "%s", said ? said : "the worker's answer is garbage");
    rb_text_clean(message);
    if (value == RB_ERR_CRASHED && worker->pid) {
        /* The last words of a process; it ends by its signal. */
        rb_message_release(answer);
        return fail_for_good(worker, RB_ERR_CRASHED, message, err);
    }
    status = rb_fail(
        err, value > RB_OK && value <= RB_ERR_INTERRUPTED ? (rb_status)value : RB_ERR_ENGINE, "%s",
        message);
    rb_message_release(answer);
    return status;
}

void rb_worker_stop(rb_worker *worker) {
    if (!worker)
        return;
    bool killed;
    if (worker->pid)
        reap(worker, worker->options.launcher ? LAUNCHER_GRACE_NS : EXIT_GRACE_NS, &killed);
    rb_case_close(worker->state.open_case);
    free(worker);
}
