#include "base/text.h"

#include <stddef.h>

/* Bytes of the UTF-8 sequence at text (RFC 3629, without overlong forms); 0: not one. */
static size_t utf8_length(const unsigned char *text) {
    const size_t length = text[0] < 0x80                      ? 1
                          : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                          : text[0] >= 0xE0 && text[0] < 0xF0 ? 3
                          : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                              : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    const unsigned second = length > 2 ? text[1] : 0;
    if ((text[0] == 0xE0 && second < 0xA0) || (text[0] == 0xED && second > 0x9F) ||
        (text[0] == 0xF0 && second < 0x90) || (text[0] == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

void rb_text_clean(char *text) {
    for (unsigned char *at = (unsigned char *)text; *at;) {
        const size_t length = utf8_length(at);
        if (length == 0)
            *at = '?';
        else if (length == 1 && (*at < 0x20 || *at == 0x7F))
            *at = ' ';
        else if (length == 2 && at[0] == 0xC2 && at[1] < 0xA0) /* U+0080 to U+009F */
            at[0] = at[1] = ' ';
        at += length ? length : 1;
    }
}
