/*
 * connect/validate.h: checks a connector's configuration as Kafka Connect and Debezium do: same fields, same order, same
 * messages. The last step tries the connection to the database.
 */
#ifndef CONNECT_VALIDATE_H
#define CONNECT_VALIDATE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/properties.h"
#include "connect/configdef.h"

struct validation_error {
    const char *text;
    const char *remedy; /* what to do; NULL: the text says it. Not in Connect's list, only in the message */
    struct validation_error *next;
};

struct validated { /* one field */
    const struct config_field *field;
    struct config_place place; /* the name among others */
    const char *value;         /* NULL: none, or not readable */
    const char *values;        /* recommended, with commas; NULL: none */
    struct validation_error *errors;
    bool has_value; /* false: Debezium gives no value at all for one internal field */
};

struct validation { /* lives in the arena */
    struct arena *arena;
    const char *class_name; /* as the configuration has it */
    const struct plugin *plugin;
    const struct properties *config;
    const struct properties *aliases;
    int stop_fd;
    struct validated *rows;
    size_t count, capacity;
    int error_count;
    bool is_offline;
};

struct validate_request {
    const struct properties *config;             /* placeholders resolved */
    const struct properties *aliases;            /* host.aliases; may be NULL */
    int stop_fd;                                 /* readable: the database is not waited for any more; -1: never */
    const char *key_converter, *value_converter; /* the worker's */
    bool is_offline;                             /* the database is not tried */
};

/*
 * Checks everything. May wait up to 10 s for the database.
 * refusal  set when the result is NULL: there is no such class, or no class at all (a 400)
 */
struct validation *validation_create(struct arena *arena, const struct validate_request *request, const char **refusal);

/* The answer of PUT /connector-plugins/…/config/validate. */
void validation_write(struct buffer *out, const struct validation *validation);

/* The message of the 400 that refuses the configuration. */
void validation_message_write(struct buffer *out, const struct validation *validation);

/* ---- For validate_debezium.c ---- */

struct validated *validation_row_add(struct validation *validation, const struct config_field *field);
void validation_error_add(struct validation *validation, struct validated *row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds and checks Debezium's fields. */
void validate_debezium(struct validation *validation);

#endif
