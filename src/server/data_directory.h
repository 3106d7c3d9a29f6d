/* server/data_directory.h: the directory of one running program: made, locked against a second one, and how others find the running one. */
#ifndef SERVER_DATA_DIRECTORY_H
#define SERVER_DATA_DIRECTORY_H

#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

/*
 * | name         | what                                                  |
 * |--------------|-------------------------------------------------------|
 * | tailrace.pid | process id of the running program, which has it locked |
 * | control.sock | where it answers `tailrace status` and others          |
 * | tailrace.log | what it says when it runs detached                     |
 * | console.token | hash of what lets into a console that others can reach |
 * | log/         | the commit log                                         |
 * | postgres/    | the private PostgreSQL                                 |
 * | postgres.log | what that says                                         |
 */
struct data_directory;

/*
 * Makes the directory when it is missing, and locks it. The lock outlives a fork, until all its holders have ended.
 * Errors  DISK, CONFLICT (another program runs on it: names its process id)
 */
enum status data_directory_open(const char *path, struct data_directory **opened, struct error *error);
void data_directory_close(struct data_directory *directory); /* NULL is fine */

const char *data_directory_path(const struct data_directory *directory); /* absolute, without symbolic links */

/* Says that this process is the one that runs here, and opens the control socket. Errors: DISK. */
enum status data_directory_claim(struct data_directory *directory, struct error *error);

/* Readable when somebody asks; call data_directory_serve then. -1 before the claim. */
int data_directory_control_fd(const struct data_directory *directory);

/*
 * Takes one question and answers it. Waits at most a second for a slow asker.
 * answer  appends to `text` what the question (one line, without the newline) gets
 */
void data_directory_serve(struct data_directory *directory, void (*answer)(void *context, const char *question, struct buffer *text),
                          void *context);

/* The process that runs on a directory; 0 when none does. */
pid_t data_directory_owner(const char *path);

/* Asks the program that runs on a directory. Errors: NOT_FOUND (none does), UNAVAILABLE (it does not answer). */
enum status data_directory_ask(const char *path, const char *question, struct buffer *answer, struct error *error);

#endif
