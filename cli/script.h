/* Programs of this project that are written in Python. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include "resbench/status.h"

/* Replaces this process by the Python program `script` (base/script_path.h tells where it is and
 * which Python runs it), with argv after it; RESBENCH_PROGRAM tells it this program's path. SIGINT
 * and SIGTERM are blocked until the script unblocks them. Returns only on failure. */
rb_status rb_script_exec(const char *script, char **argv, rb_error *err);

#endif
