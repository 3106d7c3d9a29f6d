/*
 * log/audit.h: every change that people made with the console, the REST API, the command line or Kafka's tools, as a record of the topic
 * tailrace-console-changes, kept for 90 days.
 */
#ifndef LOG_AUDIT_H
#define LOG_AUDIT_H

#include "log/log.h"

#define AUDIT_TOPIC "tailrace-console-changes"

struct audit_change {
    int64_t at_ms;
    const char *by;      /* "console, 127.0.0.1" */
    const char *subject; /* "orders" */
    const char *text;    /* "Topic orders was created." */
};

/* Durable when it returns; a failure is logged, and the changes stay done. Thread: any. */
void audit_write(struct log *log, const struct audit_change *changes, size_t count);

/* One, now. */
void audit_write_now(struct log *log, const char *by, const char *subject, const char *text);

#endif
