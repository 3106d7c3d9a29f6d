/*
 * os/resolver.h: looks a host name up without blocking the caller: the system's resolver may take many seconds when a
 * name server does not answer, and it cannot be interrupted.
 */
#ifndef OS_RESOLVER_H
#define OS_RESOLVER_H

#include "base/error.h"

#include <stddef.h>

struct resolver;

#define RESOLVER_ADDRESSES_MAX 8
#define RESOLVER_ADDRESS_SIZE 64 /* an IPv6 address with its zone, and a NUL */

/* What a name means. */
struct resolved {
    size_t count;
    char addresses[RESOLVER_ADDRESSES_MAX][RESOLVER_ADDRESS_SIZE]; /* in the order to try them */
};

/* Begins to look it up. Errors: LIMIT (no thread or descriptor to be had) */
enum status resolver_start(const char *name, struct resolver **started, struct error *error);

/* Readable (poll) when the answer is there. */
int resolver_fd(const struct resolver *resolver);

/*
 * The answer, once the descriptor is readable.
 * Errors  UNAVAILABLE (why, as the system says it)
 */
enum status resolver_result(struct resolver *resolver, struct resolved *resolved, struct error *error);

/* Lets go of it, also before the answer is there. NULL is fine. */
void resolver_close(struct resolver *resolver);

#endif
