/*
 * broker/changes.h: what clients changed through the Kafka protocol (topics, their settings and records, groups), kept until somebody
 * writes it down: the network thread must not wait for that.
 */
#ifndef BROKER_CHANGES_H
#define BROKER_CHANGES_H

#include "broker/broker_internal.h"

#define CHANGES_KEPT_MAX 1024 /* between two looks; of more only the number is told */

struct changes;

struct changes *changes_create(void);
void changes_destroy(struct changes *changes); /* NULL is fine */

/* Thread: network. The text names the subject itself. */
void change_note(struct request *request, struct slice subject, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
