/*
 * server/doctor_remedy.h: remedies of `tailrace doctor` as commands to paste into a shell: its SQL for psql, and the restart that
 * some of it takes, for the server that was looked at. Pure but for a look at who owns a directory.
 */
#ifndef SERVER_DOCTOR_REMEDY_H
#define SERVER_DOCTOR_REMEDY_H

#include "base/arena.h"
#include "connect/preflight.h"

/* One word for a shell, in quotes where it needs them; in the arena. */
const char *shell_word(struct arena *arena, const char *text);

/*
 * Gives each finding with SQL and no command one: "psql 'host=… dbname=…' -c '…'", as the role that may. No password is in it: psql asks,
 * or finds it as it usually does.
 * private_data_dir  the data directory whose private PostgreSQL this is, which `tailrace psql` opens; NULL: another server
 */
void remedy_commands_add(struct findings *findings, const struct preflight_server *server, const char *private_data_dir);

#endif
