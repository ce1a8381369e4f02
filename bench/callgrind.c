#include "bench/callgrind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNTED "rb_case_call_engine"
#define SLOWNESS 50 /* of a program under valgrind, for the time limit */

rb_status rb_callgrind_version(char tool[64], rb_error *err) {
    FILE *pipe = popen("valgrind --version 2>/dev/null", "r");
    const bool told = pipe && fgets(tool, 64, pipe);
    if (pipe)
        pclose(pipe);
    if (!told || strncmp(tool, "valgrind-", 9) != 0)
        return rb_fail(err, RB_ERR_USAGE,
                       "valgrind is not installed: it counts the instructions (Debian: valgrind)");
    tool[strcspn(tool, "\n")] = '\0';
    return RB_OK;
}

/* The sum of all events in callgrind's file: "totals: 123". -1: there is none. */
static int64_t read_total(const char *path) {
    char line[512];
    long long total = -1;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "totals: %lld", &total) == 1)
            break;
    if (file)
        fclose(file);
    return total;
}

static rb_status run_once(const rb_gate_cell *cell, rb_remote *remote, rb_gate_count *row,
                          rb_error *err) {
    const int64_t images = cell->job.spec.batch, classes = cell->truth.classes;
    rb_gate_side side = {.label = row->engine};
    rb_remote_account account;
    double run_ns;
    double *logits = malloc((size_t)(images * classes) * sizeof *logits);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits");
    rb_status status =
        rb_remote_logits(remote, cell->inputs.images, images, false, logits, &run_ns, err);
    if (status == RB_OK) {
        rb_parity_add(&side.parity, cell->truth.logits, logits, images, classes, 0);
        row->parity = rb_gate_cell_judge(cell, &side, row->note, sizeof row->note);
        status = rb_remote_account_of(remote, &account, err);
    }
    free(logits);
    if (status != RB_OK)
        return status;
    row->weight_bytes = account.held.bytes[RB_MEMORY_WEIGHTS];
    row->activation_bytes = account.held.bytes[RB_MEMORY_ACTIVATIONS];
    row->scratch_bytes = account.held.bytes[RB_MEMORY_SCRATCH];
    return rb_remote_end(remote, err);
}

static rb_status count_in(const rb_gate_cell *cell, const rb_plan_engine *engine, const char *file,
                          rb_gate_count *row, rb_error *err) {
    char output[RB_PATH_CAPACITY + 32];
    snprintf(output, sizeof output, "--callgrind-out-file=%s", file);
    char program[] = "valgrind", tool[] = "--tool=callgrind", log[] = "--log-file=/dev/null";
    char counted[] = "--toggle-collect=" COUNTED;
    char *const launcher[] = {program, tool, log, output, counted, NULL};
    rb_worker_options options = cell->worker;
    options.launcher = launcher;
    options.timeout_seconds *= SLOWNESS;
    rb_case_spec spec = cell->job.spec;
    spec.engine_path = engine->path;
    spec.threads = 1;
    rb_remote *remote;
    rb_status status = rb_remote_open(&options, &spec, &remote, err);
    if (status != RB_OK)
        return status;
    const rb_remote_facts *facts = rb_remote_facts_of(remote);
    snprintf(row->engine_version, sizeof row->engine_version, "%s", facts->engine_version);
    snprintf(row->kernel_plan, sizeof row->kernel_plan, "%s", facts->kernel_plan);
    status = run_once(cell, remote, row, err);
    rb_remote_close(remote); /* the counts are written now */
    if (status != RB_OK)
        return status;
    const int64_t total = read_total(file);
    if (total <= 0)
        return rb_fail(err, RB_ERR_ENGINE,
                       "callgrind has counted nothing within " COUNTED
                       ": is the program stripped of its symbols?");
    row->instructions = total;
    return RB_OK;
}

rb_status rb_callgrind_count(const rb_gate_cell *cell, const rb_plan_engine *engine,
                             rb_gate_count *row, rb_error *err) {
    const rb_case_spec *spec = &cell->job.spec;
    const char *place = getenv("TMPDIR");
    char file[RB_PATH_CAPACITY];
    *row = (rb_gate_count){.batch = spec->batch,
                           .height = spec->height,
                           .width = spec->width,
                           .instructions = -1,
                           .weight_bytes = -1,
                           .activation_bytes = -1,
                           .scratch_bytes = -1};
    snprintf(row->network, sizeof row->network, "%s", spec->network);
    snprintf(row->engine, sizeof row->engine, "%s", engine->label);
    snprintf(file, sizeof file, "%s/resbench-callgrind-XXXXXX", place ? place : "/tmp");
    const int fd = mkstemp(file);
    if (fd < 0)
        return rb_fail(err, RB_ERR_OUTPUT, "%s: %s", file, strerror(errno));
    close(fd);
    const rb_status status = count_in(cell, engine, file, row, err);
    unlink(file);
    if (status == RB_OK || status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return status;
    row->instructions = -1; /* the engine's failure costs its row */
    snprintf(row->note, sizeof row->note, "%.250s", err->message);
    return RB_OK;
}
