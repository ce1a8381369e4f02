/* A text file from outside, line by line. */
#ifndef LOADERS_LINE_READER_H
#define LOADERS_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "resbench/status.h"

#define RB_LINE_CAPACITY 4096

typedef struct rb_line_reader {
    FILE *file;
    const char *path;
    int64_t number;              /* of the line, from 1 */
    char line[RB_LINE_CAPACITY]; /* without line end and blanks around it */
} rb_line_reader;

/* RB_ERR_INPUT when path is no regular file that can be read. path must outlive the reader, which
 * the caller closes. */
rb_status rb_line_reader_open(const char *path, rb_line_reader *reader, rb_error *err);

/* The next line into reader->line; *more is false at the end. A byte-order mark before the first
 * line is passed over. RB_ERR_INPUT when a line is too long, or not UTF-8. */
rb_status rb_line_reader_next(rb_line_reader *reader, bool *more, rb_error *err);

void rb_line_reader_close(rb_line_reader *reader);

#endif
