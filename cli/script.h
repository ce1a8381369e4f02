/* Programs of this project that are written in Python. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include "resbench/status.h"

/* Replaces this process by the Python program `script`, a path below the project's data
 * directory (RESBENCH_SHARE, or where it was installed or built), with argv after it. Python is
 * RESBENCH_PYTHON, the one found when building, or python3 in PATH; RESBENCH_PROGRAM tells it this
 * program's path. SIGINT and SIGTERM are blocked until the script unblocks them. Returns only on
 * failure. */
rb_status rb_script_exec(const char *script, char **argv, rb_error *err);

#endif
