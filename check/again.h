/* The command that repeats a row. */
#ifndef CHECK_AGAIN_H
#define CHECK_AGAIN_H

#include "check/check.h"

/* Fills in row->again from level, name, network, input, seed and threads; "" when it would be too
 * long. */
void rb_check_again(const rb_check_plan *plan, rb_check_row *row);

#endif
