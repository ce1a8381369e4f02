#include "cli/cli.h"
#include "cli/script.h"

/* loaders/importers/import_weights.py has its own options and --help. */
int rb_command_import(int argc, char **argv) {
    rb_error err;
    (void)argc;
    return rb_cli_fail(rb_script_exec("loaders/importers/import_weights.py", argv + 1, &err), &err);
}
