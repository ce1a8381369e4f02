/* Where this program lies, and what was installed beside it, wherever the prefix was moved to. */
#ifndef BASE_OWN_PATH_H
#define BASE_OWN_PATH_H

#include "base/atomic_file.h"

/* Path of the executable of this process. */
rb_status rb_own_program(char path[RB_PATH_CAPACITY], rb_error *err);

/* "<directory of the executable>/relative", resolved; RB_ERR_INPUT when there is no such file or
 * directory. */
rb_status rb_own_path(const char *relative, char path[RB_PATH_CAPACITY], rb_error *err);

/* name in the directory of data: RESBENCH_SHARE if that is set, else the one installed beside the
 * program. RB_ERR_INPUT when it cannot be read there. */
rb_status rb_share_path(const char *name, char path[RB_PATH_CAPACITY], rb_error *err);

#endif
