/* Programs of this project that are written in Python: where they are, and which Python runs them.
 */
#ifndef BASE_SCRIPT_PATH_H
#define BASE_SCRIPT_PATH_H

#include "base/atomic_file.h"

/* RESBENCH_PYTHON, the one found when building, or python3 in PATH. */
const char *rb_python(void);

/* script is a path below the project's data directory: RESBENCH_SHARE, or where it was installed,
 * or else the source tree that the program was built from. RB_ERR_INPUT when it cannot be read. */
rb_status rb_script_path(const char *script, char path[RB_PATH_CAPACITY], rb_error *err);

#endif
