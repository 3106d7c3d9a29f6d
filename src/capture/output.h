/*
 * capture/output.h: records into batches by topic and partition, batches and position into the log. What was handed over and
 * is not durable yet is remembered, so that PostgreSQL is told only of what is.
 * Thread: the capture's, unless a function says otherwise.
 */
#ifndef CAPTURE_OUTPUT_H
#define CAPTURE_OUTPUT_H

#include "capture/position.h"
#include "capture/settings.h"
#include "log/log.h"
#include "wire/debezium/envelope.h"

struct output;

/*
 * Opens the writer of the connector in the log.
 * position  the last one published; empty when there is none
 */
enum status output_open(const struct capture_settings *settings, struct log *log, struct output **opened, struct buffer *position,
                        struct error *error);
void output_close(struct output *output); /* drops what is not published; NULL is fine */

/*
 * Adds the records of one event; they are published together, with a later output_publish.
 * Errors  MESSAGE_TOO_LARGE (names topic and setting), those of the log
 */
enum status output_add(struct output *output, const struct debezium_output *records, int64_t now_ms, struct error *error);

bool output_is_empty(const struct output *output);    /* nothing added since the last publish */
size_t output_bytes(const struct output *output);     /* added since the last publish, uncompressed */
size_t output_memory(const struct output *output);    /* what that takes: batches handed to the log compressed, the open ones not */
size_t output_under_way(const struct output *output); /* publishes that are not durable yet */

/* What is known of the rows that the next publish takes. */
void output_stamp(struct output *output, const struct log_stamp *stamp);

/*
 * Publishes what was added, together with the position. Without records it only moves the position.
 * Errors  those of the log; close it then and begin again
 */
enum status output_publish(struct output *output, const struct position *position, struct error *error);

/* What is durable by now. */
struct output_durable {
    uint64_t resume_lsn; /* 0 when nothing was published by this writer */
    uint64_t time_us;    /* commit time of the last durable transaction */
};
struct output_durable output_durable(struct output *output);

/* The way of the last streamed rows that are durable, in microseconds since 1970; all 0: there are none yet. */
struct output_way {
    int64_t committed_us, received_us, appended_us, durable_us;
};
struct output_way output_way(const struct output *output);

/* From commit to durable, of the oldest row of each publish of the last minute; -1: there were none. */
void output_latency(const struct output *output, int64_t *p50_us, int64_t *p99_us);

int output_fd(const struct output *output); /* readable when output_durable may have moved; then call output_wake */

/* Errors: of a publish that failed. */
enum status output_wake(struct output *output, struct error *error);

/* Waits until all that was published is durable. */
enum status output_flush(struct output *output, struct error *error);

/* ---- The topics written to; lives longer than one output ---- */

struct topic_counts;
struct topic_counts *topic_counts_create(void);
void topic_counts_destroy(struct topic_counts *counts);
void topic_counts_visit(struct topic_counts *counts, void (*visit)(void *context, const char *topic, int64_t records),
                        void *context);                                       /* any thread */
void output_count_topics(struct output *output, struct topic_counts *counts); /* from now on */

#endif
