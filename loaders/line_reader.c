#include "loaders/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

rb_status rb_line_reader_open(const char *path, rb_line_reader *reader, rb_error *err) {
    struct stat info;
    *reader = (rb_line_reader){.path = path};
    /* O_NONBLOCK: a FIFO must not hang the run. */
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return rb_fail(err, RB_ERR_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode))
        reader->file = fdopen(file, "r");
    if (reader->file)
        return RB_OK;
    close(file);
    return rb_fail(err, RB_ERR_INPUT, "%s: a text file was expected, this is no file", path);
}

/* Cuts line end and blanks; false when the bytes are no line of UTF-8. */
static bool tidy(char *line, size_t length) {
    char clean[RB_LINE_CAPACITY];
    if (strlen(line) != length)
        return false; /* a zero byte */
    while (length > 0 && strchr(" \t\r\n", line[length - 1]))
        line[--length] = '\0';
    const size_t blanks = strspn(line, " \t");
    memmove(line, line + blanks, length - blanks + 1);
    for (char *tab = line; (tab = strchr(tab, '\t'));)
        *tab = ' ';
    strcpy(clean, line);
    rb_text_clean(clean);
    return strcmp(clean, line) == 0;
}

rb_status rb_line_reader_next(rb_line_reader *reader, bool *more, rb_error *err) {
    static const char mark[] = "\xEF\xBB\xBF";
    size_t length = 0;
    int byte = EOF;
    *more = false;
    while (length + 1 < sizeof reader->line && (byte = getc(reader->file)) != EOF) {
        reader->line[length++] = (char)byte;
        if (byte == '\n')
            break;
    }
    reader->line[length] = '\0';
    if (ferror(reader->file))
        return rb_fail(err, RB_ERR_INPUT, "%s: cannot be read", reader->path);
    if (length == 0)
        return RB_OK;
    reader->number++;
    if (byte != '\n' && byte != EOF)
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld is longer than %d bytes", reader->path,
                       (long long)reader->number, RB_LINE_CAPACITY - 2);
    if (reader->number == 1 && strncmp(reader->line, mark, 3) == 0) {
        length -= 3;
        memmove(reader->line, reader->line + 3, length + 1);
    }
    if (!tidy(reader->line, length))
        return rb_fail(err, RB_ERR_INPUT, "%s: line %lld is not a line of UTF-8 text", reader->path,
                       (long long)reader->number);
    *more = true;
    return RB_OK;
}

void rb_line_reader_close(rb_line_reader *reader) {
    if (reader->file)
        fclose(reader->file);
    reader->file = NULL;
}
