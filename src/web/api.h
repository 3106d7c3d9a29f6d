/*
 * web/api.h: the console's HTTP API under /api/v1: one table of routes, each answered by a function that is given the call.
 * What it shows comes from the log, from our own broker (asked as any client asks) and from the description that the server
 * gives; what it changes goes through the Kafka protocol and Connect's REST API.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include "broker/broker.h"
#include "connect/connect.h"
#include "log/log.h"
#include "store/store.h"
#include "web/auth.h"
#include "log/kafka_ask.h"
#include "web/series.h"

#include <jansson.h>
#include <pthread.h>

#define API_PARTS_MAX 3
#define EVENTS_KEPT 500
#define JSON_SHORT (JSON_COMPACT | JSON_REAL_PRECISION(15)) /* as answers are written: 2.564, not 2.5640000000000001 */

struct api_settings {
    const char *kafka;            /* host:port of our broker */
    struct connect *connect;
    const struct properties *values;  /* all settings */
    const struct properties *aliases; /* host.aliases, for preflight checks; may be NULL */
    const char *version;
    struct log *log;
    struct agents *agents;        /* asked for the state of a key; may be NULL */
    struct sinks *sinks;          /* asked to send an alert again */
    const char *problems_topic;   /* where problems are written as alerts; NULL: nowhere */
    struct broker *broker;        /* asked what it has seen of members of groups; may be NULL */
    struct store *store;          /* topics and partitions with their sizes and times */
    void (*describe)(void *context, bool with_topics, struct buffer *json); /* what the server says of itself; any thread */
    void (*settings)(void *context, struct buffer *json); /* every setting as a JSON array, secrets masked */
    void *context;
    bool read_only;
    const char *token, *read_token; /* "": none */
    const char *mask;             /* columns never shown: "public.users.email,…"; may be NULL */
};

struct api;

/*
 * Starts the sampler, which looks at everything once a second.
 * Errors  LIMIT (no thread)
 */
enum status api_create(const struct api_settings *settings, struct api **created, struct error *error);
void api_stop(struct api *api);    /* ends streams and searches with a word; nothing new begins. NULL is fine */
void api_destroy(struct api *api); /* when no request is under way any more. NULL is fine */

/* Answers any request whose path begins with /api/v1. Thread: any; may wait. */
void api_answer(struct api *api, const struct http_request *request, struct http_response *response);

/* ---- For the sources api_*.c ---- */

struct api_call {
    struct api *api;
    const struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    const char *parts[API_PARTS_MAX]; /* what stands for :name in the route, unescaped */
    json_t *body;                     /* of the request; NULL when there is none */
    bool dry_run;
    enum access access; /* of who asks */
};

const struct api_settings *api_settings_of(const struct api *api);
struct series *api_series(struct api *api);

/* Query parameters, unescaped, in the arena; NULL when absent. */
const char *api_query(const struct api_call *call, const char *name);
int64_t api_query_number(const struct api_call *call, const char *name, int64_t absent, int64_t min, int64_t max);

/* Answers with JSON; takes the reference. */
void api_json(struct api_call *call, int status, json_t *value);

/* Answers with an error: what, why and what to do; why and todo may be NULL. */
void api_error(struct api_call *call, int status, const char *code, const char *what, const char *why, const char *todo);

/* The same for a field that is wrong, at a character of it. */
void api_error_at(struct api_call *call, int status, const char *code, const char *what, const char *field, int64_t position);

/* The same for a status with its message. */
void api_failed(struct api_call *call, enum status status, const struct error *error);

/* The same for an error code in a Kafka response. message may be a null slice. */
void api_kafka_failed(struct api_call *call, int16_t code, struct slice message, const char *what);

/* A list: items filtered by q, sorted, cut to offset and limit. Takes the reference to `items`. names: member that q is looked for in. */
void api_list(struct api_call *call, json_t *items, const char *name_member);

/* For lists so long that only what is shown should be made: what is asked for, and its answer, which takes the reference. */
struct api_page {
    const char *q, *sort; /* NULL: not asked for */
    bool descending;
    size_t offset, limit;
};
struct api_page api_page_read(struct api_call *call);
void api_page_give(struct api_call *call, size_t total, json_t *items);

/* One request to our broker. Answers with the error itself and gives false when it fails. */
bool api_ask(struct api_call *call, int16_t key, int16_t version, const void *request, void *response);
enum status api_ask_quietly(struct api *api, struct arena *arena, int16_t key, int16_t version, const void *request, void *response, struct error *error);

/* What the server says of itself, but for the list of topics, which may be long; with it. New references. */
json_t *api_describe(struct api *api);
json_t *api_describe_whole(struct api *api);

