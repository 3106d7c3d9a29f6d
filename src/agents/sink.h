/*
 * agents/sink.h: where alerts are sent to: a webhook, a PostgreSQL table, a file, an e-mail address. Each sink has a thread
 * and positions in the alerts topics of its own, so a slow or dead receiver holds up nobody, and gets everything once it is
 * back. Delivery is at least once; every delivery carries the alert's id, by which receivers can tell a repeat.
 *
 * What came of each alert at each sink is a record of the topic tailrace-alert-deliveries, keyed "<alert>/<sink>", published
 * together with the sink's position:
 *   {"id":"A-…","sink":"case","kind":"webhook","state":"delivered","answer":"200","error":null,"tries":1,"read_us":…,"first_us":…,
 *    "at_us":…,"took_us":…,"next_ms":null,"mute":null}
 *   state    delivered, retrying, refused (for good, by the receiver), muted (mutes.h: not sent)
 *   read_us  when the sink had read the alert; first_us when it tried first; at_us when the last try ended, which took took_us
 */
#ifndef AGENTS_SINK_H
#define AGENTS_SINK_H

#include "agents/alert.h"
#include "base/properties.h"
#include "log/log.h"
#include "os/stop.h"

#define DELIVERIES_TOPIC "tailrace-alert-deliveries"

struct sinks;

/*
 * Starts every sink of the settings "sinks.<name>.<key>":
 *   kind          webhook, postgres, file, smtp
 *   topic         alerts topics to read, with commas (required)
 *   severity      the least one that is sent: info, warn, crit; default info
 *   from          "beginning" or "end" for a topic that the sink has no position in yet; default end
 * and those of its kind, see the sources.
 * Errors  BAD_INPUT: which sink and setting
 */
enum status sinks_start(const struct properties *values, struct log *log, struct sinks **started, struct error *error);
void sinks_stop(struct sinks *sinks); /* under 5 s; NULL is fine */

/* One JSON array: name, kind, topic, state, delivered, waiting, tries, the last error and when it is tried again. */
void sinks_describe(const struct sinks *sinks, struct buffer *json);

/*
 * Sends an alert to one sink again, soon, whatever its mutes; what comes of it is a record of DELIVERIES_TOPIC as ever.
 * Errors  NOT_FOUND (no such sink), LIMIT (16 wait already)
 * Thread  any
 */
enum status sinks_send_again(struct sinks *sinks, const char *name, const char *topic, int32_t partition, int64_t offset, struct error *error);

/* ---- The kinds ---- */

/* One alert as it is sent. */
struct delivery {
    const char *id;
    struct slice json;         /* the record's value, as it is */
    const struct alert *alert; /* the same, read */
    /* What came of it: */
    char answer[64];           /* what the receiver said: "200"; "" when that says nothing */
    int64_t took_us;           /* 0: as long as all of them together */
    bool refused;              /* for good; it is not sent again */
};

struct sink_kind {
    const char *name;
    const char *const *keys; /* of its settings, ending with NULL */

    /*
     * settings  without the prefix
     * stop      asked: whatever waits for the receiver ends soon; outlives the sink
     * Errors    BAD_INPUT
     */
    enum status (*create)(const struct properties *settings, const struct stop *stop, void **sink, struct error *error);
    void (*destroy)(void *sink);

    /* Sends them, in order; `delivered` says how many arrived when it fails. Errors: UNAVAILABLE (tried again) */
    enum status (*deliver)(void *sink, struct delivery *deliveries, size_t count, size_t *delivered, struct error *error);
};

extern const struct sink_kind sink_webhook, sink_postgres, sink_file, sink_smtp;

#endif
