/*
 * cli/client.h: asks a running program, or another Kafka Connect, by HTTP: Connect's REST API and the console's API. It finds the
 * program by its data directory, whose control socket also lets its owner in where the console needs a token.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>

enum client_api { CLIENT_REST, CLIENT_CONSOLE };

struct client;

/*
 * data_dir  where the program runs; NULL: ./tailrace-data when one runs there, otherwise this machine's usual port
 * url       asks there instead, with the token of the environment variable TAILRACE_TOKEN when there is one; may be NULL
 * Errors    NOT_FOUND (nothing runs on data_dir), BAD_INPUT (the URL)
 */
enum status client_open(enum client_api api, const char *data_dir, const char *url, struct client **opened, struct error *error);
void client_close(struct client *client); /* NULL is fine */

const char *client_kafka(const struct client *client); /* host:port of the program's Kafka listener; "localhost:9092" when it is not known */

/*
 * One request. path begins with '/', its parts escaped by client_path; body may be NULL.
 * answer  a new reference, JSON null for an answer without a body
 * Errors  UNAVAILABLE (nobody answers), NOT_FOUND, CONFLICT, BAD_INPUT, REQUEST_TIMED_OUT, UNKNOWN_SERVER_ERROR: what the other side
 *         says, in one line, with what to do when it says that
 */
enum status client_ask(struct client *client, const char *method, const char *path, const json_t *body, json_t **answer, struct error *error);

/* All items of a list of the console's API, over as many pages as it has. path is without a query. */
enum status client_ask_list(struct client *client, const char *path, json_t **items, struct error *error);

/* Formats a path; each %s is escaped for a URL. */
void client_path(struct buffer *path, const char *format, ...);

/* A file's text, or standard input's for "-". Errors: NOT_FOUND, LIMIT (4 MiB). */
enum status client_read_input(const char *file, struct buffer *text, struct error *error);

/* A stack trace's innermost cause, without its class. */
void client_append_cause(struct buffer *text, const char *trace);

/* Prints JSON on stdout, readable; gives the exit code. */
int client_print_json(const json_t *value);

const char *json_text(const json_t *object, const char *name);                       /* "" when it is no string */
int64_t json_number(const json_t *object, const char *name, int64_t absent);

#endif