/*
 * The same with what the sampler saw a moment ago: groups with their lag, replication slots, and problems with cause and remedy. What
 * `tailrace status --json` and /status.json show; a new reference. Thread: any; does not wait for the sampler.
 */
json_t *api_status(struct api *api);

/* One line of "what happened" by itself; subject and text are copied. */
void api_event(struct api *api, const char *severity, const char *subject, const char *text);

/* Notes and writes down what Kafka clients changed since the last call. Thread: the sampler's, or none besides. */
void api_changes_collect(struct api *api);

/* The same for what somebody changed, with the console or the command line: it is also logged, and written to the audit topic. */
void api_changed(const struct api_call *call, const char *severity, const char *subject, const char *text);

/* The same for what is deleted, which later calls are told. kind: as in gone.h */
void api_deleted(const struct api_call *call, const char *kind, const char *name, const char *text);

/* The newest events, newest first. seen: of those after this number only, which then is that of the newest; NULL: of all. A new reference. */
json_t *api_events(struct api *api, size_t limit, size_t *seen);

/* Has api_stop been called? Streams ask between two steps. */
bool api_is_stopping(struct api *api);

/* A place among the streams or searches that may run at once; false, with the answer given, when there is none. */
enum api_place { PLACE_STREAM, PLACE_SEARCH };
bool api_place_take(struct api_call *call, enum api_place place);
void api_place_give(struct api *api, enum api_place place);

/* Answers with server-sent events; `next` and `end` as in http_response. */
void api_stream_begin(struct api_call *call, ssize_t (*next)(void *context, char *bytes, size_t size), void (*end)(void *context), void *context);

/* The body of an error: what stands behind "error". A new reference. */
json_t *error_body(const char *code, const char *what, const char *why, const char *todo);

/* Appends one event. Takes the reference. */
void event_append(struct buffer *out, const char *event, json_t *data);

json_t *json_slice(struct slice text); /* a string, bytes that are no UTF-8 replaced; null for a null slice */
json_t *json_text_or_null(const char *text);

json_t *json_real_or_null(double value); /* null for NAN */
json_t *json_integer_or_null(int64_t value); /* null below 0 */
const char *member_text(const json_t *object, const char *name); /* NULL when it is no string */
int64_t member_integer(const json_t *object, const char *name, int64_t absent);
void json_put(json_t *object, const char *name, json_t *value); /* takes the reference */
void json_add(json_t *array, json_t *value);                    /* the same */

/* ---- The answers, by file ---- */

typedef void api_handler(struct api_call *call);

api_handler api_me, api_login, api_logout, api_trace, api_search_names;                              /* api_about.c */
api_handler api_settings_list, api_settings_patch;                                   /* api_settings.c */
api_handler api_health, api_bundle;                                                  /* api_health.c, api_bundle.c */
api_handler api_overview, api_problems, api_problem_quiet, api_events_list, api_series_get;         /* api_overview.c */
api_handler api_topics, api_topic, api_topic_create, api_topic_delete, api_topic_config, api_topic_partitions, api_topic_empty, api_topic_schema;
api_handler api_messages, api_message, api_message_produce;
api_handler api_topic_export, api_topic_copy;                                       /* api_export.c, api_copy.c */
api_handler api_groups, api_group, api_group_reset, api_group_delete, api_group_offsets_delete;
api_handler api_connectors, api_connector, api_connector_tables, api_preflight, api_connect_proxy;
api_handler api_agent_key;                                                       /* api_agent_keys.c */
api_handler api_alerts, api_alert_state;
api_handler api_alert, api_alert_evaluate, api_alert_deliver;                    /* api_alert.c */
api_handler api_mutes_list, api_mute_create, api_mute_end;                       /* api_mutes.c */
api_handler api_filters, api_filter_put, api_filter_delete;                      /* api_filters.c */
api_handler api_rules, api_agents, api_agent, api_reports, api_report, api_report_runs;                   /* api_agents.c */
api_handler api_agent_backtest;                                                      /* api_backtest.c */
api_handler api_agent_put, api_agent_state, api_agent_delete;                        /* api_control.c */
api_handler api_report_put, api_report_state, api_report_delete, api_report_run_now; /* api_control.c */
api_handler api_logs, api_connector_log;                                             /* api_logs.c */
api_handler api_snapshots_list, api_snapshot_start, api_snapshot_state, api_snapshot_stop; /* api_snapshots.c */
api_handler api_slot_drop;                                                       /* api_slots.c */
api_handler api_stream;                                                          /* stream.c */

