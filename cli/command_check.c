#include <string.h>

#include "bench/engine_loader.h"
#include "bench/weights_source.h"
#include "check/check.h"
#include "check/subject.h"
#include "cli/check_console.h"
#include "cli/cli.h"
#include "cli/engine_options.h"

#define MOST_PROBLEMS 256 /* on a command line */

enum {
    OPT_LEVEL = 256,
    OPT_PROBLEM,
    OPT_INPUT,
    OPT_QUICK,
    OPT_SEED,
    OPT_SIZE,
    OPT_DATA,
    OPT_LIMIT,
    OPT_JSON,
    OPT_JUNIT
};

static const struct argp_option options[] = {
    {"level", OPT_LEVEL, "LIST", 0,
     "exact,operation,chained,network (default), and task (default with --weights and --data)", 0},
    {"problem", OPT_PROBLEM, "TEXT", 0,
     "This operation alone, such as ic64ih56oc64oh56kh3ph1+relu; may be repeated (default: "
     "every convolution of ResNet-18 to 152, awkward shapes, pools, fully connected)",
     0},
    {"input", OPT_INPUT, "LIST", 0,
     "integer,seeded,recorded (default; with --problem: integer,seeded)", 0},
    {"quick", OPT_QUICK, NULL, 0, "Fewer problems; networks of depth 18 and 50", 0},
    {"depths", 'd', "LIST", 0,
     "Networks of chained, network and of recorded input (default: 18,34,50,101,152, or those of "
     "--weights)",
     0},
    {"batch", 'b', "N", 0, "Images of chained and network (default: 2)", 0},
    {"size", OPT_SIZE, "HxW", 0, "Input size of networks (default: their own, 224x224)", 0},
    {"weights", 'w', "FILE|DIR", 0,
     "Weights, or a directory of <network>.h5 (default: synthetic, made once and cached)", 0},
    {"images", 'i', "DIR", 0, "JPEG and PNG images as input of networks (default: synthetic)", 0},
    {"data", OPT_DATA, "FILE", 0, "Labelled data set of task, as 'resbench preprocess' writes it",
     0},
    {"limit", OPT_LIMIT, "N", 0, "The first N images of --data alone (default: all)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of everything that is not from a file (default: 1)", 0},
    {"json", OPT_JSON, "FILE", 0, "Write all rows as JSON", 0},
    {"junit", OPT_JUNIT, "FILE", 0, "Write all rows as JUnit XML, for continuous integration", 0},
    {"output", 'o', "DIR", 0, "Write check.json, check.md and check.csv, with all rows, there", 0},
    {0}};

static const char doc[] =
    "Tells whether an engine is right, operation by operation and network by network, against a "
    "float64 oracle."
    "\v"
    "ENGINE is a name or the path of a shared object, an engine or a kernel plug-in. exact: small "
    "integers, so that every order of every sum gives the same float32; the values must be equal. "
    "operation: seeded and recorded values, every element within the bound that the length of its "
    "sum permits. chained: node by node through a network, the first node out of bounds is named. "
    "network: the logits. task: top-1 on labelled images. Every problem runs twice and once more "
    "with another number of threads; every buffer of the engine (64-byte aligned) ends or begins "
    "at a page that it cannot touch.\n\n"
    "--verbose shows all rows. A row that is no PASS comes with the command that repeats it in one "
    "process, so that it can "
    "run under a debugger: gdb --args resbench check ...\n\n"
    "Examples:\n"
    "  resbench check onednn --level exact,operation\n"
    "  resbench check ./mine.so --problem ic64ih56oc64oh56kh3ph1 --seed 7\n"
    "  resbench check ./mine.so --quick --junit check.xml --json check.json\n\n" RB_EXIT_HELP;

typedef struct check_arguments {
    rb_check_plan plan;
    rb_problem problems[MOST_PROBLEMS];
    rb_engine_options options;
    const char *engine, *depths, *levels, *inputs;
    rb_check_console console;
} check_arguments;

static void add_problem(check_arguments *a, const char *text, const struct argp_state *state) {
    rb_error err = {""};
    if (a->plan.problem_count == MOST_PROBLEMS)
        argp_error(state, "more than %d problems", MOST_PROBLEMS);
    if (rb_problem_parse(text, &a->problems[a->plan.problem_count], &err) != RB_OK)
        argp_error(state, "%s", err.message);
    a->plan.problems = a->problems;
    a->plan.problem_count++;
}

