#include "bench/system_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_CAPACITY 8192 /* "flags" of a new processor take 2000 bytes */

static FILE *open_file(const char *root, const char *path) {
    char full[4096];
    const int length = snprintf(full, sizeof full, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof full ? fopen(full, "r") : NULL;
}

bool rb_system_value(const char *root, const char *path, const char *word, char *value,
                     size_t capacity) {
    char line[LINE_CAPACITY];
    const size_t length = strlen(word);
    bool found = false;
    FILE *file = open_file(root, path);
    value[0] = '\0';
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *rest = line + length;
        if (strncmp(line, word, length) != 0 || (length > 0 && !strchr(" \t:=", *rest)))
            continue;
        rest += strspn(rest, " \t:=");
        snprintf(value, capacity, "%.*s", (int)strcspn(rest, "\n"), rest);
        rb_text_clean(value);
        found = true;
    }
    if (file)
        fclose(file);
    return found;
}

bool rb_system_line(const char *root, const char *path, char *line, size_t capacity) {
    return rb_system_value(root, path, "", line, capacity);
}

int64_t rb_system_number(const char *root, const char *path, const char *word) {
    char text[64], *end;
    if (!rb_system_value(root, path, word, text, sizeof text))
        return -1;
    const long long value = strtoll(text, &end, 10);
    return end == text ? -1 : value;
}

int64_t rb_system_kib(const char *root, const char *path, const char *word) {
    const int64_t kib = rb_system_number(root, path, word);
    return kib < 0 || kib > INT64_MAX / 1024 ? -1 : kib * 1024;
}

bool rb_system_exists(const char *root, const char *path) {
    char full[4096];
    const int length = snprintf(full, sizeof full, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof full && access(full, F_OK) == 0;
}

bool rb_system_has_word(const char *text, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}
