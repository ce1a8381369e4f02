/* Members of a struct as members of a JSON object, and back. */
#ifndef RESULTS_JSON_FIELDS_H
#define RESULTS_JSON_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "resbench/status.h"

typedef enum rb_json_kind {
    RB_JSON_TEXT, /* char[] */
    RB_JSON_BOOL,
    RB_JSON_INT32,
    RB_JSON_INT64,
    RB_JSON_COUNT,  /* int64_t; null for what is negative, which stands for unknown */
    RB_JSON_UINT64, /* up to INT64_MAX */
    RB_JSON_DOUBLE  /* null for NaN and infinity: JSON has neither */
} rb_json_kind;

typedef struct rb_json_field {
    const char *name;
    rb_json_kind kind;
    size_t offset, size;
} rb_json_field;

#define RB_JSON_FIELD(type, kind, name)                                                            \
    { #name, RB_JSON_##kind, offsetof(type, name), sizeof(((type *)0)->name) }

/* Adds the members of the struct at `from` to object. */
void rb_json_fields_write(const rb_json_field *fields, size_t count, const void *from,
                          json_t *object);

/* Fills in the struct at `to`; null becomes NaN, or -1 of a count. RB_ERR_INPUT names the member
 * that is missing or of the wrong kind. */
rb_status rb_json_fields_read(const rb_json_field *fields, size_t count, const json_t *object,
                              void *to, rb_error *err);

/* A number; null for NaN and infinity. */
json_t *rb_json_number(double value);

/* A member, unless the value is NaN or infinite. */
void rb_json_set_known(json_t *object, const char *key, double value);

#endif
