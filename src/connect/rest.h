/* connect/rest.h: Kafka Connect's REST API: which path and method does what (the table in rest.c), and what resources share. */
#ifndef CONNECT_REST_H
#define CONNECT_REST_H

#include "connect/herder.h"
#include "connect/http.h"

#include <pthread.h>

struct level_set;

struct rest {
    struct herder *herder; /* set before the first request */
    const char *cluster_id;
    pthread_mutex_t loggers_lock; /* guards the list */
    struct level_set *loggers;
};

void rest_init(struct rest *rest, const char *cluster_id);
void rest_finish(struct rest *rest);

/* An http_handler; the context is the struct rest. */
void rest_handle(void *context, const struct http_request *request, struct http_response *response);

/* ---- For the resources ---- */

struct call {
    struct rest *rest;
    const struct http_request *request;
    struct http_response *response;
    const char *name;   /* {name}: of a connector, a plugin, a logger; unescaped */
    const char *number; /* {task} as it came */
};

typedef void rest_action(struct call *call);

/* The status, and JSON to follow in response->body. */
void call_json(struct call *call, int status);
void call_error(struct call *call, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void call_message(struct call *call, int status, const char *message);                          /* {"error_code":…,"message":…} */
void call_failure(struct call *call, const struct error *error);                                /* the HTTP code of its status */
void call_result(struct call *call, int status, enum status result, const struct error *error); /* OK: the status; else the failure */

/* The value of a query parameter, unescaped; NULL when absent. *at starts at 0 and goes on to further values of that name. */
const char *call_query(struct call *call, const char *name, size_t *at);
bool call_query_is_true(struct call *call, const char *name, bool otherwise);

/* resources_connectors.c */
rest_action connectors_list, connectors_create, connector_info, connector_delete, connector_config, connector_config_put,
    connector_config_patch, connector_status, connector_tasks, task_status, task_restart, connector_restart, connector_pause,
    connector_resume, connector_stop, connector_topics, connector_topics_reset, connector_offsets, connector_offsets_alter,
    connector_offsets_reset, connector_internal;

/* resources_plugins.c */
rest_action root_info, health, plugins_list, plugin_config, plugin_validate;

/* resources_loggers.c */
rest_action loggers_list, logger_info, logger_put;
void loggers_free(struct rest *rest);

#endif
