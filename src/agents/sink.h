/*
 * agents/sink.h: where alerts are sent to: a webhook, a PostgreSQL table, a file, an e-mail address. Each sink has a thread
 * and a position in the alerts topic of its own, so a slow or dead receiver holds up nobody, and gets everything once it is
 * back. Delivery is at least once; every delivery carries the alert's id, by which receivers can tell a repeat.
 */
#ifndef AGENTS_SINK_H
#define AGENTS_SINK_H

#include "agents/alert.h"
#include "base/properties.h"
#include "log/log.h"

struct sinks;

/*
 * Starts every sink of the settings "sinks.<name>.<key>":
 *   kind          webhook, postgres, file, smtp
 *   topic         alerts topic to read (required)
 *   severity      the least one that is sent: info, warn, crit; default info
 *   from          "beginning" or "end" for a sink that has no position yet; default end
 * and those of its kind, see the sources.
 * Errors  BAD_INPUT: which sink and setting
 */
enum status sinks_start(const struct properties *values, struct log *log, struct sinks **started, struct error *error);
void sinks_stop(struct sinks *sinks); /* under 5 s; NULL is fine */

/* One JSON array: name, kind, topic, state, delivered, waiting, tries, the last error and when it is tried again. */
void sinks_describe(const struct sinks *sinks, struct buffer *json);

/* ---- The kinds ---- */

/* One alert as it is sent. */
struct delivery {
    const char *id;
    struct slice json;         /* the record's value, as it is */
    const struct alert *alert; /* the same, read */
};

struct sink_kind {
    const char *name;
    const char *const *keys; /* of its settings, ending with NULL */

    /* settings: without the prefix. Errors: BAD_INPUT */
    enum status (*create)(const struct properties *settings, void **sink, struct error *error);
    void (*destroy)(void *sink);

    /* Sends them, in order; `delivered` says how many arrived when it fails. Errors: UNAVAILABLE (tried again) */
    enum status (*deliver)(void *sink, const struct delivery *deliveries, size_t count, size_t *delivered, struct error *error);
};

extern const struct sink_kind sink_webhook, sink_postgres, sink_file, sink_smtp;

#endif
