/*
 * agents/agents.h: the agents that run inside `up`: those of the settings, and what people want of them at run time (log/control.h):
 * another configuration, a pause, a new agent, one that is deleted. What was wanted last is in force within a second.
 */
#ifndef AGENTS_AGENTS_H
#define AGENTS_AGENTS_H

#include "agents/agent.h"

struct agents;

/*
 * Starts every agent of the settings "agents.<name>.<key>" and of the control topic.
 * values  all settings; borrowed until agents_stop
 * Errors  BAD_INPUT: which agent and setting of the settings. One that was changed at run time and is wrong is only described as failed
 */
enum status agents_start(const struct properties *values, struct log *log, struct agents **started, struct error *error);

/* Each checkpoints; under 5 s. NULL is fine. */
void agents_stop(struct agents *agents);

/* A setting that every agent has, "agents.<name>.<key>"; `initial` NULL: not set. */
struct agent_setting {
    const char *key, *initial, *help;
};
const struct agent_setting *agent_settings_list(size_t *count);

/*
 * An agent to look at; it stays until agents_give, and none is changed meanwhile. NULL, and nothing to give back, when there is none
 * of that name. Thread: any
 */
struct agent *agents_take(struct agents *agents, const char *name);
void agents_give(struct agents *agents);

/* One JSON array: name, rule, topic, state, error, counters. Thread: any */
void agents_describe(struct agents *agents, struct buffer *json);

#endif
