/*
 * web/web.h: what one sees with a browser or a scraper: the console with its API under /api/v1 (or a status page at / when no console was built in), /metrics for Prometheus, /healthz and /readyz for supervisors,
 * /status.json. All of it is one description that the server gives, shown in different ways.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/buffer.h"
#include "base/error.h"
#include "web/api.h"

struct web;

struct web_settings {
    const char *listener;                                 /* "host:port"; port 0 takes a free one */
    const char *hosts;                                    /* further names under which browsers may ask, with commas */
    struct api_settings api; /* of the console */
};

/* Errors: UNAVAILABLE (the port is in use), BAD_INPUT (the listener is not host:port). */
enum status web_start(const struct web_settings *settings, struct web **started, struct error *error);
void web_stop(struct web *web); /* NULL is fine */

/* Appends what `tailrace status --json` and /status.json show. Thread: any. */
void web_status(struct web *web, struct buffer *json);

/* The value of a Cookie header that lets in whoever may use the data directory: the command line. Thread: any. */
const char *web_local_login(const struct web *web);

const char *web_listener(const struct web *web); /* with the real port */

#endif
