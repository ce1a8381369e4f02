/* A record without its samples as a JSON object, and back. */
#ifndef RESULTS_RECORD_JSON_H
#define RESULTS_RECORD_JSON_H

#include <jansson.h>

#include "results/record.h"

/* Numbers that are not known are null. NULL when there is no memory. */
json_t *rb_record_to_json(const rb_record *record);

/* RB_ERR_INPUT with the member that is missing or of the wrong kind. */
rb_status rb_record_from_json(const json_t *object, rb_record *record, rb_error *err);

#endif
