/* base/properties.h: an ordered list of key=value, as Java properties files and connector configurations are. */
#ifndef BASE_PROPERTIES_H
#define BASE_PROPERTIES_H

#include "base/error.h"
#include "base/slice.h"

struct property {
    char *key;
    char *value; /* NULL only where JSON gave null */
    int line;    /* where it stood in a file, 0 elsewhere */
};

struct properties {
    struct property *items; /* in the order they came; keys are unique, a later value replaces an earlier one in place */
    size_t count;
    size_t capacity;
};

void properties_init(struct properties *properties);
void properties_finish(struct properties *properties);

const char *properties_get(const struct properties *properties, const char *key); /* NULL when absent or null */
bool properties_has(const struct properties *properties, const char *key);
void properties_set(struct properties *properties, const char *key, const char *value); /* copies both */
bool properties_remove(struct properties *properties, const char *key);
void properties_copy(struct properties *to, const struct properties *from); /* `to` is initialised by this */

/* Reads "key=value" given on a command line; BAD_INPUT without '='. */
enum status properties_set_assignment(struct properties *properties, const char *assignment, struct error *error);

/*
 * Settings of named things, "agents.fraud.topic": gives each name that stands between `prefix` ("agents.") and the next dot,
 * once, in the order they came. Start with *at = 0; false at the end. name: borrowed from the key
 */
bool properties_next_name(const struct properties *properties, const char *prefix, size_t *at, struct slice *name);

/* What begins with prefix, name and a dot, without that. `taken` is initialised by this. */
void properties_take(const struct properties *properties, const char *prefix, const char *name, struct properties *taken);

/*
 * BAD_INPUT: unknown setting "<prefix><name>.<key>", and which of those there are comes close. name NULL: neither name nor dot
 * known  ends with NULL
 */
enum status properties_unknown(const char *prefix, const char *name, const char *key, const char *const *known, struct error *error);

/*
 * Adds what a Java properties file says: comments (# !), '=' ':' or blank between key and value, continuation lines,
 * escapes \t \n \r \f \uXXXX. Source: java.util.Properties.load.
 * Errors  BAD_INPUT with the line number
 */
enum status properties_parse(struct properties *properties, struct slice text, struct error *error);

/* Writes "key=value\n" so that properties_parse reads it back. */
struct buffer;
void properties_append_line(struct buffer *out, const char *key, const char *value);

#endif
