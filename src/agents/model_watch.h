/*
 * agents/model_watch.h: the model of a file as it is now. A changed file is loaded beside the model in use, on a thread of its own,
 * and takes its place between two events; one that cannot be used leaves the old one in its place, and says why.
 * Thread: the agent's.
 */
#ifndef AGENTS_MODEL_WATCH_H
#define AGENTS_MODEL_WATCH_H

#include "agents/model.h"

struct model_watch;

/* Is this model one for the rule? Errors: MODEL or BAD_INPUT: what is wrong with it */
typedef enum status model_accept(void *context, const struct model_facts *facts, struct error *error);

/* accept may be NULL: every model is. Nothing is read yet. */
struct model_watch *model_watch_create(const char *path, model_accept *accept, void *context);
void model_watch_destroy(struct model_watch *watch); /* NULL is fine */

/*
 * The first time loads the file; later, at most once a second, looks whether it changed. Cheap: call it for every event.
 * Errors  MODEL: there is no model yet. Never for a change.
 */
enum status model_watch_look(struct model_watch *watch, struct error *error);

/* Is the file another one than was loaded or refused last? */
bool model_watch_changed(const struct model_watch *watch);

struct model *model_watch_model(const struct model_watch *watch); /* good until the next look; NULL before the first that succeeded */

/* Why what is in the file now is not in use; NULL when it is. */
const char *model_watch_trouble(const struct model_watch *watch);

#endif
