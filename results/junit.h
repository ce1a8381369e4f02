/* Texts of any origin in JUnit's XML. */
#ifndef RESULTS_JUNIT_H
#define RESULTS_JUNIT_H

#include <stdio.h>

#define RB_JUNIT_TEXT 1024 /* longer texts are cut */

/* As the content of an element: one line of what XML 1.0 can say, escaped. */
void rb_junit_text(const char *text, FILE *out);

/* A blank, name="value". */
void rb_junit_attribute(const char *name, const char *value, FILE *out);

#endif
