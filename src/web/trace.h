/*
 * web/trace.h: one row's way, put together when somebody asks: from the record itself, from the stamps of its batch (log/stamps.h),
 * from the readers' positions and from the alerts that name it. api_trace.c answers; trace_find.c finds the rows, trace_way.c reads
 * the stamps, trace_steps.c makes steps and readers of them, trace_waits.c says where something waits that is not here.
 * Thread: the request's.
 */
#ifndef WEB_TRACE_H
#define WEB_TRACE_H

#include "log/stamps.h"
#include "web/api.h"
#include "log/scan.h"
#include "wire/debezium/change.h"

#define TRACE_ROWS_MAX 20
#define TRACE_PASSES_MAX 64

/* A reader and one record. */
struct trace_pass {
    enum log_reader kind;
    const char *reader;
    const char *client; /* of a group: who sent the commit, as clients are named; else "" */
    int64_t after_us;  /* it had not got past the record then; 0 unknown */
    int64_t passed_us; /* ... and had then; 0: not that anybody knows */
    bool exact;        /* it passed at passed_us, not before */
};

enum trace_known {
    TRACE_STAMPED,    /* the batch's stamps were found */
    TRACE_UNSTAMPED,  /* nobody stamps: a producer wrote it */
    TRACE_OFF,        /* the program keeps no stamps */
    TRACE_ROLLED,     /* older than what is kept */
    TRACE_TOO_FAR     /* looked for as long as allowed, or the last second before a crash */
};

struct trace_row {
    const char *topic;
    int32_t partition;
    int64_t offset, timestamp_ms;
    bool is_change;
    char operation; /* of the change; 0: an unwrapped row */
    int64_t lsn, transaction_id, committed_us; /* -1, -1, 0: unknown */
    int64_t received_us; /* as the record says it; 0 unknown */
    const char *traceparent; /* NULL: no such header */
    enum trace_known known;
    int64_t appended_us, durable_us, published_us; /* TRACE_STAMPED */
    struct trace_pass passes[TRACE_PASSES_MAX];
    size_t pass_count;
};

/* What was looked through, for those who want to know whether "not found" means "not there". */
struct trace_looked {
    int64_t records, keyless; /* all, and those without a key where one was looked for */
    int64_t back_to_ms; /* time of the oldest one; 0: none */
    bool cut;           /* the budget ended before the log did */
};

struct trace {
    struct api_call *call;
    const struct api_settings *settings;
    struct scan *scan;
    struct change_decoder *decoder, *key_decoder;
    struct arena scratch; /* of one key */
    json_t *description, *groups;
    struct trace_row *rows[TRACE_ROWS_MAX]; /* oldest first */
    size_t row_count;
    bool more; /* there are rows beyond TRACE_ROWS_MAX */
    struct trace_looked looked;
    int64_t deadline_ms; /* monotonic: when looking has to end */
    const char *note;    /* what has to be said of what was found; NULL */
};

/* ---- trace_find.c: each adds rows, or none ---- */

void trace_find_place(struct trace *trace, const char *topic, int32_t partition, int64_t offset);

/* table: "schema.table", "table" or a topic; NULL: all. key: as text, or column=value, or a JSON object */
void trace_find_key(struct trace *trace, const char *table, const char *key);
void trace_find_lsn(struct trace *trace, int64_t lsn);
void trace_find_transaction(struct trace *trace, int64_t transaction_id);

/* The alert of that id with its "place", as it stands in its topic; a new reference, NULL when it is not there. */
json_t *trace_find_alert(struct trace *trace, const char *id);

/* Alerts that were raised for this row, each with its "place"; a new reference to an array. */
json_t *trace_alerts_of(struct trace *trace, const struct trace_row *row);

/* What came of the alert at each sink: the newest record of DELIVERIES_TOPIC by the sink's name; a new reference to an object. */
json_t *trace_deliveries_of(struct trace *trace, const char *id, int64_t scored_us);

/* ---- trace_way.c ---- */

/* Fills known, the times of the batch and the passes. */
void trace_way(struct trace *trace, struct trace_row *row);

/* An offset in the stamps' topic a little before the owner's stamps reach `value`, an LSN or a transaction id. -1: there are no stamps. */
int64_t trace_stamps_reach(struct trace *trace, const char *owner, uint64_t value, bool by_transaction);

/* The first time that the reader got past it; NULL: not that anybody knows. */
const struct trace_pass *trace_pass_of(const struct trace_row *row, enum log_reader kind, const char *reader);

/* The row's partition in a group's description; NULL when the group has none of it. */
const json_t *trace_partition_of(const json_t *group, const struct trace_row *row);

/* ---- trace_steps.c ---- */

/* The change as the API gives it: steps, readers, alerts, what it waits for. */
json_t *trace_change_make(struct trace *trace, struct trace_row *row);

/* The steps that an alert itself knows, for one whose row is gone. */
json_t *trace_change_of_alert(struct trace *trace, const json_t *alert);

/* ---- trace_waits.c ---- */

/*
 * Where it waits, by connector: an array of {connector, step, state, why, todo}; state "ok": it does not wait there. What was asked
 * for, or NULL and -1. Asks the databases when no row was found; with rows only connectors that write to their topics count.
 */
json_t *trace_waits_make(struct trace *trace, const char *table, int64_t lsn, int64_t transaction_id);

#endif
