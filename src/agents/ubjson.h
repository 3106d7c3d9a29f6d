/*
 * agents/ubjson.h: reads Universal Binary JSON, the format of XGBoost's ".ubj" files, as far as those use it. Source: ubjson.org,
 * draft 12. XGBoost's own reader trusts every length, so that a file that is not whole yet would end the program.
 */
#ifndef AGENTS_UBJSON_H
#define AGENTS_UBJSON_H

#include "base/error.h"
#include "base/slice.h"

#include <jansson.h>

/* The caller lets go of *root. Errors: BAD_INPUT with the byte's place */
enum status ubjson_read(struct slice bytes, json_t **root, struct error *error);

#endif
