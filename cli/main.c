#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "bench/environment.h"
#include "bench/worker.h"
#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", rb_command_run, "measure parity, latency, memory and depth scaling"},
    {"env", rb_command_env, "tell what this machine is, and how far its times can be trusted"},
    {"gate", rb_command_gate, "tell whether one build is slower than another"},
    {"compare", rb_command_compare,
     "tell what is slower, wrong or larger in one run than in another"},
    {"merge", rb_command_merge, "make one result of those of several machines"},
    {"plot", rb_command_plot, "draw the results of a run"},
    {"profile", rb_command_profile, "tell where the time of a network goes, node by node"},
    {"trace", rb_command_trace, "tell at which node two engines part, and whose fault it is"},
    {"accuracy", rb_command_accuracy, "measure top-1 and top-5 on a data set, engine by engine"},
    {"check", rb_command_check, "tell whether an engine is right, and to which digit"},
    {"kernels", rb_command_kernels, "time every convolution of the networks beside oneDNN"},
    {"classify", rb_command_classify, "tell what is on a photograph"},
    {"infer", rb_command_infer, "run a network on an input and write its logits"},
    {"describe", rb_command_describe, "print the graph of a network"},
    {"list", rb_command_list, "list networks and engines"},
    {"weights", rb_command_weights, "make, show and check weights files"},
    {"import", rb_command_import, "make a weights file from a file of another program"},
    {"export", rb_command_export, "write a weights file as ONNX or safetensors"},
    {"preprocess", rb_command_preprocess, "make a data set of labelled images"},
    {"synth-input", rb_command_synth_input, "write the synthetic input"},
};

static const size_t command_count = sizeof commands / sizeof commands[0];

static void print_help(FILE *out) {
    fprintf(out, "resbench " RB_VERSION
                 ": is this ResNet implementation right, how fast is it, how much memory does it\n"
                 "need, and how do all three grow with depth?\n\n"
                 "Usage: resbench COMMAND [OPTION...]; resbench COMMAND --help says more\n\n");
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nExample:\n  resbench run --quick\n\n" RB_EXIT_HELP "\n");
}

/* What could not be printed was not done. */
static int finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "resbench: standard output cannot be written\n");
    return code == RB_EXIT_FINE ? RB_EXIT_INPUT : code;
}

/* Paths go into JSON, which has no other bytes. */
static bool is_text(const char *argument) {
    char clean[RB_PATH_CAPACITY];
    if (strlen(argument) >= sizeof clean)
        return false;
    strcpy(clean, argument);
    rb_text_clean(clean);
    return strcmp(clean, argument) == 0;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!is_text(argv[i])) {
            fprintf(stderr, "resbench: argument %d is too long or not a line of UTF-8\n", i);
            return RB_EXIT_USAGE;
        }
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "worker") == 0)
        return rb_worker_serve(STDIN_FILENO);
    rb_environment_begin();
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0) {
            char title[64];
            snprintf(title, sizeof title, "resbench %s", name);
            argv[1] = title;
            return finish(commands[i].run(argc - 1, argv + 1));
        }
    if (strcmp(name, "--version") == 0) {
        puts("resbench " RB_VERSION);
        return RB_EXIT_FINE;
    }
    const int asked =
        strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (argc > 1 && !asked)
        fprintf(stderr, "resbench: there is no command '%s'; 'resbench --help' shows them\n", name);
    else
        print_help(asked ? stdout : stderr);
    return asked ? finish(RB_EXIT_FINE) : RB_EXIT_USAGE;
}
