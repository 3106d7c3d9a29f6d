/* broker/topic_name.h: Kafka's rules for names of topics, with its words for what is wrong. */
#ifndef BROKER_TOPIC_NAME_H
#define BROKER_TOPIC_NAME_H

#include "base/error.h"
#include "base/slice.h"

struct store;

/* Errors: INVALID_TOPIC_EXCEPTION ("Topic name is invalid: …"). */
enum status topic_name_check(struct slice name, struct error *error);

/* Topics that clients see as internal and may not write to: __consumer_offsets and __transaction_state. */
bool topic_name_is_internal(struct slice name);

/* __cluster_metadata: nobody may create it. */
bool topic_name_is_reserved(struct slice name);

/*
 * Is there a topic whose name is the same once '.' and '_' are the same? Metrics of Kafka's tools mix them up.
 * error  gets "Topic 'a.b' collides with existing topic: a_b"; may be NULL
 */
bool topic_name_collides(struct store *store, struct slice name, struct error *error);

#endif
