/*
 * connect/records.h: the records of connect-configs, connect-offsets and connect-statuses, in Kafka Connect's own formats.
 *
 *   connect-configs   session-key               {"key":…,"algorithm":"HmacSHA256","creation-timestamp":…}
 *                     connector-NAME            {"properties":{…}}, null when deleted
 *                     task-NAME-0               {"properties":{…}}
 *                     commit-NAME               {"tasks":1}
 *                     target-state-NAME         {"state":"STARTED","state.v2":"STARTED"}
 *                     restart-connector-NAME    {"include-tasks":true,"only-failed":false}
 *   connect-offsets   ["NAME",{partition}]      {offset}, null when removed
 *   connect-statuses  status-connector-NAME     {"state":…,"trace":…,"worker_id":…,"generation":…,"version":…}
 *                     status-task-NAME-0        the same
 *                     status-topic-T:connector-NAME  {"topic":{"name":…,"connector":…,"task":0,"discoverTimestamp":…}}
 */
#ifndef CONNECT_RECORDS_H
#define CONNECT_RECORDS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"

struct records { /* where they are kept; the topics are made, compacted as Connect makes them, with the first record that is written */
    struct log *log;
    char *configs_topic, *offsets_topic, *statuses_topic;
    int32_t offsets_partitions, statuses_partitions;
    char *worker_id;
};

/* Names and partitions come from the settings config.storage.topic, offset.storage.partitions, …; worker_id is copied. */
void records_init(struct records *records, struct log *log, const struct properties *settings, const char *worker_id);
void records_finish(struct records *records);

/* Reads a topic from its beginning to its end, partition by partition. The record has a key, and is borrowed for the call. */
struct record;
typedef void record_visit(void *context, const struct record *record);
enum status records_read(struct records *records, const char *topic, record_visit *visit, void *context, struct error *error);

/* ---- Building one write of several records to connect-configs ---- */

enum { RECORD_CHANGE_MAX = 4 };

struct record_change {
    struct buffer keys[RECORD_CHANGE_MAX];
    struct buffer values[RECORD_CHANGE_MAX];
    bool is_null[RECORD_CHANGE_MAX];
    const char *by; /* whose change it is, in a header that Connect passes over; NULL: not said. Borrowed */
    size_t count;
};

#define RECORD_BY_HEADER "tailrace-by"

void record_change_init(struct record_change *change);
void record_change_finish(struct record_change *change);
void record_change_connector(struct record_change *change, const char *name, const struct properties *config); /* NULL removes it */
void record_change_task(struct record_change *change, const char *name, const struct properties *config);
void record_change_commit(struct record_change *change, const char *name, int tasks);
void record_change_target(struct record_change *change, const char *name,
                          const char *state); /* STARTED, PAUSED, STOPPED; NULL removes it */
void record_change_restart(struct record_change *change, const char *name, bool include_tasks, bool only_failed);
void record_change_logger(struct record_change *change, const char *logger, const char *level);

/* Writes them as one batch, durable when it returns OK. */
enum status records_write_change(struct records *records, const struct record_change *change, struct error *error);

/* ---- Single records of the other topics ---- */

struct status_record {
    const char *state;
    const char *trace; /* NULL: null */
    int generation;
    const char *version; /* NULL: null */
};

/* task -1: of the connector itself. status NULL removes it. */
enum status records_write_status(struct records *records, const char *name, int task, const struct status_record *status,
                                 struct error *error);

/* discovered_ms -1 removes it. */
enum status records_write_topic(struct records *records, const char *name, const char *topic, int64_t discovered_ms, struct error *error);

/* partition and offset are JSON texts; offset data NULL removes it. */
enum status records_write_offset(struct records *records, const char *name, struct slice partition, struct slice offset,
                                 struct error *error);

#endif