static error_t parse_plan(int key, char *argument, struct argp_state *state, check_arguments *a) {
    rb_check_plan *plan = &a->plan;
    switch (key) {
    case 'b':
        plan->batch = rb_cli_integer(state, "batch", argument, 1, 65536);
        break;
    case OPT_SIZE:
        rb_cli_size(state, argument, &plan->height, &plan->width);
        break;
    case 'w':
        plan->weights = argument;
        break;
    case 'i':
        plan->images = argument;
        break;
    case OPT_DATA:
        plan->data = argument;
        break;
    case OPT_LIMIT:
        plan->limit = rb_cli_integer(state, "limit", argument, 1, INT32_MAX);
        break;
    case OPT_SEED:
        plan->seed = (uint64_t)rb_cli_integer(state, "seed", argument, 0, INT64_MAX);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    check_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->options;
        break;
    case OPT_LEVEL:
        a->levels = argument;
        break;
    case OPT_PROBLEM:
        add_problem(a, argument, state);
        break;
    case OPT_INPUT:
        a->inputs = argument;
        break;
    case OPT_QUICK:
        a->plan.quick = true;
        break;
    case 'd':
        a->depths = argument;
        break;
    case OPT_JSON:
        a->console.files.json = argument;
        break;
    case OPT_JUNIT:
        a->console.files.junit = argument;
        break;
    case 'o':
        a->console.files.directory = argument;
        break;
    case ARGP_KEY_ARG:
        if (a->engine)
            argp_error(state, "'%s' is one argument too many", argument);
        a->engine = argument;
        break;
    case ARGP_KEY_END:
        if (!a->engine)
            argp_error(state, "an engine is needed, by name or path");
        break;
    default:
        return parse_plan(key, argument, state, a);
    }
    return 0;
}

static bool parse_level(const char *word, void *chosen) {
    rb_check_level level;
    const bool known = rb_check_level_parse(word, &level);
    if (known)
        ((bool *)chosen)[level] = true;
    return known;
}

static bool parse_input(const char *word, void *chosen) {
    for (int fill = 0; fill < RB_FILL_COUNT; fill++)
        if (strcmp(rb_fill_name((rb_fill)fill), word) == 0) {
            ((bool *)chosen)[fill] = true;
            return true;
        }
    return false;
}

static rb_status parse_list(const char *what, const char *known, const char *list,
                            bool (*parse_word)(const char *, void *), bool *chosen, rb_error *err) {
    char word[32];
    do {
        const size_t length = strcspn(list, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1),
                 list);
        if (length >= sizeof word || !parse_word(word, chosen))
            return rb_fail(err, RB_ERR_USAGE, "no %s is called '%s'; there are %s", what, word,
                           known);
        list += length;
    } while (*list++);
    return RB_OK;
}

static bool of_networks(const rb_check_plan *plan) {
    return plan->levels[RB_LEVEL_CHAINED] || plan->levels[RB_LEVEL_NETWORK] ||
           plan->levels[RB_LEVEL_TASK];
}

static bool of_problems(const rb_check_plan *plan) {
    return plan->levels[RB_LEVEL_EXACT] || plan->levels[RB_LEVEL_OPERATION];
}

static bool of_recordings(const rb_check_plan *plan) {
    return plan->levels[RB_LEVEL_OPERATION] && plan->inputs[RB_FILL_RECORDED];
}

/* Nobody shall believe that something was checked that was not. */
static rb_status check_choice(const rb_check_plan *plan, rb_error *err) {
    if (plan->problem_count > 0 && of_networks(plan))
        return rb_fail(err, RB_ERR_USAGE,
                       "--problem is for the levels exact and operation; others take networks");
    if (plan->levels[RB_LEVEL_TASK] && (!plan->weights || !plan->data))
        return rb_fail(err, RB_ERR_USAGE, "the level task needs --weights and --data");
    if (plan->data && !plan->levels[RB_LEVEL_TASK])
        return rb_fail(err, RB_ERR_USAGE, "--data is for the level task, which needs --weights");
    if (plan->levels[RB_LEVEL_EXACT] && !plan->inputs[RB_FILL_INTEGER])
        return rb_fail(err, RB_ERR_USAGE, "the level exact needs the input integer");
    if (plan->levels[RB_LEVEL_OPERATION] && !plan->inputs[RB_FILL_SEEDED] &&
        !plan->inputs[RB_FILL_RECORDED])
        return rb_fail(err, RB_ERR_USAGE, "the level operation needs the input seeded or recorded");
    for (size_t i = 1; of_recordings(plan) && i < plan->problem_count; i++)
        if (plan->problems[i].batch != plan->problems[0].batch)
            return rb_fail(err, RB_ERR_USAGE,
                           "the input recorded takes problems of one batch, not of %lld and %lld",
                           (long long)plan->problems[0].batch, (long long)plan->problems[i].batch);
    return RB_OK;
}

