/* connect/herder_internal.h: a connector as the herder's sources share it. */
#ifndef CONNECT_HERDER_INTERNAL_H
#define CONNECT_HERDER_INTERNAL_H

#include "base/map.h"
#include "capture/capture.h"
#include "connect/herder.h"
#include "connect/records.h"
#include "os/thread.h"

#include <pthread.h>

enum run_state { STATE_NONE, STATE_UNASSIGNED, STATE_RUNNING, STATE_PAUSED, STATE_FAILED, STATE_RESTARTING, STATE_STOPPED };

struct run_status { /* what GET …/status says */
    enum run_state state;
    char *trace; /* NULL: none */
    int generation;
    bool has_version;
};

struct connector_offset {
    char *partition; /* JSON text, "null" for none */
    char *offset;    /* JSON text; NULL: removed */
    struct connector_offset *next;
};

struct active_topic {
    char *name;
    int64_t discovered_ms; /* -1: not active */
    int64_t reset_at;      /* records it had when the list was reset */
    bool saved;            /* its record is written */
    struct active_topic *next;
};

/* Everything is guarded by herder->lock unless it says otherwise. */
struct connector {
    struct herder *herder;
    char *name;                    /* never changes */
    struct properties config;      /* in the order of the stored record */
    struct properties task_config; /* of the task record; empty without */
    bool has_task;
    struct run_status status, task_status;
    struct connector_offset *offsets;
    struct active_topic *topics;
    size_t warnings; /* settings that nobody knows */

    /* What is wanted, and how far the worker is with it. */
    enum target_state target, applied_target;
    int64_t target_since_ms; /* wall clock; 0: not known */
    char *target_by;         /* who wanted it; NULL: not known */
    uint64_t config_revision, applied_revision; /* 0: none applied yet */
    unsigned restarts, restarts_done;           /* of the connector alone */
    unsigned task_restarts, task_restarts_done;
    bool removed;

    struct capture *capture; /* the worker sets it; others may ask it while they hold the lock */
    bool capture_changed;
    bool capture_refused;   /* it would not start; the task has failed */
    char *flushed_position; /* what was last written to connect-offsets; the worker's own */
    bool unsaved;           /* a status could not be written; the worker tries again */
    pthread_cond_t wake;    /* for the worker */
    struct thread *thread;
    bool ended; /* the worker is done; the thread may be joined */
    struct connector *next_leaving;
};

struct herder {
    struct properties values, aliases;
    bool has_aliases;
    bool mask_passwords;
    int64_t flush_interval_ms;
    struct log *log;
    struct records records;

    pthread_mutex_t change; /* one change at a time; taken before lock */
    pthread_mutex_t lock;   /* guards all below and the connectors; nothing that waits is called with it held */
    pthread_cond_t changed; /* a connector got further with what is wanted of it */
    struct map connectors;
    struct connector *leaving; /* deleted, their workers not joined yet */
    int generation;            /* counts what would be rebalances of a Connect cluster */
    bool stopping;
    int stop_fd; /* readable when it is */
};

/* ---- herder.c ---- */
struct connector *connector_find(struct herder *herder, const char *name); /* lock held */
enum status connector_missing(const char *name, struct error *error);      /* "Connector x not found" */
const char *target_state_name(enum target_state target);

/* Waits until `done(connector)`, at most timeout_ms; lock held. False when it did not come so far, or the connector is gone. */
bool connector_wait(struct herder *herder, const char *name, bool (*done)(const struct connector *connector, uint64_t wanted),
                    uint64_t wanted, int64_t timeout_ms);

/* ---- worker.c: the thread of one connector ---- */
enum status worker_start(struct connector *connector, struct error *error);
const char *run_state_name(enum run_state state);
void run_status_set(struct run_status *status, enum run_state state, const char *trace, int generation, bool has_version);
void connector_free(struct connector *connector);

/* Takes over which topics the capture has written to; lock held. */
void active_topics_collect(struct connector *connector);

/* ---- views.c ---- */
void connector_status_write(const struct connector *connector, struct buffer *out); /* lock held */

/* ---- offsets.c ---- */

/* Notes one record of connect-offsets; lock held. offset data NULL: removed. */
void connector_offset_note(struct connector *connector, struct slice partition, struct slice offset);
bool offset_key_read(struct arena *arena, struct slice key, struct slice *name, struct slice *partition); /* of a record */
char *connector_partition(const struct connector *connector); /* {"server":"prefix"}, in new memory */

/* The published position as offset JSON, in new memory; NULL when there is none. Lock not needed. */
char *position_offset_read(struct herder *herder, const char *owner);

/* Before a capture starts: the stored offset becomes its position where the log has none. Lock not held. */
enum status position_adopt(struct connector *connector, struct error *error);

/* Shows the published position in connect-offsets if it moved. Lock not held; the worker's thread. */
void offsets_flush(struct connector *connector);

#endif
