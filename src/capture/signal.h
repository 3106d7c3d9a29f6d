/*
 * capture/signal.h: what somebody asks a running connector to do: a row of the signal table, or a record of the signal topic.
 * Source: Debezium documentation, "Sending signals to a Debezium connector".
 */
#ifndef CAPTURE_SIGNAL_H
#define CAPTURE_SIGNAL_H

#include "base/arena.h"
#include "base/error.h"

enum signal_kind {
    SIGNAL_UNKNOWN,
    SIGNAL_EXECUTE_SNAPSHOT,
    SIGNAL_STOP_SNAPSHOT,
    SIGNAL_PAUSE_SNAPSHOT,
    SIGNAL_RESUME_SNAPSHOT,
    SIGNAL_LOG,
    SIGNAL_WINDOW_OPEN,
    SIGNAL_WINDOW_CLOSE
};

struct signal_condition {
    const char *collection; /* a regular expression, as the collections are */
    const char *filter;     /* a condition, for a blocking snapshot a whole SELECT */
};

struct signal {
    enum signal_kind kind;
    const char *id;
    const char *type;         /* as written */
    bool is_blocking;         /* the snapshot's type; else incremental */
    const char **collections; /* regular expressions */
    size_t collection_count;
    struct signal_condition *conditions;
    size_t condition_count;
    const char *surrogate_key; /* may be NULL */
    const char *message;       /* of a log signal, may be NULL */
    double load_max;           /* of an incremental snapshot: the share of one PostgreSQL process's time that it may take, to 1; 0: not said */
};

/*
 * Reads a signal from its three columns; all of it lives in the arena.
 * data    JSON text, may be null
 * Errors  BAD_INPUT (data is no JSON object)
 */
enum status signal_read(struct slice id, struct slice type, struct slice data, struct arena *arena, struct signal *signal,
                        struct error *error);

/* Reads {"id": …, "type": …, "data": {…}}, the value of a record of the signal topic. Errors: BAD_INPUT */
enum status signal_read_record(struct slice value, struct arena *arena, struct signal *signal, struct error *error);

/* The data of such a record as JSON text. */
const char *signal_data_of_record(struct slice value, struct arena *arena);

#endif
