/* cli/session.h: one run of a command that asks a program by HTTP: from its command line to its exit code. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "base/options.h"
#include "base/page.h"
#include "cli/client.h"

struct session {
    const char *collection;     /* what the first operand names one of: "/topics" */
    const char *data_dir, *url; /* options, before the run; either may be NULL */
    bool json, sure;            /* options: --json, --yes */
    struct client *client;
    const char *const *operands; /* behind the verb */
    size_t operand_count;
    struct page page; /* is printed at the end */
    bool is_trouble;  /* what is shown is not well: exit code 1 */
};

struct session_handler {
    const char *verb; /* NULL ends the table */
    enum status (*handle)(struct session *session, struct error *error);
};

/* Parses the command line, opens the client, runs the verb's handler, prints; gives the exit code. */
int session_run(struct session *session, enum client_api api, const struct options *options, const struct session_handler *handlers, int argc, char **argv);

const char *session_operand(const struct session *session, size_t index); /* NULL past the last */

/*
 * One request to the object that the first operand names, at what lies below it ("" is the object itself).
 * body, answer  as in client_ask
 */
enum status session_ask(struct session *session, const char *method, const char *below, const json_t *body, json_t **answer, struct error *error);

/* Prints the answer when --json is given, passwords masked; true when it did. */
bool session_printed_json(struct session *session, json_t *answer);

#endif
