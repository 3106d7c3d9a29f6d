/*
 * web/gone.h: what was here and is not any more, so that a page about it, or an action on it, says what happened instead of that it was never
 * there. Since the start of the program; the newest of each kind.
 */
#ifndef WEB_GONE_H
#define WEB_GONE_H

#include "web/api.h"

struct gone;

struct gone *gone_create(void);
void gone_destroy(struct gone *gone); /* NULL is fine */

/* Somebody deleted it here. kind: "topic", "group", "connector", "agent" or "report". Thread: any */
void gone_note(struct gone *gone, const char *kind, const char *name, const char *by);

/* Was there one, and is it gone? false for other kinds. Thread: any */
bool gone_knows(struct gone *gone, const char *kind, const char *name);

/* Compares what there is with what there was. groups: NULL: not known this time. Thread: the sampler's */
void gone_look(struct gone *gone, const json_t *description, const json_t *groups);

/*
 * The body of the error that says that it does not exist, and what became of it.
 * Thread: any
 */
json_t *gone_error(struct gone *gone, struct arena *arena, const char *kind, const char *name);

/* Answers with that, 404. */
void api_gone(struct api_call *call, const char *kind, const char *name);

#endif
