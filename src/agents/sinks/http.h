/* agents/sinks/http.h: what webhook and smtp share: libcurl set up once, and its failures in words. */
#ifndef AGENTS_SINKS_HTTP_H
#define AGENTS_SINKS_HTTP_H

#include "base/error.h"
#include "base/properties.h"
#include "os/stop.h"

#include <curl/curl.h>

/*
 * A handle with time-outs; timeout_ms of the whole exchange, which ends early when it is asked to stop. NULL never: aborts as
 * memory does.
 * ca_file  PEM of the authorities that may have signed the receiver's certificate; copied; NULL: the system's
 */
CURL *http_handle_create(int64_t timeout_ms, const char *ca_file, const struct stop *stop);

/* UNAVAILABLE with libcurl's reason. `what` names the receiver without any secret of its address. */
enum status http_failure(CURLcode code, const char *what, struct error *error);

/* timeout.ms, 100 to 60000, default 5000. Errors: BAD_INPUT */
enum status http_timeout_read(const struct properties *settings, int64_t *timeout_ms, struct error *error);

/* scheme://host[:port], without user, password, path and query: for messages. */
void http_receiver_name(const char *url, char name[200]);

#endif
