/*
 * agents/mutes.h: who is not to be disturbed about what for a time. An alert that was scored while its key or agent was muted is
 * kept and counted as any other, but no sink sends it, also one that comes to it later.
 *
 * A mute is a record of the compacted topic tailrace-mutes, keyed by its id:
 *   {"id":"M-1a2b3c4d","agent":"fraud","key":null,"from_ms":…,"until_ms":…,"by":"…","note":null}
 * agent null: every agent; key null: every key of the agent. One that is ended early keeps its record, with an earlier
 * until_ms. Console, command line and sinks know of each other's through the topic only.
 */
#ifndef AGENTS_MUTES_H
#define AGENTS_MUTES_H

#include "agents/alert.h"
#include "log/log.h"

#define MUTES_TOPIC "tailrace-mutes"
#define MUTES_KEPT_MS INT64_C(604800000) /* a week after its end a mute may be forgotten: whoever writes one clears those away */

struct mutes;

struct mutes *mutes_create(struct log *log);
void mutes_destroy(struct mutes *mutes); /* NULL is fine */

/* Reads what is new in the topic. Errors: those of log_read; no topic is no mute. Thread: one at a time */
enum status mutes_refresh(struct mutes *mutes, struct error *error);

/* The id of the mute that covers the alert at its scoring time; NULL: none. Good until the next refresh. */
const char *mutes_cover(const struct mutes *mutes, const struct alert *alert);

/* Does a mute with these members cover the agent and key? NULL stands for every one. */
bool mute_matches(const char *mute_agent, const char *mute_key, const char *agent, const char *key);

#endif
