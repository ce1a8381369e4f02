#include "cli/cli.h"
#include "cli/script.h"

/* loaders/importers/export_weights.py has its own options and --help. */
int rb_command_export(int argc, char **argv) {
    rb_error err;
    (void)argc;
    return rb_cli_fail(rb_script_exec("loaders/importers/export_weights.py", argv + 1, &err), &err);
}
