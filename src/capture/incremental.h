/*
 * capture/incremental.h: a snapshot in small pieces beside the stream, started by a signal. Each chunk of rows is read between
 * two rows that we write into the signal table; when the stream has brought both, what it brought in between is newer than
 * what was read, and the rest of the chunk is published.
 *
 * What is to be done is part of the position, so that a restart goes on with the chunk behind the last published one.
 * Thread: the capture's.
 */
#ifndef CAPTURE_INCREMENTAL_H
#define CAPTURE_INCREMENTAL_H

#include "capture/signal.h"
#include "capture/task.h"

struct incremental;

/* state  what incremental_write wrote; empty: nothing is to be done */
struct incremental *incremental_create(struct task *task, struct slice state);
void incremental_destroy(struct incremental *incremental); /* NULL is fine */

bool incremental_is_running(const struct incremental *incremental);

/* After a restart: reads the chunk that was under way anew. */
enum status incremental_go_on(struct incremental *incremental, struct error *error);

/* Adds the tables that the signal names; reads the first chunk when nothing was under way. */
enum status incremental_start(struct incremental *incremental, const struct signal *signal, struct error *error);
enum status incremental_stop(struct incremental *incremental, const struct signal *signal, struct error *error);
enum status incremental_pause(struct incremental *incremental, bool pause, struct error *error);

/* Changes the share of a PostgreSQL process's time that the snapshot under way may take; 0: leaves it. */
void incremental_limit(struct incremental *incremental, double load_max);

/* How long it rests yet before the next chunk, in ms of the monotonic clock; -1: it does not rest. */
int64_t incremental_rest_ms(const struct incremental *incremental, int64_t now_ms);
enum status incremental_rested(struct incremental *incremental, int64_t now_ms, struct error *error); /* reads it when it is due */

/* How long to rest after PostgreSQL has worked for so long, so that its share of the time stays within load_max. Pure. */
int64_t incremental_rest_after_ns(int64_t worked_ns, double load_max);

/* The stream has brought the row that opens a window. */
void incremental_open(struct incremental *incremental, const char *id);

/* … or the one that closes it: publishes what is left of the chunk, and reads the next one. source: of that row. */
enum status incremental_close(struct incremental *incremental, const char *id, const struct debezium_source *source, struct error *error);

/* The stream brought a record with this key: its row of the chunk is old. */
void incremental_seen(struct incremental *incremental, const char *topic, struct slice key);

/* What there is to be done, for the position; empty when nothing is. Borrowed until the next call of any of these. */
struct slice incremental_state(struct incremental *incremental);

#endif
