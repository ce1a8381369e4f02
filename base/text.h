/* Text from outside, made fit to be shown. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/* In place: one line of valid UTF-8. Control characters (line ends, escapes of terminals) become
 * blanks, bytes that are no UTF-8 question marks. */
void rb_text_clean(char *text);

#endif
