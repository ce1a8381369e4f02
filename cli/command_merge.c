#include <stdlib.h>
#include <unistd.h>

#include "bench/accuracy_merge.h"
#include "cli/accuracy_console.h"
#include "results/accuracy_file.h"
#include "results/accuracy_report.h"
#include "results/merge.h"
#include "results/tables.h"

enum { OPT_PARTIAL = 256 };

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "Where the results go (default: resbench-results/<time>)", 0},
    {"partial", OPT_PARTIAL, NULL, 0, "Merge what is there of a run whose parts are not complete",
     0},
    {0}};

static const char doc[] =
    "Makes one result of those of several machines."
    "\v"
    "Each PATH is a results.json of 'resbench run' or an accuracy-images.json of 'resbench "
    "accuracy', or a directory that holds one, usually of '--shard'; all of one kind. Nothing may "
    "be there twice, and nothing may contradict: machines and methods must "
    "be alike, a network must have the same weights everywhere, and an engine be the same file. "
    "Parts of a split run must all be there, each with all its rows, unless --partial is given. "
    "('resbench compare --across-machines' is for machines that are not alike.) Of accuracy, "
    "counts "
    "and agreement are made and judged anew, and parts may be of different processors, which a "
    "note "
    "says.\n\n"
    "Example:\n"
    "  resbench merge shard-1 shard-2 shard-3 -o whole\n\n" RB_EXIT_HELP;

typedef struct merge_arguments {
    const char **paths, *output;
    size_t count;
    bool partial;
} merge_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    merge_arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = argument;
        break;
    case OPT_PARTIAL:
        a->partial = true;
        break;
    case ARGP_KEY_ARG:
        a->paths[a->count++] = argument;
        break;
    case ARGP_KEY_END:
        if (a->count == 0)
            argp_error(state, "give the results that are to be merged");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool holds_results(const char *directory) {
    char path[RB_PATH_CAPACITY + sizeof RB_REPORT_JSON];
    snprintf(path, sizeof path, "%s/%s", directory, RB_REPORT_JSON);
    return access(path, F_OK) == 0;
}

static rb_status merge(const merge_arguments *a, char directory[RB_PATH_CAPACITY],
                       rb_report *report, rb_error *err) {
    rb_status status = rb_cli_results_directory(a->output, RB_REPORT_JSON, true, directory, err);
    if (status == RB_OK && holds_results(directory))
        status =
            rb_fail(err, RB_ERR_USAGE, "%s: holds results already; choose another -o", directory);
    if (status == RB_OK)
        status = rb_merge(a->paths, a->count, a->partial, report, err);
    if (status == RB_OK)
        status = rb_make_directories(directory, err);
    return status;
}

static int merge_accuracy(const merge_arguments *a) {
    static rb_accuracy_merged merged;
    char directory[RB_PATH_CAPACITY];
    rb_error err = {""};
    rb_exit code = RB_EXIT_FINE;
    rb_status status =
        rb_cli_results_directory(a->output, RB_ACCURACY_IMAGES, false, directory, &err);
    if (status == RB_OK)
        status = rb_accuracy_merge(a->paths, a->count, a->partial, &merged, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    status = rb_make_directories(directory, &err);
    if (status == RB_OK)
        status = rb_accuracy_images_write(directory, &merged.accuracy, &err);
    if (status == RB_OK)
        status = rb_accuracy_report_write(directory, &merged.accuracy, &err);
    if (status == RB_OK) {
        rb_accuracy_show(&merged.accuracy, directory);
        code = rb_accuracy_exit(&merged.accuracy);
    }
    rb_accuracy_merged_release(&merged);
    return status == RB_OK ? (int)code : rb_cli_fail(status, &err);
}

static int merge_run(const merge_arguments *a) {
    char directory[RB_PATH_CAPACITY], title[256];
    rb_report report = {0};
    rb_error err = {""};
    rb_status status = merge(a, directory, &report, &err);
    if (status == RB_OK) {
        const char *model = json_string_value(json_object_get(report.context, "cpu_model"));
        snprintf(title, sizeof title, "resbench " RB_VERSION ": %.100s, merged from %zu files",
                 model ? model : "unknown processor", a->count);
        report.directory = directory;
        report.title = title;
        status = rb_report_write(&report, &err);
    }
    if (status == RB_OK) {
        rb_table_terminal(&report.records, stdout);
        printf("\n%s/{%s,%s,%s}\n", directory, RB_REPORT_MARKDOWN, RB_REPORT_CSV, RB_REPORT_JSON);
    }
    rb_report_release(&report);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}

int rb_command_merge(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .args_doc = "PATH...", .doc = doc};
    merge_arguments a = {.paths = calloc((size_t)argc, sizeof *a.paths)};
    rb_error err = {""};
    if (!a.paths)
        return rb_cli_fail(rb_fail(&err, RB_ERR_MEMORY, "no memory"), &err);
    rb_cli_parse(&argp, argc, argv, &a);
    const int code = rb_accuracy_merge_wants(a.paths[0]) ? merge_accuracy(&a) : merge_run(&a);
    free(a.paths);
    return code;
}
