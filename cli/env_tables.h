/* What `resbench env` shows on a terminal. */
#ifndef CLI_ENV_TABLES_H
#define CLI_ENV_TABLES_H

#include <jansson.h>
#include <stdio.h>

#include "bench/capacity.h"
#include "bench/environment.h"

/* The machine's facts, one subject a line. */
void rb_env_print_facts(const rb_machine_facts *facts, FILE *out);

/* Versions: context is rb_environment_context's; engines: [{name, version, libraries} or {name,
 * message}]. */
void rb_env_print_software(const json_t *context, const json_t *engines, FILE *out);

void rb_env_print_stability(const rb_stability *stability, FILE *out);
void rb_env_print_capacity(const rb_capacity *capacity, FILE *out);
void rb_env_print_grade(const rb_grade *grade, int32_t threads, FILE *out);

#endif