static rb_status choose_levels(check_arguments *a, rb_error *err) {
    rb_check_plan *plan = &a->plan;
    const char *inputs = a->inputs                 ? a->inputs
                         : plan->problem_count > 0 ? "integer,seeded"
                                                   : "integer,seeded,recorded";
    rb_status status =
        parse_list("input", "integer, seeded, recorded", inputs, parse_input, plan->inputs, err);
    if (status != RB_OK)
        return status;
    if (a->levels) {
        status = parse_list("level", "exact, operation, chained, network, task", a->levels,
                            parse_level, plan->levels, err);
    } else { /* what is asked for decides */
        plan->levels[RB_LEVEL_EXACT] = plan->inputs[RB_FILL_INTEGER];
        plan->levels[RB_LEVEL_OPERATION] =
            plan->inputs[RB_FILL_SEEDED] || plan->inputs[RB_FILL_RECORDED];
        plan->levels[RB_LEVEL_CHAINED] = plan->levels[RB_LEVEL_NETWORK] =
            plan->problem_count == 0 && !a->inputs;
        plan->levels[RB_LEVEL_TASK] = plan->weights && plan->data;
    }
    return status == RB_OK ? check_choice(plan, err) : status;
}

static rb_status choose_networks(check_arguments *a, rb_error *err) {
    rb_plan lists = {0};
    rb_check_plan *plan = &a->plan;
    char networks[1024];
    snprintf(networks, sizeof networks, "%s", plan->quick ? "18,50" : "18,34,50,101,152");
    rb_status status = RB_OK;
    if (!of_networks(plan) && !of_recordings(plan))
        return RB_OK;
    if (!a->depths && plan->weights)
        status = rb_weights_networks(plan->weights, networks, sizeof networks, err);
    if (status == RB_OK)
        status = rb_plan_add_networks(&lists, a->depths ? a->depths : networks, err);
    if (status == RB_OK && lists.network_count == 0)
        status = rb_fail(err, RB_ERR_USAGE, "the list of networks is empty");
    memcpy(plan->networks, lists.networks, sizeof plan->networks);
    plan->network_count = lists.network_count;
    return status;
}

static rb_status choose_engine(check_arguments *a, rb_error *err) {
    rb_status status = rb_plan_find_engine(a->engine, &a->plan.engine, err);
    if (status == RB_OK)
        status =
            rb_plan_refuse_peers(&a->plan.engine, 1, "'resbench run' compares its logits", err);
    if (status == RB_OK)
        status = rb_engine_find_own("oracle", a->plan.oracle_path, err);
    if (status == RB_OK)
        status = rb_engine_find_own("reference", a->plan.reference_path, err);
    return status;
}

static rb_status complete(check_arguments *a, rb_error *err) {
    rb_status status = choose_engine(a, err);
    if (status == RB_OK)
        status = choose_levels(a, err);
    if (status == RB_OK)
        status = choose_networks(a, err);
    a->plan.threads = a->options.threads;
    a->plan.verbose = a->options.verbose;
    a->plan.worker = a->options.worker;
    return status;
}

/* An engine that cannot be loaded is not asked problem after problem. */
static rb_status meet_engine(check_arguments *a, rb_error *err) {
    rb_check_plan *plan = &a->plan;
    rb_subject subject = {.options = &plan->worker, .path = plan->engine.path};
    rb_error why = {""};
    const rb_status status =
        rb_subject_describe(&subject, a->console.files.engine_version,
                            sizeof a->console.files.engine_version, &plan->conv_only, &why);
    rb_subject_end(&subject);
    if (status == RB_OK || status == RB_ERR_INTERRUPTED)
        return status == RB_OK ? status : rb_fail(err, status, "%s", why.message);
    const bool named = strstr(why.message, plan->engine.path) != NULL;
    return rb_fail(err, status == RB_ERR_ENGINE ? RB_ERR_INPUT : status, "%s%s%.800s",
                   named ? "" : plan->engine.path, named ? "" : ": ", why.message);
}

static rb_status run(check_arguments *a, rb_check_rows *rows, rb_error *err) {
    rb_status status = RB_OK;
    if (of_problems(&a->plan)) {
        rb_check_console_part(&a->console);
        status = rb_check_problems(&a->plan, rows, err);
    }
    if (status == RB_OK && of_networks(&a->plan)) {
        rb_check_console_part(&a->console);
        status = rb_check_networks(&a->plan, rows, err);
    }
    return status;
}

int rb_command_check(int argc, char **argv) {
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .args_doc = "ENGINE",
                                     .children = rb_engine_children,
                                     .doc = doc};
    static check_arguments a = {.plan = {.batch = 2, .seed = 1}};
    rb_check_rows rows = {0};
    rb_error err = {""};
    rb_cli_parse(&argp, argc, argv, &a);
    rb_status status = complete(&a, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_engine_options_watch(&a.options);
    rb_engine_options_let_threads_sleep();
    status = rb_check_files_prepare(&a.console.files, &err);
    if (status == RB_OK)
        status = meet_engine(&a, &err);
    if (status != RB_OK)
        return rb_cli_fail(status, &err);
    rb_check_console_begin(&a.console, &a.plan);
    status = run(&a, &rows, &err);
    const int code = rb_check_console_end(&a.console, &rows, status, &err);
    rb_check_rows_release(&rows);
    return code;
}
