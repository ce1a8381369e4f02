/* What the commands of the program share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic_file.h"

/* Exit codes, the same in every command. */
typedef enum rb_exit {
    RB_EXIT_FINE = 0,
    RB_EXIT_WRONG = 1, /* a result is not right */
    RB_EXIT_USAGE = 2,
    RB_EXIT_INPUT = 3,
    RB_EXIT_SLOWER = 4,
    RB_EXIT_NOISY = 5,
    RB_EXIT_NOTHING = 6, /* nothing was measured */
    RB_EXIT_NOT_COMPARABLE = 7,
    RB_EXIT_CRASHED = 8, /* an engine crashed or timed out */
    RB_EXIT_INTERRUPTED = 130
} rb_exit;

/* One paragraph that names all of them, for --help. */
#define RB_EXIT_HELP                                                                               \
    "Exit codes: 0 fine, 1 wrong result, 2 usage, 3 bad input or output, 4 slower, 5 noisy, "      \
    "6 nothing measured, 7 not comparable, 8 engine crashed or timed out, 130 interrupted."

rb_exit rb_exit_of(rb_status status);

/* Prints "resbench: <sentence>" to stderr and returns the exit code of status. */
int rb_cli_fail(rb_status status, const rb_error *err);

/* Parses options and arguments with argp; a usage error ends the program with RB_EXIT_USAGE. */
void rb_cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Values of options; a usage error, named by option, when text is no number within low..high. */
int64_t rb_cli_integer(const struct argp_state *state, const char *option, const char *text,
                       int64_t low, int64_t high);
double rb_cli_percent(const struct argp_state *state, const char *option, const char *text);
double rb_cli_seconds(const struct argp_state *state, const char *option, const char *text);

/* "2G", "512M", "8K" (powers of 1024) or bytes: a positive number of them. */
int64_t rb_cli_bytes(const struct argp_state *state, const char *option, const char *text);

/* "224x224" or "224": height and width. */
void rb_cli_size(const struct argp_state *state, const char *text, int64_t *height, int64_t *width);

/* Where a command's results go: given, or resbench-results/<time>. RB_ERR_USAGE when file is there
 * already, unless an earlier job is resumed. */
rb_status rb_cli_results_directory(const char *given, const char *file, bool resume,
                                   char directory[RB_PATH_CAPACITY], rb_error *err);

/* The same for --crop. */
void rb_cli_crop(const struct argp_state *state, const char *text, int64_t *height, int64_t *width);

/* A crop that was given (not 0) is the size, which may not say something else. */
void rb_cli_join_sizes(const struct argp_state *state, int64_t crop_height, int64_t crop_width,
                       int64_t *height, int64_t *width);

/* "256", or "none": 0. */
int64_t rb_cli_resize(const struct argp_state *state, const char *text);

/* The commands. argv[0] is "resbench <command>"; they return an exit code. */
int rb_command_env(int argc, char **argv);
int rb_command_run(int argc, char **argv);
int rb_command_compare(int argc, char **argv);
int rb_command_gate(int argc, char **argv);
int rb_command_merge(int argc, char **argv);
int rb_command_trace(int argc, char **argv);
int rb_command_profile(int argc, char **argv);
int rb_command_accuracy(int argc, char **argv);
int rb_command_check(int argc, char **argv);
int rb_command_classify(int argc, char **argv);
int rb_command_infer(int argc, char **argv);
int rb_command_describe(int argc, char **argv);
int rb_command_kernels(int argc, char **argv);
int rb_command_list(int argc, char **argv);
int rb_command_weights(int argc, char **argv);
int rb_command_synth_input(int argc, char **argv);
int rb_command_import(int argc, char **argv);
int rb_command_preprocess(int argc, char **argv);
int rb_command_plot(int argc, char **argv);
int rb_command_export(int argc, char **argv);

#endif
