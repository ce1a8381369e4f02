/* The files of resbench check. */
#ifndef CLI_CHECK_FILES_H
#define CLI_CHECK_FILES_H

#include "check/check.h"

typedef struct rb_check_files {
    const char *json, *junit, *directory; /* NULL: not asked for */
    char engine_version[96];
} rb_check_files;

/* Before the work: RB_ERR_OUTPUT where a file could not be written after it. */
rb_status rb_check_files_prepare(const rb_check_files *files, rb_error *err);

/* --json, --junit, and check.{json,md,csv} in the directory; complete: the check has not ended
 * early. */
rb_status rb_check_files_write(const rb_check_files *files, const rb_check_plan *plan,
                               const rb_check_rows *rows, bool complete, rb_error *err);

#endif
