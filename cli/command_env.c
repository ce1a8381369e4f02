#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/engine_loader.h"
#include "bench/interrupt.h"
#include "bench/machine.h"
#include "bench/machine_json.h"
#include "bench/worker_client.h"
#include "cli/cli.h"
#include "cli/env_tables.h"
#include "results/report_file.h"

#define ENV_SCHEMA 1
#define STABILITY_SECONDS 1.5
#define QUICK_STABILITY_SECONDS 0.3

enum { OPT_QUICK = 256, OPT_NO_MEASURE, OPT_TREE };

static const struct argp_option options[] = {
    {"threads", 't', "N", 0, "Threads that are timed (default: this machine's cores)", 0},
    {"json", 'j', "FILE|-", 0, "Write everything as JSON; - prints it instead of the tables", 0},
    {"quick", OPT_QUICK, NULL, 0, "Measure the timer and the yardstick alone, half a second", 0},
    {"no-measure", OPT_NO_MEASURE, NULL, 0, "Facts alone", 0},
    {"tree", OPT_TREE, "DIR", 0,
     "Facts of another machine, from copies of its files in DIR/proc and DIR/sys", 0},
    {0}};

static const char doc[] =
    "Tells what this machine is, what it can do, and how far its times can be trusted."
    "\v"
    "Multiply-adds are float32 in registers. Bandwidths count bytes as STREAM does: read 4, copy "
    "8, "
    "triad 12 for each element; lines that a cache fetches before it overwrites them are not "
    "counted. The grade, A to D, is in every result file, with its reasons; docs/environment.md "
    "says how it is found.\n\n"
    "Example:\n"
    "  resbench env --json machine.json\n\n" RB_EXIT_HELP;

