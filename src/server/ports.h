/* server/ports.h: are the addresses that the settings name free? Asked before anything is made or started, so that nothing is left behind.
 */
#ifndef SERVER_PORTS_H
#define SERVER_PORTS_H

#include "base/slice.h"
#include "server/settings.h"

#define HOST_BYTES_MAX 256

/*
 * Takes "host:port", "[::1]:port", "PLAINTEXT://host:port" or ":port" (all addresses: host is then "") apart.
 * host  HOST_BYTES_MAX bytes
 * False when it is none of these.
 */
bool listener_parse(struct slice text, char *host, int *port);

/* Errors: UNAVAILABLE (in use, or not an address of this machine: names address and setting), BAD_INPUT (not an address). */
enum status port_check(const char *host, int port, const char *setting, struct error *error);

/* All that `settings` would listen on. with_postgres: that of the private PostgreSQL too. */
enum status ports_check(const struct settings *settings, bool with_postgres, struct error *error);

#endif
