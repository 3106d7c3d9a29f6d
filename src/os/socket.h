/* os/socket.h: TCP sockets and the addresses people write: "host:port", "[::1]:9092", "PLAINTEXT://:9092". */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include "base/error.h"
#include "base/slice.h"

#define SOCKET_HOST_SIZE 256 /* longest host name with its NUL */

struct socket_address {
    char host[SOCKET_HOST_SIZE]; /* a name or a number; "" for every interface; IPv6 without brackets */
    int port;
};

/*
 * Reads one address; "NAME://" before it is skipped and brackets around IPv6 are taken off.
 * Errors  BAD_INPUT, naming the text
 */
enum status socket_address_parse(struct slice text, struct socket_address *address, struct error *error);

/* "127.0.0.1:9092" or "[::1]:9092"; at most SOCKET_HOST_SIZE + 9 bytes. */
void socket_address_format(const struct socket_address *address, char *text, size_t size);

/*
 * Binds and listens on every address that the host name stands for (at most fds_max), non-blocking. Port 0 takes a free one, the same for
 * all. address  gets the real port Errors   UNAVAILABLE (in use, not ours, not allowed), BAD_INPUT (the name is unknown) Thread   any; asks
 * the name service, so not the network thread
 */
enum status socket_listen(struct socket_address *address, int backlog, int *fds, size_t fds_max, size_t *count, struct error *error);

/* Accepts one connection, non-blocking, without delay of small packets. Gives the descriptor, or -errno. */
int socket_accept(int listener);

/* The two ends as numbers; IPv4 in IPv6's clothes is given as IPv4. False when the socket is not connected. */
bool socket_local_address(int fd, struct socket_address *address);
bool socket_peer_address(int fd, struct socket_address *address);

#endif
