/*
 * capture/signals.h: what to do about signals: from rows of signal.data.collection in the stream, and from the signal topic.
 * Thread: the capture's.
 */
#ifndef CAPTURE_SIGNALS_H
#define CAPTURE_SIGNALS_H

#include "capture/task.h"

struct signals;

/* Goes on with what the position says is not done. */
enum status signals_create(struct task *task, struct signals **created, struct error *error);
void signals_destroy(struct signals *signals); /* NULL is fine */

/*
 * A change that the stream brought, before it is published: when it is one of the signal table, does what it says.
 * source  of the change
 */
enum status signals_take_change(struct signals *signals, const struct pg_relation *relation, const struct debezium_event *event,
                                struct error *error);

/* The records of a change: rows of an incremental snapshot with the same key are old now. */
void signals_seen(struct signals *signals, const struct debezium_output *records);

/* Looks into the signal topic, at most every signal.poll.interval.ms. */
enum status signals_poll(struct signals *signals, int64_t now_ms, struct error *error);
int64_t signals_poll_ms(const struct signals *signals); /* how often; 0: never */

/* Between transactions: runs the blocking snapshots that were asked for. */
bool signals_are_pending(const struct signals *signals);
enum status signals_run_pending(struct signals *signals, const struct debezium_source *source, struct error *error);

/* For the position; borrowed until the next call. */
struct slice signals_state(struct signals *signals);

/* How long an incremental snapshot with a limit rests yet before its next piece is due, in ms; -1: it does not rest. */
int64_t signals_rest_ms(const struct signals *signals, int64_t now_ms);

/* To be called when it has rested; reads the next piece. */
enum status signals_rested(struct signals *signals, int64_t now_ms, struct error *error);

#endif
