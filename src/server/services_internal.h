/* server/services_internal.h: what services.c starts and services_describe.c looks at. */
#ifndef SERVER_SERVICES_INTERNAL_H
#define SERVER_SERVICES_INTERNAL_H

#include "agents/agents.h"
#include "agents/sink.h"
#include "broker/broker.h"
#include "connect/connect.h"
#include "log/log.h"
#include "reports/reports.h"
#include "server/postgres.h"
#include "server/services.h"
#include "store/store.h"
#include "web/web.h"

#include <stdatomic.h>

#define TOKEN_TEXT_SIZE 49 /* 24 bytes in hexadecimal */

struct services {
    const struct settings *settings;
    const char *data_dir;
    int64_t started_ms;
    atomic_bool ready;
    struct properties aliases; /* of the settings, and those of the private PostgreSQL */
    struct postgres *postgres; /* NULL: none is wanted */
    struct store *store;
    struct log *log;
    struct broker *broker;
    struct connect *connect;
    struct agents *agents;
    struct sinks *sinks;
    struct reports *reports;
    struct web *web;
    char token[TOKEN_TEXT_SIZE]; /* of the console, when this start has made one; else "" */
};

#endif
