/* web/audit.h: every change that people made with the console or the command line, as a record of the topic tailrace-console-changes, kept for 90 days. */
#ifndef WEB_AUDIT_H
#define WEB_AUDIT_H

#include "log/log.h"

#define AUDIT_TOPIC "tailrace-console-changes"

/* Durable when it returns; a failure is logged, and the change stays done. Thread: any. */
void audit_write(struct log *log, const char *by, const char *subject, const char *text);

#endif
