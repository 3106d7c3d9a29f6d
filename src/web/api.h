/*
 * web/api.h: the console's HTTP API under /api/v1: one table of routes, each answered by a function that is given the call.
 * What it shows comes from the log, from our own broker (asked as any client asks) and from the description that the server
 * gives; what it changes goes through the Kafka protocol and Connect's REST API.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include "connect/http.h"
#include "log/log.h"
#include "web/kafka_client.h"
#include "web/series.h"

#include <jansson.h>
#include <pthread.h>

#define API_PARTS_MAX 3
#define EVENTS_KEPT 500

struct api_settings {
    const char *kafka;            /* host:port of our broker */
    const char *rest;             /* host:port of Connect's REST API */
    struct log *log;
    void (*describe)(void *context, struct buffer *json); /* what `tailrace status --json` shows; any thread */
    void *context;
    bool read_only;
    const char *mask;             /* columns never shown: "public.users.email,…"; may be NULL */
};

struct api;

struct api *api_create(const struct api_settings *settings);
void api_destroy(struct api *api); /* NULL is fine */

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

/* The same for a status with its message. */
void api_failed(struct api_call *call, enum status status, const struct error *error);

/* The same for an error code in a Kafka response. message may be a null slice. */
void api_kafka_failed(struct api_call *call, int16_t code, struct slice message, const char *what);

/* A list: items filtered by q, sorted, cut to offset and limit. Takes the reference to `items`. names: member that q is looked for in. */
void api_list(struct api_call *call, json_t *items, const char *name_member);

/* One request to our broker. Answers with the error itself and gives false when it fails. */
bool api_ask(struct api_call *call, int16_t key, int16_t version, const void *request, void *response);
enum status api_ask_quietly(struct api *api, struct arena *arena, int16_t key, int16_t version, const void *request, void *response, struct error *error);

/* What `tailrace status --json` shows; a new reference. */
json_t *api_describe(struct api *api);

/* One line of "what happened"; subject and text are copied. kind: "event" or "change". */
void api_event(struct api *api, const char *kind, const char *severity, const char *subject, const char *text);
json_t *api_events(struct api *api, size_t limit);

json_t *json_slice(struct slice text); /* a string, bytes that are no UTF-8 replaced; null for a null slice */
json_t *json_text_or_null(const char *text);

/* ---- The answers, by file ---- */

typedef void api_handler(struct api_call *call);

api_handler api_me, api_overview, api_problems, api_events_list, api_series_get, api_find, api_health, api_settings_list, api_stream; /* api_overview.c, api_about.c */
api_handler api_topics, api_topic, api_topic_create, api_topic_delete, api_topic_config, api_topic_partitions, api_topic_empty, api_topic_schema; /* api_topics.c */
api_handler api_messages, api_message, api_message_produce; /* api_messages.c */
api_handler api_groups, api_group, api_group_reset, api_group_delete; /* api_groups.c */
api_handler api_connectors, api_connector, api_preflight, api_connect_proxy; /* api_connectors.c */
api_handler api_agents, api_agent, api_alerts, api_alert, api_reports, api_report; /* api_agents.c */

/* Objects that several answers and the stream show. New references. */
json_t *overview_make(struct api *api);
json_t *group_make(struct api *api, struct arena *arena, const char *name, struct error *error); /* NULL with the error */
json_t *topics_make(struct api *api, struct arena *arena, struct error *error);
json_t *groups_make(struct api *api, struct arena *arena, struct error *error);

/* How long a partition's first unread record has waited, in ms; 0 at the end, -1 unknown. */
int64_t lag_ms_of(struct api *api, const char *topic, int32_t partition, int64_t committed, int64_t end);

#endif
