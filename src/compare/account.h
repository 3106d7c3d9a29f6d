/*
 * compare/account.h: what a consumer got of what was written, and when. The writer knows every change that it committed, so what is
 * missing and what came twice is counted, not guessed. Pure.
 */
#ifndef COMPARE_ACCOUNT_H
#define COMPARE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum write_kind { WRITE_INSERT, WRITE_UPDATE, WRITE_DELETE };

/* One committed change. An insert makes version 1 of a row, an update or the delete the one after the last. */
struct written {
    int64_t id;
    int32_t version;
    enum write_kind kind;
    bool late;     /* of a transaction that was open while others committed higher ids and newer timestamps */
    int64_t at_ns; /* monotonic, when the COMMIT was sent */
};

#define VERSION_GONE INT32_MAX /* that the row is deleted */

/* One change that a consumer learned of for the first time. */
struct sighting {
    int64_t id;
    int32_t version; /* or VERSION_GONE */
    int64_t at_ns;
};

/* What a way of reading can see at all, and what it goes by. */
struct method {
    const char *name; /* "by id" */
    const char *key;  /* "by_id" */
    bool polls;       /* else everything is brought to it: whatever it misses is unexplained */
    bool sees_updates, sees_deletes;
    bool uses_mark; /* asks for what lies past the last id or time that it got */
};

enum miss {
    MISS_DELETE,  /* a way of reading that has no deletes */
    MISS_UPDATE,  /* … no updates */
    MISS_MARK,    /* committed behind the mark: a lower id, an older timestamp */
    MISS_BETWEEN, /* replaced or deleted before the next poll */
    MISS_OTHER,
    MISS_COUNT
};

struct account {
    int64_t written, seen;
    int64_t missed[MISS_COUNT], missed_total;
    int64_t twice;                         /* sightings of a change that was sighted before */
    int64_t unexpected;                    /* sightings of what was never committed */
    double p50_ms, p90_ms, p99_ms, max_ms; /* from the COMMIT; 0 when nothing was seen */
};

struct account account_make(const struct method *method, const struct written *writes, size_t write_count, const struct sighting *sightings,
                            size_t sighting_count);

#endif