/* Objects that several answers and the stream show. New references; NULL when there is no such thing. */
json_t *topic_make(struct api *api, struct arena *arena, const char *name);
json_t *groups_make(struct api *api, struct arena *arena, struct error *error);
json_t *group_make(struct api *api, struct arena *arena, const char *name, struct error *error);
json_t *connectors_make(struct api *api, const json_t *description);
json_t *agents_make(struct api *api, const json_t *description);
json_t *reports_make(struct api *api, const json_t *description);
json_t *agent_make(struct api *api, const json_t *description, const char *name);
json_t *report_make(struct api *api, const json_t *description, const char *name);

/* Numbers that rise when a list changed: {"topics":12,…}; a new reference. */
json_t *api_revisions(struct api *api);
json_t *overview_make(struct api *api, const json_t *description, const json_t *groups);

/* The largest of a time in microseconds among items of the description, in ms; NAN: none has it. within: the object that has it, or NULL */
double overview_slowest_ms(const json_t *items, const char *within, const char *member);
json_t *health_make(struct api *api, struct arena *arena);
json_t *health_checks(const json_t *status); /* of what api_status gives; a new reference */

/* Puts in force what people changed at run time, before. */
void settings_apply(struct api *api);

/* ---- What the sampler knows: sampler.c ---- */

struct sampler;

struct sampler *sampler_create(struct api *api);
enum status sampler_start(struct sampler *sampler, struct error *error);
void sampler_stop(struct sampler *sampler);
void sampler_destroy(struct sampler *sampler); /* NULL is fine */
struct sampler *api_sampler(struct api *api);

/* The newest overview; a new reference, not to be changed. Waits for the first one. */
json_t *sampler_overview(struct sampler *sampler);

json_t *sampler_newest(struct sampler *sampler); /* the same without waiting; NULL before the first */
json_t *sampler_problems(struct sampler *sampler); /* problems_plain of the newest look; a new reference, not to be changed */

/* Waits until there is a newer sample than `seen`, at most timeout_ms, or until api_stop; gives the newest one's number. */
int64_t sampler_wait(struct sampler *sampler, int64_t seen, int64_t timeout_ms);

/* How much a counter rose a second over the last few seconds; NAN: not known yet. kind: "topic:", "connector:", "agent:", "group:" and the name. */
double sampler_rate(struct sampler *sampler, const char *kind, const char *name);

double sampler_reads_rate(struct sampler *sampler); /* records a second that groups and agents read; NAN: not known yet */

/* Adds to what the server describes what the newest look found: "groups", "group_topics" and "slots". Thread: any. */
void sampler_describe(struct sampler *sampler, json_t *description);

int64_t sampler_readers(struct sampler *sampler, const char *topic); /* groups with a position in it, and agents; -1 unknown */

/* The header of the batch that holds the offset. False: there is none. */
struct batch;
bool topic_name_is_own(const char *name); /* of a topic that the program writes for itself, as connect-offsets */
bool batch_header_at(struct partition *partition, int64_t offset, struct batch *batch);

/* A reference, or NULL with the answer given. */
struct topic *api_topic_find(struct api_call *call, const char *name);

/* What destroys something repeats the name, in the body or the query; false with the answer given. */
bool api_confirmed(struct api_call *call, const char *name);

json_t *api_group_find(struct api_call *call, const char *name); /* NULL with the answer given */

struct auth *api_auth(struct api *api);

struct slots;
struct slots *api_slots(struct api *api);
struct schema_book *api_schemas(struct api *api);

struct watch;
struct watch *api_watch(struct api *api);

struct gone;
struct gone *api_gone_book(struct api *api);

struct snapshots;
struct snapshots *api_snapshots(struct api *api);

struct databases;
struct databases *api_databases(struct api *api);

struct keeper;
struct keeper *api_keeper(struct api *api);
struct keeper *api_alert_states(struct api *api);
struct keeper *api_mutes(struct api *api);

struct alert_list;
struct alert_list *api_alert_list(struct api *api);
struct keeper *api_control(struct api *api); /* what people want of agents and reports: log/control.h */

/* The configuration that counts, secrets masked, and the versions that people made. kind: "agent" or "report". New references. */
json_t *control_config_make(struct api *api, const char *kind, const char *name);
json_t *control_versions_make(struct api *api, const char *kind, const char *name);

/* The configuration of the agent of the call, and what its body's would make of it; the caller finishes both. False with the answer given. */
bool control_configs_read(struct api_call *call, struct properties *now, struct properties *next);

struct problems;
struct problems *api_problem_book(struct api *api);

/* Alerts that nobody has looked at, among the newest. Thread: the sampler's */
int64_t api_alerts_open(struct api *api, const json_t *description);

/* Previews of resets: api_reset.c. */
struct plans;
struct plans *plans_create(void);
void plans_destroy(struct plans *plans);
struct plans *api_plans(struct api *api);

#endif
