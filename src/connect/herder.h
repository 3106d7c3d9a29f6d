/*
 * connect/herder.h: all connectors: their configurations, the state each of them is wanted in, what they last said of
 * themselves. What must last is in the connect-* topics before an operation returns; a thread of its own brings each
 * connector into the wanted state (worker.h).
 *
 * Thread: any. Messages of errors are those of Kafka Connect's REST API; the status gives the HTTP code.
 */
#ifndef CONNECT_HERDER_H
#define CONNECT_HERDER_H

#include "base/arena.h"
#include "connect/bind.h"
#include "log/log.h"

struct herder;

struct herder_settings {
    const struct properties *values;  /* all settings; copied */
    const struct properties *aliases; /* copied; may be NULL */
    const char *worker_id;            /* host:port */
    struct log *log;
};

/* Creates the topics, reads them, and starts the connectors that should run. Errors: those of the log. */
enum status herder_start(const struct herder_settings *settings, struct herder **started, struct error *error);

/* Ends every wait of an operation, and lets all connectors stop. */
void herder_stop_begin(struct herder *herder);
int herder_stop_fd(const struct herder *herder); /* readable from then on */

/* Waits for them; under 5 s. herder_destroy frees what is left. NULL is fine for both. */
void herder_stop(struct herder *herder);
void herder_destroy(struct herder *herder);

/* ---- Changing ---- */

struct herder_put {
    const char *name;
    const struct properties *config; /* checked, with its name */
    bool only_create;                /* CONFLICT when it exists */
    bool has_target;
    enum target_state target; /* of a new one */
    bool created;             /* set: it did not exist */
};

/* Errors: CONFLICT, those of the log. */
enum status herder_put(struct herder *herder, struct herder_put *put, struct error *error);
enum status herder_delete(struct herder *herder, const char *name, struct error *error);
/* by: who asks, for those who look later; NULL: not known */
enum status herder_target_set(struct herder *herder, const char *name, enum target_state target, const char *by, struct error *error);

/* The connector alone, as POST …/restart without parameters; and with its task, answering with the status at once. */
enum status herder_restart(struct herder *herder, const char *name, struct error *error);
enum status herder_restart_with(struct herder *herder, const char *name, bool include_tasks, bool only_failed, struct buffer *out,
                                struct error *error);
enum status herder_task_restart(struct herder *herder, const char *name, int64_t task, struct error *error);

enum status herder_topics_reset(struct herder *herder, const char *name, struct error *error);

/* Errors: NOT_FOUND, BAD_INPUT (it is not stopped). */
enum status herder_offsets_alter(struct herder *herder, const char *name, const struct offset_changes *changes, struct error *error);
enum status herder_offsets_reset(struct herder *herder, const char *name, struct error *error);

uint64_t herder_stored_lsn(struct herder *herder, const char *name, const char *prefix); /* as connect_stored_lsn */

/* A copy of the stored configuration, initialised by this; NOT_FOUND "Connector x not found". */
enum status herder_config_copy(struct herder *herder, const char *name, struct properties *config, struct error *error);
bool herder_has(struct herder *herder, const char *name);

/* ---- Looking: each appends JSON ---- */

void herder_list_write(struct herder *herder, bool expand, bool with_status, bool with_info, struct buffer *out);

/* The answer to a change: the configuration as it was sent; a new connector has no tasks yet. */
enum status herder_put_write(struct herder *herder, const struct herder_put *put, struct buffer *out, struct error *error);

enum status herder_info_write(struct herder *herder, const char *name, struct buffer *out, struct error *error);
enum status herder_config_write(struct herder *herder, const char *name, struct buffer *out, struct error *error);
enum status herder_tasks_write(struct herder *herder, const char *name, struct buffer *out, struct error *error);
enum status herder_status_write(struct herder *herder, const char *name, struct buffer *out, struct error *error);
enum status herder_task_status_write(struct herder *herder, const char *name, int64_t task, struct buffer *out, struct error *error);
void herder_topics_write(struct herder *herder, const char *name, struct buffer *out);
enum status herder_offsets_write(struct herder *herder, const char *name, struct buffer *out, struct error *error);

/* The array of connect_describe. */
struct connect_database;
struct preflight;
struct connect_database *herder_databases(struct herder *herder, bool with_stopped, struct arena *arena, size_t *count); /* as connect_databases */
enum status herder_preflight(struct herder *herder, const char *name, const struct properties *config, int64_t disk_here_bytes, struct arena *arena,
                             struct preflight **checked, struct error *error); /* as connect_preflight */
void herder_describe(struct herder *herder, struct buffer *out);

const struct properties *herder_settings_values(const struct herder *herder);
const struct properties *herder_aliases(const struct herder *herder); /* may be NULL */

/* Writes a record about a logger's level, as scope=cluster does. */
enum status herder_logger_write(struct herder *herder, const char *logger, const char *level, struct error *error);

#endif
