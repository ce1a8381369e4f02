/* The files of an accuracy job but for accuracy-images.json (accuracy_file.h): accuracy.json,
 * accuracy.md and accuracy.csv in one directory. */
#ifndef RESULTS_ACCURACY_REPORT_H
#define RESULTS_ACCURACY_REPORT_H

#include "results/accuracy.h"

#define RB_ACCURACY_JSON "accuracy.json"
#define RB_ACCURACY_MARKDOWN "accuracy.md"
#define RB_ACCURACY_CSV "accuracy.csv"

/* Writes the three files, each whole or not at all. */
rb_status rb_accuracy_report_write(const char *directory, const rb_accuracy *accuracy,
                                   rb_error *err);

#endif
