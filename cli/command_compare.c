#include <string.h>

#include "cli/cli.h"
#include "results/compare_report.h"
#include "results/report_file.h"

enum {
    OPT_THRESHOLD = 256,
    OPT_RSS_TOLERANCE,
    OPT_ACROSS,
    OPT_BASE,
    OPT_STRICT,
    OPT_MARKDOWN,
    OPT_JSON,
    OPT_JUNIT
};

static const struct argp_option options[] = {
    {"threshold", OPT_THRESHOLD, "PERCENT", 0,
     "A difference of times that is of no interest (default: 5)", 0},
    {"rss-tolerance", OPT_RSS_TOLERANCE, "PERCENT", 0,
     "How far peak RSS may grow; all other memory is exact (default: 5)", 0},
    {"across-machines", OPT_ACROSS, NULL, 0,
     "Let the machines differ, and compare ratios of ratios only", 0},
    {"base", OPT_BASE, "ENGINE", 0,
     "With --across-machines: the engine that others are put in relation to (default: reference)",
     0},
    {"strict", OPT_STRICT, NULL, 0, "Exit code 5 when a cell is UNCLEAR or TOO FEW", 0},
    {"markdown", OPT_MARKDOWN, "FILE", 0,
     "Write a table for a pull request; -: to standard output, instead of the one for a terminal",
     0},
    {"json", OPT_JSON, "FILE", 0, "Write all rows and figures as JSON", 0},
    {"junit", OPT_JUNIT, "FILE", 0, "Write all cells as JUnit XML, for continuous integration", 0},
    {0}};

static const char doc[] =
    "Tells what is slower, wrong or larger in B than in A, two results of 'resbench run'."
    "\v"
    "A and B are results.json files or directories that hold one. Cells are joined by name; B/A is "
    "the ratio of the geometric means of the medians of fresh processes, with its 95 % "
    "interval.\n\n"
    "SLOWER, FASTER: significant after Holm's correction over all cells, the ratio beyond the "
    "threshold, the interval beyond 1. SAME: the whole interval within the threshold. UNCLEAR: "
    "neither. Weights, packed weights, activations and scratch are compared byte by byte.\n\n"
    "Two files are two occasions: whatever else changed on the machine between them is in the "
    "ratio. 'resbench gate' measures two builds in turns. Unlike machines are refused; with "
    "--across-machines each engine is put in relation to one base engine of its own file, and only "
    "the ratio of these ratios is told.\n\n"
    "Here 1 is a result in B that is not right or missing, 4 a cell that is SLOWER or memory that "
    "grew, 5 needs --strict, 6 is nothing that could be compared. docs/compare.md says more.\n\n"
    "Examples:\n"
    "  resbench compare before/results.json after/results.json\n"
    "  resbench compare main mine --threshold 3 --markdown comment.md --junit compare.xml\n"
    "  resbench compare epyc xeon --across-machines\n\n" RB_EXIT_HELP;

typedef struct compare_arguments {
    const char *paths[2], *base, *markdown, *json, *junit;
    size_t count;
    bool across, strict;
    rb_compare_limits limits;
} compare_arguments;

