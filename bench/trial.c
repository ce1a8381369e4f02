#include "bench/trial.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct trial_result {
    rb_status status;
    rb_error error;
} trial_result;

#if defined(RB_SANITIZED)
static void limit_memory(const char *path) {
    (void)path; /* a sanitizer's shadow takes terabytes of address space */
}
#else
/* Bytes of address space that this process has now; 0: unknown. */
static rlim_t address_space(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%llu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A file of a few kilobytes can inflate to any size, and libhdf5 lets it. */
static void limit_memory(const char *path) {
    struct stat info = {0};
    struct rlimit limit;
    if (stat(path, &info) != 0 || getrlimit(RLIMIT_AS, &limit) != 0)
        return;
    const rlim_t machine = (rlim_t)sysconf(_SC_PHYS_PAGES) * (rlim_t)sysconf(_SC_PAGESIZE);
    const rlim_t file = (rlim_t)info.st_size < machine ? (rlim_t)info.st_size : machine;
    rlim_t allowed = RB_TRIAL_BYTES + file * RB_TRIAL_FILES;
    allowed = address_space() + (allowed < machine ? allowed : machine);
    if (allowed < limit.rlim_cur)
        setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = allowed, .rlim_max = limit.rlim_max});
}
#endif

static void run_child(const char *path, int fd, rb_status (*read_file)(void *ctx, rb_error *err),
                      void *ctx) {
    trial_result result = {.error = {""}};
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's report about libhdf5 helps nobody */
    signal(SIGALRM, SIG_DFL);
    alarm(RB_TRIAL_SECONDS);
    limit_memory(path);
    result.status = read_file(ctx, &result.error);
    const ssize_t written = write(fd, &result, sizeof result); /* fits into a pipe: one piece */
    _exit(written == (ssize_t)sizeof result ? 0 : 1);
}

static rb_status collect(const char *path, int fd, pid_t pid, rb_error *err) {
    trial_result result;
    size_t got = 0;
    int ended = 0;
    while (got < sizeof result) {
        const ssize_t bytes = read(fd, (char *)&result + got, sizeof result - got);
        if (bytes > 0)
            got += (size_t)bytes;
        else if (bytes == 0 || errno != EINTR)
            break;
    }
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    if (got == sizeof result)
        return result.status == RB_OK ? RB_OK
                                      : rb_fail(err, result.status, "%s", result.error.message);
    if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGALRM)
        return rb_fail(err, RB_ERR_INPUT, "%s: is damaged: reading it took more than %d s", path,
                       RB_TRIAL_SECONDS);
    return rb_fail(err, RB_ERR_INPUT, "%s: is damaged: reading it ended in a crash of libhdf5",
                   path);
}

rb_status rb_trial(const char *path, rb_status (*read_file)(void *ctx, rb_error *err), void *ctx,
                   rb_error *err) {
    int ends[2];
    if (pipe(ends) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no pipe to read %s: %s", path, strerror(errno));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(path, ends[1], read_file, ctx);
    }
    close(ends[1]);
    const rb_status status =
        pid > 0 ? collect(path, ends[0], pid, err)
                : rb_fail(err, RB_ERR_MEMORY, "no process to read %s: %s", path, strerror(errno));
    close(ends[0]);
    return status;
}
