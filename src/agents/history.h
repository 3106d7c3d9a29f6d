/*
 * agents/history.h: what a topic holds, read once and as fast as it comes, without a group and without leaving a trace. The
 * partitions are merged by the records' timestamps, so that rows of one user on several partitions come in order.
 */
#ifndef AGENTS_HISTORY_H
#define AGENTS_HISTORY_H

#include "agents/source.h"

struct history;

struct history_spec {
    const char *bootstrap_servers;
    const char *topic;
    int64_t from_ms, to_ms;          /* by the records' timestamps, to excluded; -1: all that was there when it was opened */
    int64_t newest, skipped;         /* newest > 0: only so many of each partition's, the newest `skipped` ones left out */
    const struct properties *client; /* librdkafka's settings; may be NULL */
};

/* Errors: UNAVAILABLE, UNKNOWN_TOPIC_OR_PARTITION, BAD_INPUT (client settings) */
enum status history_open(const struct history_spec *spec, struct history **opened, struct error *error);
void history_close(struct history *history); /* NULL is fine */

/* *got false: that was all. The record is good until the next call. Errors: UNAVAILABLE when nothing came for 30 s */
enum status history_next(struct history *history, struct source_record *record, bool *got, struct error *error);

/* Are there older records in the partition than those that it gives? */
bool history_has_older(const struct history *history, int32_t partition);
int32_t history_partitions(const struct history *history);

int64_t history_total(const struct history *history); /* offsets in all partitions; records may be fewer */

#endif
