/*
 * web/redact.h: takes secrets out of a text before it leaves the program: those that it knows (passwords of settings and
 * connectors), and what looks like one (password=…, user:…@host, Bearer …, #token=…). Thread: one at a time.
 */
#ifndef WEB_REDACT_H
#define WEB_REDACT_H

#include "base/buffer.h"
#include "base/properties.h"

struct redactor;

struct redactor *redactor_create(void);
void redactor_destroy(struct redactor *redactor); /* NULL is fine */

/* Learns the values of settings that are secret by their names, and the passwords in those that are connection strings. */
void redactor_learn(struct redactor *redactor, const struct properties *settings);

/* Is a setting of this name a secret, or does it hold one? */
bool redact_is_secret(const char *key);

/* Appends the text without them; gives how many were taken out. */
size_t redactor_append(const struct redactor *redactor, struct slice text, struct buffer *out);

#endif
