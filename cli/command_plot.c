#include "cli/cli.h"
#include "cli/script.h"

/* plots/plot.py has its own options and --help. */
int rb_command_plot(int argc, char **argv) {
    rb_error err;
    (void)argc;
    return rb_cli_fail(rb_script_exec("plots/plot.py", argv + 1, &err), &err);
}
