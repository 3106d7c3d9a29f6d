/* capture/topics.h: which partitions and settings a new topic gets: Connect's topic.creation.* (KIP-158). */
#ifndef CAPTURE_TOPICS_H
#define CAPTURE_TOPICS_H

#include "base/error.h"
#include "base/properties.h"

struct topic_rules;

/* Errors: BAD_INPUT (a regular expression or a number that is none, a group without include). */
enum status topic_rules_create(const struct properties *config, struct topic_rules **created, struct error *error);
void topic_rules_destroy(struct topic_rules *rules); /* NULL is fine */

/*
 * The first group whose patterns match the name has the say, "default" where none does; without rules the log's defaults.
 * partitions  -1: the log's default
 * settings    borrowed from the rules; NULL when there are none
 */
void topic_rules_find(const struct topic_rules *rules, const char *topic, int32_t *partitions, const struct properties **settings);

#endif
