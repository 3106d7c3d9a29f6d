/* tools/connection.h: one TCP connection to a broker that never blocks; it carries frames, a size of four bytes and that many bytes. */
#ifndef TOOLS_CONNECTION_H
#define TOOLS_CONNECTION_H

#include "base/buffer.h"
#include "base/error.h"

struct connection {
    int fd;            /* -1 when closed */
    bool connecting;   /* until the first POLLOUT */
    struct buffer out; /* frames to be written */
    size_t out_at;     /* of them already written */
    struct buffer in;  /* bytes read */
    size_t in_at;      /* of them already handed out as frames */
    char address[320]; /* "localhost/127.0.0.1:9092", as Java prints it; set by connection_open also when it fails */
};

void connection_init(struct connection *connection);

/*
 * Resolves the name (this may block) and begins to connect.
 * error  what the system said
 */
enum status connection_open(struct connection *connection, const char *host, int port, struct error *error);
void connection_close(struct connection *connection); /* fine when closed or never opened; drops what was queued */

/* The events to poll for. */
short connection_events(const struct connection *connection);

/* Does what the events allow; CLOSED when the connection has ended, with the reason in error. */
enum status connection_progress(struct connection *connection, short events, struct error *error);

/* Begins a frame in connection->out: gives where its size goes; put the bytes behind it and end it. */
size_t connection_frame_begin(struct connection *connection);
void connection_frame_end(struct connection *connection, size_t begin);

/* The next whole frame without its size, borrowed until connection_progress; false when there is none. CLOSED for a size that lies. */
enum status connection_next_frame(struct connection *connection, struct slice *frame, bool *has_frame, struct error *error);

/* Resolves only: false when the name has no address. */
bool connection_can_resolve(const char *host);

#endif
