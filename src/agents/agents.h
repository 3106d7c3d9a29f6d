/* agents/agents.h: the agents that the settings name, running inside `up`. */
#ifndef AGENTS_AGENTS_H
#define AGENTS_AGENTS_H

#include "agents/agent.h"

struct agents;

/*
 * Starts every agent of the settings "agents.<name>.<key>".
 * values  all settings; borrowed until the call returns
 * Errors  BAD_INPUT: which agent and setting
 */
enum status agents_start(const struct properties *values, struct log *log, struct agents **started, struct error *error);

/* Each checkpoints; under 5 s. NULL is fine. */
void agents_stop(struct agents *agents);

size_t agents_count(const struct agents *agents);
struct agent *agents_at(const struct agents *agents, size_t index);
struct agent *agents_find(const struct agents *agents, const char *name); /* NULL when there is none */

/* One JSON array: name, rule, topic, state, error, counters. */
void agents_describe(const struct agents *agents, struct buffer *json);

#endif