static void check_arguments(const compare_arguments *a, const struct argp_state *state) {
    const char *files[] = {a->markdown, a->json, a->junit};
    if (a->count < 2)
        argp_error(state, "two results are needed, A and B");
    if (a->base && !a->across)
        argp_error(state, "--base is for --across-machines");
    for (size_t i = 0; i < 3; i++)
        for (size_t j = i + 1; j < 3; j++)
            if (files[i] && files[j] && strcmp(files[i], files[j]) == 0)
                argp_error(state, "two kinds of output go to one file, '%s'", files[i]);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    compare_arguments *a = state->input;
    switch (key) {
    case OPT_THRESHOLD:
        a->limits.threshold = rb_cli_percent(state, "threshold", argument) / 100;
        break;
    case OPT_RSS_TOLERANCE:
        a->limits.rss_tolerance = rb_cli_percent(state, "rss-tolerance", argument) / 100;
        break;
    case OPT_ACROSS:
        a->across = true;
        break;
    case OPT_BASE:
        a->base = argument;
        break;
    case OPT_STRICT:
        a->strict = true;
        break;
    case OPT_MARKDOWN:
        a->markdown = argument;
        break;
    case OPT_JSON:
        a->json = argument;
        break;
    case OPT_JUNIT:
        a->junit = argument;
        break;
    case ARGP_KEY_ARG:
        if (a->count == 2)
            argp_error(state, "'%s' is one argument too many", argument);
        a->paths[a->count++] = argument;
        break;
    case ARGP_KEY_END:
        check_arguments(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What is compared is not overwritten. */
static rb_status check_outputs(const compare_arguments *a, rb_error *err) {
    const char *outputs[] = {a->markdown, a->json, a->junit};
    char path[RB_PATH_CAPACITY];
    rb_status status = RB_OK;
    for (size_t in = 0; status == RB_OK && in < 2; in++) {
        status = rb_report_find(a->paths[in], RB_REPORT_JSON, path, err);
        for (size_t out = 0; status == RB_OK && out < 3; out++)
            if (outputs[out])
                status = rb_check_output(outputs[out], path, err);
    }
    return status;
}

static bool to_standard_output(const compare_arguments *a) {
    return a->markdown && strcmp(a->markdown, "-") == 0;
}

static rb_status write_all(const compare_arguments *a, const rb_compare_report *report,
                           rb_error *err) {
    rb_status status = RB_OK;
    if (to_standard_output(a))
        rb_compare_markdown(report, stdout);
    else
        rb_compare_terminal(report, stdout);
    if (a->markdown && !to_standard_output(a))
        status = rb_compare_markdown_write(a->markdown, report, err);
    if (status == RB_OK && a->json)
        status = rb_compare_json_write(a->json, report, err);
    if (status == RB_OK && a->junit)
        status = rb_compare_junit_write(a->junit, report, a->strict, err);
    return status;
}

/* The gravest of all rows. */
static rb_exit judge(const rb_comparison *c, bool strict) {
    if (rb_comparison_count(c, RB_COMPARED_WRONG) + rb_comparison_count(c, RB_COMPARED_LOST) > 0)
        return RB_EXIT_WRONG;
    if (rb_comparison_count(c, RB_COMPARED_CRASHED) > 0)
        return RB_EXIT_CRASHED;
    if (rb_comparison_count(c, RB_COMPARED_SLOWER) > 0 ||
        rb_comparison_memory_count(c, RB_MEMORY_GREW) > 0)
        return RB_EXIT_SLOWER;
    if (rb_comparison_idle(c))
        return RB_EXIT_NOTHING;
    const size_t open =
        rb_comparison_count(c, RB_COMPARED_UNCLEAR) + rb_comparison_count(c, RB_COMPARED_TOO_FEW);
    return strict && open > 0 ? RB_EXIT_NOISY : RB_EXIT_FINE;
}

static rb_status compare(const compare_arguments *a, const rb_report *one, const rb_report *two,
                         rb_exit *code, rb_error *err) {
    const char *base = !a->across ? NULL : a->base ? a->base : "reference";
    rb_likeness likeness;
    rb_comparison comparison;
    rb_likeness_find(one, two, &likeness);
    rb_status status = rb_likeness_check(&likeness, a->across, err);
    if (status == RB_OK)
        status = rb_compare(one, two, &a->limits, base, &comparison, err);
    if (status != RB_OK)
        return status;
    const rb_compare_report report = {.a_path = a->paths[0],
                                      .b_path = a->paths[1],
                                      .a = one,
                                      .b = two,
                                      .likeness = &likeness,
                                      .comparison = &comparison};
    *code = judge(&comparison, a->strict);
    status = write_all(a, &report, err);
    rb_comparison_release(&comparison);
    return status;
}

int rb_command_compare(int argc, char **argv) {
    static const struct argp argp = {
        .options = options, .parser = parse, .args_doc = "A B", .doc = doc};
    compare_arguments a = {.limits = rb_compare_default_limits};
    rb_report one = {0}, two = {0};
    rb_exit code = RB_EXIT_FINE;
    rb_error err = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = check_outputs(&a, &err);
    if (status == RB_OK)
        status = rb_report_load(a.paths[0], &one, &err);
    if (status == RB_OK)
        status = rb_report_load(a.paths[1], &two, &err);
    if (status == RB_OK)
        status = compare(&a, &one, &two, &code, &err);
    rb_report_release(&one);
    rb_report_release(&two);
    return status == RB_OK ? (int)code : rb_cli_fail(status, &err);
}
