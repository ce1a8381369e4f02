#include "results/junit.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* U+FFFE and U+FFFF, which UTF-8 can say and XML 1.0 cannot (section 2.2, Char). */
static bool is_noncharacter(const char *at) {
    return memcmp(at, "\xEF\xBF", 2) == 0 &&
           ((unsigned char)at[2] == 0xBE || (unsigned char)at[2] == 0xBF);
}

void rb_junit_text(const char *given, FILE *out) {
    char text[RB_JUNIT_TEXT];
    snprintf(text, sizeof text, "%s", given);
    rb_text_clean(text);
    for (const char *at = text; *at; at++) {
        if (*at == '&')
            fputs("&amp;", out);
        else if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '>')
            fputs("&gt;", out);
        else if (*at == '"')
            fputs("&quot;", out);
        else if (*at == '\'')
            fputs("&apos;", out);
        else if (strlen(at) >= 3 && is_noncharacter(at)) {
            fputc('?', out);
            at += 2;
        } else
            fputc(*at, out);
    }
}

void rb_junit_attribute(const char *name, const char *value, FILE *out) {
    fprintf(out, " %s=\"", name);
    rb_junit_text(value, out);
    fputc('"', out);
}