typedef struct env_arguments {
    int32_t threads;
    const char *json, *tree;
    bool quick, no_measure;
} env_arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    env_arguments *a = state->input;
    switch (key) {
    case 't':
        a->threads = (int32_t)rb_cli_integer(state, "threads", argument, 1, 1024);
        break;
    case 'j':
        a->json = argument;
        break;
    case OPT_QUICK:
        a->quick = true;
        break;
    case OPT_NO_MEASURE:
        a->no_measure = true;
        break;
    case OPT_TREE:
        a->tree = argument;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        break;
    case ARGP_KEY_END:
        if (a->quick && a->no_measure)
            argp_error(state, "--quick and --no-measure exclude each other");
        if (a->quick && a->tree)
            argp_error(state, "--tree is another machine: nothing can be measured");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What an engine says of itself and which libraries came with it; asked in a worker, for a
 * stranger's code must not cost the program. */
static void ask_engine(void *ctx, const char *name, const char *path) {
    rb_worker *worker = NULL;
    rb_message answer = {0};
    rb_error err;
    rb_status status = rb_worker_start(&(rb_worker_options){.timeout_seconds = 30}, &worker, &err);
    if (status == RB_OK)
        status =
            rb_worker_call(worker, json_pack("{s:s, s:s}", "op", "describe", "engine_path", path),
                           NULL, 0, &answer, &err);
    json_t *engine = json_object();
    json_object_set_new(engine, "name", json_string(name));
    if (status == RB_OK) {
        json_object_set(engine, "version", json_object_get(answer.json, "version"));
        json_object_set(engine, "libraries", json_object_get(answer.json, "libraries"));
    } else {
        json_object_set_new(engine, "message", json_string(err.message));
    }
    json_array_append_new(ctx, engine);
    rb_message_release(&answer);
    rb_worker_stop(worker);
}

static rb_status finish(const env_arguments *a, json_t *root, rb_error *err) {
    if (!a->json)
        return RB_OK;
    if (strcmp(a->json, "-") != 0)
        return rb_report_json(NULL, a->json, json_incref(root), JSON_INDENT(1), err);
    json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    return RB_OK;
}

/* Tables are shown unless JSON takes their place. */
static FILE *table_output(const env_arguments *a) {
    return a->json && strcmp(a->json, "-") == 0 ? NULL : stdout;
}

/* A tree that shows nothing is a mistake in its name. */
static rb_status read_tree(const env_arguments *a, rb_environment *e, rb_error *err) {
    char root[RB_PATH_CAPACITY], file[RB_PATH_CAPACITY];
    if (!realpath(a->tree, root))
        return rb_fail(err, RB_ERR_INPUT, "%s: there is no such directory", a->tree);
    static const char *const needed[] = {"proc/cpuinfo", "sys/devices"};
    bool found = false;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        found =
            found || (rb_path_in(root, needed[i], file, err) == RB_OK && access(file, R_OK) == 0);
    if (!found)
        return rb_fail(err, RB_ERR_INPUT, "%s: holds neither proc/cpuinfo nor sys/devices",
                       a->tree);
    *e = (rb_environment){.threads = a->threads};
    rb_machine_facts_read(root, &e->facts);
    if (e->threads == 0)
        e->threads = e->facts.usable_cores > 0 ? e->facts.usable_cores : 1;
    rb_grade_machine(&e->facts, NULL, e->threads, &e->grade);
    return RB_OK;
}

static int show_tree(const env_arguments *a) {
    rb_environment e;
    rb_error err;
    FILE *out = table_output(a);
    rb_status status = read_tree(a, &e, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    json_t *root = json_pack("{s:i, s:s, s:o}", "schema_version", ENV_SCHEMA, "tree", a->tree,
                             "context", rb_machine_facts_to_json(&e.facts));
    rb_environment_add_grade(&e, json_object_get(root, "context"));
    if (out) {
        rb_env_print_facts(&e.facts, out);
        rb_env_print_grade(&e.grade, e.threads, out);
    }
    status = finish(a, root, &err);
    json_decref(root);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}

static rb_status measure(const env_arguments *a, const rb_environment *e, json_t *root, FILE *out,
                         rb_error *err) {
    static rb_capacity capacity;
    rb_progress progress;
    const rb_status status = rb_capacity_measure(&e->facts, a->threads, &progress, &capacity, err);
    json_object_set_new(root, "capacity", rb_capacity_to_json(&capacity));
    if (out)
        rb_env_print_capacity(&capacity, out);
    return status;
}

static int show_machine(const env_arguments *a) {
    static rb_environment e;
    rb_error err;
    FILE *out = table_output(a);
    json_t *engines = json_array();
    rb_interrupt_install();
    rb_environment_look(a->threads,
                        a->no_measure ? 0
                        : a->quick    ? QUICK_STABILITY_SECONDS
                                      : STABILITY_SECONDS,
                        &e);
    json_t *context = rb_environment_context(&e);
    json_t *root = json_pack("{s:i, s:O, s:O}", "schema_version", ENV_SCHEMA, "context", context,
                             "engines", engines);
    rb_status status = rb_engine_each(ask_engine, engines, &err);
    if (status == RB_OK && out) {
        rb_env_print_facts(&e.facts, out);
        rb_env_print_software(context, engines, out);
        if (e.measured)
            rb_env_print_stability(&e.stability, out);
        fflush(out);
    }
    if (status == RB_OK && !a->quick && !a->no_measure)
        status = measure(a, &e, root, out, &err);
    if (status == RB_OK && out)
        rb_env_print_grade(&e.grade, e.threads, out);
    if (status == RB_OK)
        status = finish(a, root, &err);
    else if (status == RB_ERR_INTERRUPTED) /* what is measured stays */
        finish(a, root, NULL);
    json_decref(engines);
    json_decref(context);
    json_decref(root);
    return status == RB_OK ? RB_EXIT_FINE : rb_cli_fail(status, &err);
}

int rb_command_env(int argc, char **argv) {
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    env_arguments a = {.threads = 0};
    rb_error err;
    rb_cli_parse(&argp, argc, argv, &a);
    if (a.json && strcmp(a.json, "-") != 0) {
        const rb_status status = rb_check_directory_of(a.json, &err);
        if (status != RB_OK)
            return rb_cli_fail(status, &err);
    }
    if (a.tree)
        return show_tree(&a);
    if (a.threads == 0)
        a.threads = rb_machine_threads();
    return show_machine(&a);
}
