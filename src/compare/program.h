/* compare/program.h: a Tailrace of our own, on free ports and in a temporary directory, with a connector for the table. */
#ifndef COMPARE_PROGRAM_H
#define COMPARE_PROGRAM_H

#include "compare/child.h"
#include "compare/subject.h"

struct program {
    struct child child;
    char *directory; /* NULL: nothing was made */
    char kafka[64];  /* "127.0.0.1:40923" */
    char rest[64];   /* "http://127.0.0.1:34503" */
};

/* Starts it and waits until it is ready. Errors: UNAVAILABLE (with the last line that it said), DISK, CLOSED (stop_fd is readable) */
enum status program_start(int stop_fd, struct program *program, struct error *error);

/* Captures the table into topic TABLE_TOPIC. Errors: UNAVAILABLE, BAD_INPUT (what Connect answers) */
enum status program_connect(struct program *program, const struct database *database, const struct subject *subject, struct error *error);

/* Why its connector does not run; OK when there is nothing to say. Errors: UNAVAILABLE, with the connector's reason */
enum status program_trouble(const struct program *program, struct error *error);

#define TABLE_TOPIC "compare." TABLE_NAME

/* Ends it and removes its directory. A zeroed one is fine. */
void program_stop(struct program *program);

#endif
