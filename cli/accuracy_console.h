/* What a person sees of an accuracy job, and the exit code. */
#ifndef CLI_ACCURACY_CONSOLE_H
#define CLI_ACCURACY_CONSOLE_H

#include "cli/cli.h"
#include "results/accuracy.h"

/* The tables, and the files in directory. */
void rb_accuracy_show(const rb_accuracy *accuracy, const char *directory);

/* The gravest of all engines; one that answered nothing was not measured. */
rb_exit rb_accuracy_exit(const rb_accuracy *accuracy);

#endif
