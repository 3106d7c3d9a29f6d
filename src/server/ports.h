/* server/ports.h: are the addresses that the settings name free? Asked before anything is made or started, so that nothing is left behind.
 */
#ifndef SERVER_PORTS_H
#define SERVER_PORTS_H

#include "os/socket.h"
#include "server/settings.h"

#include <sys/types.h>

/* Errors: UNAVAILABLE (in use, or not an address of this machine: names address and setting), BAD_INPUT (the name is unknown). */
enum status port_check(const struct socket_address *address, const char *setting, struct error *error);

/* All that `settings` would listen on. with_postgres: that of the private PostgreSQL too. */
enum status ports_check(const struct settings *settings, bool with_postgres, struct error *error);

/*
 * The process that listens on a TCP port of this machine; 0 when there is none, or it is another user's and we are not root.
 * name  of its program; "" when that is not known
 */
pid_t port_owner(int port, char *name, size_t size);

#endif
