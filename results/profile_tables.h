/* The views of a profile: tables for a terminal, Markdown and CSV. */
#ifndef RESULTS_PROFILE_TABLES_H
#define RESULTS_PROFILE_TABLES_H

#include <stdio.h>

#include "results/grid.h"
#include "results/profile_record.h"

/* Of rb_profile_line, beside an rb_profile; keys are members of profile.json. */
const rb_column *rb_profile_columns(size_t *count);

/* For people: the ten longest nodes, sums by operation and stage, and what a call is made of;
 * every: all nodes, too. */
void rb_profile_terminal(const rb_profile *profile, bool every, FILE *out);
void rb_profile_markdown(const rb_profile *profile, const char *title, FILE *out);

/* One line a node and engine. */
void rb_profile_csv(const rb_profile *profile, FILE *out);

#endif
